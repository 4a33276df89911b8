"""A new version dies → its reason and last lines are recorded; rival: the same in a container.

Beside it: a build that hangs is cancelled → it and its flow have ended.
"""

from __future__ import annotations

import json
import re
import shutil
import statistics
import time
from functools import partial

import psutil

from benchmarks.edge import needed
from benchmarks.kinds import DOCKERFILE, MANIFESTS, gone
from benchmarks.line import Line
from benchmarks.village import Site, Village, app, running_village, until, wait_for
from greenroom import orders
from greenroom.hosting.registry import has_engine
from greenroom.store.models import Deployment

ROUNDS, GOAL_SECONDS = 5, 2.0
_SAID = re.compile(r"died at (\d+\.?\d*)")
_DIES = "import time; print(f'died at {time.time()}', flush=True); raise SystemExit(3)\n"
_IMAGE = "echo died at $(date +%s); exit 3"


def _seconds(row: Deployment) -> float:
    """Give the seconds from the copy's last word to the recorded reason."""
    error = row.error or {}
    said = _SAID.search(str(error.get("log_tail", "")))
    if row.status != "failed" or said is None or row.completed_at is None:
        raise RuntimeError(f"it did not fail as it should: {row.status} {json.dumps(error)[:300]}")
    return row.completed_at.timestamp() - float(said[1])


def _process(village: Village) -> list[float]:
    site = village.build(app("1"))
    site.deploy()
    found = []
    for number in range(ROUNDS):
        site.change({**app("1"), "app.py": f"# {number}\n{_DIES}"})
        found.append(_seconds(site.deploy()))
    return found


def _cancelled(village: Village) -> list[float]:
    """Cancel a build that hangs; give the seconds until it, and its flow, have ended."""
    site, found = village.build(app("1")), []
    for number in range(ROUNDS):
        mark = f"61{number}.25"
        files = app(f"c{number}")
        files["greenroom.yaml"] += f"build: {{command: sleep {mark}}}\n"
        site.change(files)
        order = orders.place_deploy(site.name, "main", actor="benchmark")
        until(partial(_sleeps, mark), "the build")
        begun = time.monotonic()
        orders.place_cancel(order.environment, f"#{order.number}", actor="benchmark")
        ended = wait_for(order.deployment_id)
        until(partial(_is_over, mark), "the build's end")
        if ended.status != "cancelled":
            raise RuntimeError(f"it ended {ended.status}")
        found.append(time.monotonic() - begun)
    return found


def _sleeps(mark: str) -> bool:
    return any(mark in (one.info["cmdline"] or []) for one in psutil.process_iter(["cmdline"]))


def _is_over(mark: str) -> bool:
    return not _sleeps(mark)


def _container(village: Village) -> list[float]:
    files = {"index.html": "1", "greenroom.yaml": MANIFESTS["docker"], "Dockerfile": DOCKERFILE}
    site: Site = village.build(files)
    shutil.copy(needed("busybox"), site.folder / "busybox")
    site.change(files)
    site.deploy()
    broken = MANIFESTS["docker"].replace("exec httpd -f -p $PORT -h /app", f"'{_IMAGE}'")
    found = []
    for number in range(ROUNDS):
        site.change({**files, "index.html": str(number), "greenroom.yaml": broken})
        found.append(_seconds(site.deploy()))
    gone(site)
    return found


def run() -> Line:
    """Deploy a version that dies at its start, over and over."""
    with running_village() as village:
        found = _process(village)
        cancelled = _cancelled(village)
        other = _container(village) if has_engine(village.platform.settings) else []
    worst = max(found + other)
    return Line(
        "died", statistics.median(found), "s from the process's death to its reason with its log",
        "a container's (its clock tells whole seconds)", statistics.median(other or [float("nan")]),
        f"<= {GOAL_SECONDS:g} s, the worst too", worst <= GOAL_SECONDS,
        {
            "worst": round(max(found), 3), "worst_container": round(max(other or [0]), 3),
            "cancelled_build_and_flow": round(statistics.median(cancelled), 3),
            "cancelled_worst": round(max(cancelled), 3), "rounds": ROUNDS,
        },
    )  # fmt: skip
