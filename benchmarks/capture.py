"""Take and compare pictures of ten pages, three widths, two sites: seconds, and CPU a picture."""

from __future__ import annotations

import os
import tempfile
import threading
import time

import psutil

from benchmarks.line import Line
from benchmarks.served_pages import questions, served
from greenroom.compare.pool import ask_all, count_programs

PAGES, GOAL_SECONDS = 10, 45.0


def run(pages: int = PAGES) -> Line:
    """Compare two sites that are the same, as a comparison does, browsers' start included."""
    with served() as before, served() as after, tempfile.TemporaryDirectory() as folder:
        asked = questions(before, after, pages, folder)
        begun = time.monotonic()
        with _Counted() as used:
            found = list(ask_all(asked, count_programs()))
        seconds, cpu = time.monotonic() - begun, used.total
    failed = [number for number, said, broke in found if broke or said["verdict"] == "failed"]
    pictures = 2 * len(asked)
    return Line(
        "capture", seconds, f"s for {pages} pages x 3 viewports x 2 sites", "none", None,
        f"<= {GOAL_SECONDS:g} s on 2 idle cores", seconds <= GOAL_SECONDS and not failed,
        {"pictures": pictures, "failed": len(failed), "programs": count_programs(),
         "cpu_seconds_a_picture": round(cpu / pictures, 3), "load": round(os.getloadavg()[0], 1)},
    )  # fmt: skip


class _Counted:
    """Counts the CPU-seconds of all that this process starts: a browser's are nobody's children."""

    def __init__(self) -> None:
        self._used: dict[int, float] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._count, daemon=True)

    @property
    def total(self) -> float:
        """The sum; what a process used since it was last looked at is missing."""
        return sum(self._used.values())

    def _count(self) -> None:
        mine = psutil.Process()
        while not self._ended.wait(0.1):
            for child in mine.children(recursive=True):
                try:
                    times = child.cpu_times()
                except psutil.Error:
                    continue
                self._used[child.pid] = times.user + times.system

    def __enter__(self) -> _Counted:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
