from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from greenroom.hosting import commands
from greenroom.hosting.commands import TimedOut, clean_line, run_streamed


def run(script: str, *, timeout: float = 20, check: object = None) -> tuple[int, list[str]]:
    lines: list[str] = []
    code = run_streamed(
        ["/bin/sh", "-c", script],
        folder=Path("/"),
        environment={"PATH": os.environ["PATH"]},
        timeout_seconds=timeout,
        log=lines.append,
        check=check or (lambda: None),  # type: ignore[arg-type]
    )
    return code, lines


def python(program: str) -> str:
    return f"exec {sys.executable} -I -S -c '{program}'"


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def is_gone_soon(pid: int) -> bool:
    for _ in range(100):
        if not is_alive(pid):
            return True
        time.sleep(0.02)
    return False


def test_lines_and_exit_code() -> None:
    assert run("echo one; echo two >&2; printf three; exit 3") == (3, ["one", "two", "three"])


def test_it_reads_nothing_and_sees_only_its_environment() -> None:
    assert run("cat; echo [$HOME]") == (0, ["[]"])


def test_a_command_ended_by_a_signal() -> None:
    assert run("kill -9 $$")[0] == -signal.SIGKILL


def test_a_flood_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "MAX_LINES", 1000)
    code, lines = run(python("for n in range(300000): print(n, 9 * chr(120))"))
    assert code == 0
    assert len(lines) == 1001
    assert lines[999] == "999 xxxxxxxxx"
    assert "more than 1000 lines" in lines[1000]


def test_a_line_without_end_is_bounded() -> None:
    _, lines = run(python("import sys; sys.stdout.write(3000000 * chr(120))"))
    assert max(map(len, lines)) <= commands.MAX_LINE
    assert len(lines) < 1000


def test_binary_junk_becomes_text() -> None:
    _, lines = run("head -c 200000 /dev/urandom; printf '\\n\\000end\\n'")
    assert lines[-1] == "end"
    "".join(lines).encode()
    assert all(c >= " " or c == "\t" for line in lines for c in line)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"a\tb\x1b[31mred\x1b[0m", "a\tb[31mred[0m"),
        (b"10%\r50%\r100%", "100%"),
        (b"windows\r", "windows"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"", ""),
    ],
)
def test_what_a_line_looks_like(raw: bytes, text: str) -> None:
    assert clean_line(raw) == text


def test_a_hanging_command_is_ended_with_its_whole_group() -> None:
    lines: list[str] = []
    with pytest.raises(TimedOut):
        run_streamed(
            ["/bin/sh", "-c", "sleep 600 & echo $!; trap '' TERM; sleep 600"],
            folder=None, environment={"PATH": os.environ["PATH"]}, timeout_seconds=0.5,
            log=lines.append, check=lambda: None,
        )  # fmt: skip
    assert is_gone_soon(int(lines[0]))


def test_one_that_closes_its_output_is_ended_too() -> None:
    with pytest.raises(TimedOut):
        run("exec >&- 2>&-; sleep 600", timeout=0.5)


class _Cancelled(Exception):
    pass


@pytest.mark.parametrize("script", ["sleep 600", "exec >&- 2>&-; sleep 600", "yes"])
def test_a_cancelled_command_ends_soon(script: str) -> None:
    began, calls = time.monotonic(), []

    def check() -> None:
        calls.append(1)
        if len(calls) > 2:
            raise _Cancelled

    with pytest.raises(_Cancelled):
        run(script, check=check)
    assert time.monotonic() - began < 5


def test_a_grandchild_that_keeps_the_pipe_does_not_hold_us() -> None:
    code, lines = run("sleep 600 & echo $!; exit 4", timeout=60)
    assert code == 4
    assert is_gone_soon(int(lines[0]))


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(OSError, match="nonexistent"):
        run_streamed(
            ["/nonexistent/program"], folder=None, environment={}, timeout_seconds=1,
            log=print, check=lambda: None,
        )  # fmt: skip
