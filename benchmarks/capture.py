"""Take and compare pictures of ten pages, three widths, two sites: seconds, and CPU a picture."""

from __future__ import annotations

import os
import tempfile
import time

from benchmarks.line import Line
from benchmarks.served_pages import questions, served
from greenroom.compare.pool import ask_all, count_programs

PAGES, GOAL_SECONDS = 10, 45.0


def run(pages: int = PAGES) -> Line:
    """Compare two sites that are the same, as a comparison does, browsers' start included."""
    with served() as before, served() as after, tempfile.TemporaryDirectory() as folder:
        asked = questions(before, after, pages, folder)
        used, begun = _cpu(), time.monotonic()
        found = list(ask_all(asked, count_programs()))
        seconds, cpu = time.monotonic() - begun, _cpu() - used
    failed = [number for number, said, broke in found if broke or said["verdict"] == "failed"]
    pictures = 2 * len(asked)
    return Line(
        "capture", seconds, f"s for {pages} pages x 3 viewports x 2 sites", "none", None,
        f"<= {GOAL_SECONDS:g} s on 2 idle cores", seconds <= GOAL_SECONDS and not failed,
        {"pictures": pictures, "failed": len(failed), "programs": count_programs(),
         "cpu_seconds_a_picture": round(cpu / pictures, 3), "load": round(os.getloadavg()[0], 1)},
    )  # fmt: skip


def _cpu() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
