"""Compare two identical sites again and again: every finding is a false one."""

from __future__ import annotations

import os
import tempfile

from benchmarks.line import Line
from benchmarks.served_pages import questions, served
from greenroom.compare.pool import ask_all, count_programs

RUNS, PAGES = 20, 30
"""What the goal is about."""
FEW_RUNS, FEW_PAGES = 2, 10
"""What is done without ``--whole``: some minutes less."""


def run(whole_runs: float = 0) -> Line:
    """Count views that are told as changed or failed; ``whole_runs`` are of all pages."""
    runs, pages = (int(whole_runs), PAGES) if whole_runs else (FEW_RUNS, FEW_PAGES)
    false, failed, identical, total = [], [], 0, 0
    for _ in range(runs):
        with served() as before, served() as after, tempfile.TemporaryDirectory() as folder:
            asked = questions(before, after, pages, folder)
            for number, said, broke in ask_all(asked, count_programs()):
                view, total = asked[number]["view"], total + 1
                name = f"{view['path']} {view['viewport']['name']}"
                if broke or said["verdict"] == "failed":
                    failed.append(f"{name}: {broke or said['failure']}")
                elif said["verdict"] != "unchanged":
                    false.append(name)
                else:
                    identical += said["before"]["picture"] == said["after"]["picture"]
    return Line(
        "visual_noise", len(false), "false findings", "none", None,
        f"0 in {RUNS} runs of {PAGES} pages x 3 viewports",
        not false and not failed and whole_runs >= RUNS,
        {"runs": runs, "pages": pages, "views": total, "identical_pictures": identical,
         "failed": failed, "false": false, "load": round(os.getloadavg()[0], 1),
         "note": "" if whole_runs >= RUNS else "smaller than the goal's: run with --whole"},
    )  # fmt: skip
