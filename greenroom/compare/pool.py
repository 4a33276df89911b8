"""Several programs with a browser each, asked in turn; one that hangs is ended and replaced."""

from __future__ import annotations

import json
import os
import queue
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from greenroom.compare.apart import end_family

QUESTION_SECONDS = 120.0
PROGRAM = "greenroom.compare.run"
Broken = str
"""In a sentence, why there is no answer."""


class Program:
    """One program that answers questions; it is started when it is first asked."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._rest = b""

    def ask(self, question: Mapping[str, Any], seconds: float) -> tuple[Any, Broken]:
        """Give the answer, or why there is none; then nothing of the program is left."""
        try:
            process = self._started()
            assert process.stdin is not None
            process.stdin.write(json.dumps(question).encode() + b"\n")
            process.stdin.flush()
            said = json.loads(self._line(process, time.monotonic() + seconds))
        except TimeoutError:
            self.end()
            return None, f"The browser did not end within {seconds:g} seconds."
        except (OSError, EOFError, ValueError):  # the last: it said something else than an answer
            self.end()
            return None, "The browser broke."
        return said.get("answer"), said.get("broke", "")

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._rest = b""
            self._process = subprocess.Popen(
                [sys.executable, "-m", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        return self._process

    def _line(self, process: subprocess.Popen[bytes], deadline: float) -> bytes:
        assert process.stdout is not None
        while b"\n" not in self._rest:
            ready, _, _ = select.select(
                [process.stdout], [], [], max(0.0, deadline - time.monotonic())
            )
            if not ready:
                raise TimeoutError
            part = os.read(process.stdout.fileno(), 1 << 16)
            if not part:
                raise EOFError
            self._rest += part
        line, self._rest = self._rest.split(b"\n", 1)
        return line

    def end(self) -> None:
        """End the program and all that it started: a browser survives its parent. Idempotent."""
        process, self._process = self._process, None
        if process is None:
            return
        end_family(process)


def count_programs(cores: int | None = None) -> int:
    """Give how many browsers take pictures at once: they wait as much as they work. Pure."""
    return max(2, min(4, (cores or os.cpu_count() or 2) + 1))


def ask_all(
    questions: Sequence[Mapping[str, Any]], programs: int, seconds: float = QUESTION_SECONDS
) -> Iterator[tuple[int, Any, Broken]]:
    """Ask every question, several at once; give number, answer and failure as they come.

    What is asked is ended with the block: no program outlives the iterator.
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(len(questions)):
        waiting.put(number)
    answers: queue.SimpleQueue[tuple[int, Any, Broken]] = queue.SimpleQueue()
    members = [Program() for _ in range(min(programs, len(questions)))]
    stopped = threading.Event()

    def work(program: Program) -> None:
        try:
            while not stopped.is_set():
                number = waiting.get_nowait()
                answers.put((number, *program.ask(questions[number], seconds)))
        except queue.Empty:
            pass
        finally:
            program.end()

    threads = [threading.Thread(target=work, args=(one,), daemon=True) for one in members]
    for thread in threads:
        thread.start()
    try:
        for _ in questions:
            yield answers.get()
    finally:
        stopped.set()
        if any(thread.is_alive() for thread in threads):
            for program in members:
                program.end()
        for thread in threads:
            thread.join(10)


def ask_once(question: Mapping[str, Any], seconds: float = QUESTION_SECONDS) -> tuple[Any, Broken]:
    """Ask one question in a program of its own."""
    for _, said, broke in ask_all([question], 1, seconds):
        return said, broke
    return None, "nothing was asked"
