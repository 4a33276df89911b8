"""Ask a question in a process of its own, which can be ended with all that it started.

A page whose script loops holds a browser for ever, and a browser survives the program that started
it: whoever asks gives up in time, and the one that is asked watches whoever asked.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from typing import Any

import psutil

_WATCH_SECONDS = 1.0


def ask_apart(module: str, question: dict[str, Any], seconds: float) -> Any:
    """Run a module with a question on its standard input; give its answer.

    None when it took longer than ``seconds``, or broke. Nothing that it started is left.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", module], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        said, _ = process.communicate(json.dumps(question).encode(), timeout=seconds)
        return json.loads(said) if process.returncode == 0 else None
    except (subprocess.TimeoutExpired, ValueError):  # the last: it said something else
        return None
    finally:
        end_family(process)


def end_family(process: subprocess.Popen[bytes], grace_seconds: float = 0.0) -> None:
    """End a process and all that it started, wherever that has put itself. Idempotent.

    The family is listed before anything ends: a browser makes itself a group and a session of its
    own, and an orphan has no parent to be found by.
    """
    if process.poll() is None:
        _end([*_children(process.pid), *_known(process.pid)], grace_seconds)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    process.wait()


def end_with_parent() -> None:
    """End this process and all that it started as soon as its parent is gone."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH_SECONDS)
        _end(_children(os.getpid()), 0.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _known(pid: int) -> list[psutil.Process]:
    try:
        return [psutil.Process(pid)]
    except psutil.NoSuchProcess:
        return []


def _children(pid: int) -> list[psutil.Process]:
    return [child for own in _known(pid) for child in own.children(recursive=True)]


def _end(family: list[psutil.Process], grace_seconds: float) -> None:
    for member in family if grace_seconds else ():
        try:
            member.terminate()
        except psutil.NoSuchProcess:
            pass
    _, alive = psutil.wait_procs(family, timeout=grace_seconds)
    for member in alive:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            pass
    psutil.wait_procs(alive, timeout=5)
