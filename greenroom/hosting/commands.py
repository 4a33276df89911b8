"""Run a project's own shell command: its output streamed, its time bounded, its children ended."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from greenroom.hosting.base import Check, Log

MAX_LINE = 4_000
"""Characters of one line that are kept."""
MAX_LINES = 50_000
"""Lines of one command that are passed on; the rest is counted only."""
END_SECONDS = 2.0
"""How long a command may take to end when it is asked to."""


class TimedOut(Exception):
    """The command ran longer than it may."""


def run_streamed(
    command: Sequence[str],
    *,
    folder: Path | None,
    environment: Mapping[str, str],
    timeout_seconds: float,
    log: Log,
    check: Check,
    source: IO[bytes] | None = None,
) -> int:
    """Run ``command``, pass each line it writes to ``log``, and give its exit code.

    ``source`` is a file that it reads from its standard input.

    Whatever ends this function ends the command's whole process group.

    Errors: TimedOut, and whatever ``check`` raises.
    """
    process = subprocess.Popen(
        command, cwd=folder, env=dict(environment), stdin=source or subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    deadline, rest, count = time.monotonic() + timeout_seconds, b"", 0
    descriptor = process.stdout.fileno()
    os.set_blocking(descriptor, False)

    def say(raw: bytes) -> None:
        nonlocal count
        count += 1
        if count <= MAX_LINES:
            log(clean_line(raw))
        elif count == MAX_LINES + 1:
            log(f"… more than {MAX_LINES} lines; the rest is not kept …")

    try:
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            ended_at = None
            while True:
                selector.select(0.2)
                with contextlib.suppress(BlockingIOError):
                    data = os.read(descriptor, 65536)
                    if not data:
                        break
                    *lines, rest = (rest + data).split(b"\n")
                    for line in lines:
                        say(line)
                    if len(rest) > MAX_LINE * 4:
                        say(rest)
                        rest = b""
                check()
                if time.monotonic() > deadline:
                    raise TimedOut
                if process.poll() is not None:  # a grandchild may keep the pipe open for ever
                    ended_at = ended_at or time.monotonic()
                    if time.monotonic() - ended_at > 1:
                        break
        if rest:
            say(rest)
        while process.poll() is None:  # it closed its output and goes on
            check()
            if time.monotonic() > deadline:
                raise TimedOut
            time.sleep(0.05)
        return process.returncode
    finally:
        _end_group(process)
        process.stdout.close()


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End a command with its group: first asked, so that who watches it can end the rest."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(END_SECONDS)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def clean_line(raw: bytes) -> str:
    """Make one line of output safe to keep: UTF-8, no control characters, bounded."""
    text = raw[: MAX_LINE * 4].decode(errors="replace").rstrip("\r")
    text = text.rsplit("\r", 1)[-1]  # progress bars overwrite their line
    return "".join(c for c in text if c == "\t" or c >= " ")[:MAX_LINE]
