"""Asleep → answered, for fifty who come at once; rival: the same requests to one that is awake."""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.line import Line
from benchmarks.village import Site, app, running_village, until, visit
from greenroom import living
from greenroom.store import environments
from greenroom.store.life import Wishes
from greenroom.store.work import unit_of_work

VISITORS, ROUNDS = 50, 5
GOAL_STOPPED_SECONDS, GOAL_PAUSED_SECONDS = 1.5, 0.1


def _rest(site: Site, how: str) -> str:
    """Wait until the preview sleeps in that way; give its host."""

    def look() -> str:
        with unit_of_work() as work:
            found = environments.get_environment(work, f"{site.name}/preview")
            copy = environments.serving_instance(work, found.id)
        return found.host if copy is not None and copy.asleep == how else ""

    host = str(until(look, f"{how} sleep"))
    time.sleep(0.5)  # what puts it to sleep has ended, too
    return host


def _come_at_once(host: str) -> tuple[list[float], int]:
    """Let all visitors ask in the same moment; give their seconds, and how many were refused."""

    def come(_: int) -> tuple[float, bool]:
        begun = time.monotonic()
        try:
            status, _body = visit(host)
        except OSError:
            status = 0
        return time.monotonic() - begun, status == 200

    with ThreadPoolExecutor(VISITORS) as pool:
        found = list(pool.map(come, range(VISITORS)))
    return [seconds for seconds, _ in found], sum(not good for _, good in found)


def _p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]


def run() -> Line:
    """Let a preview fall asleep over and over, and wake it."""
    seconds: dict[str, list[float]] = {"stopped": [], "paused": [], "awake": []}
    refused, firsts = 0, dict[str, list[float]]()
    with running_village() as village:
        site = village.build(app("1"))
        site.change(app("1"), "preview")
        site.deploy("preview")
        host = site.environment("preview").host
        for how, wishes in (
            ("awake", Wishes(0, 0)), ("paused", Wishes(1, 0)), ("stopped", Wishes(0, 1)),
        ):  # fmt: skip
            living.place_wishes(site.name, wishes, actor="benchmark")
            for _ in range(ROUNDS):
                if how != "awake":
                    _rest(site, how)
                found, wrong = _come_at_once(host)
                seconds[how] += found
                firsts.setdefault(how, []).append(min(found))
                refused += wrong
    stopped, paused = _p95(seconds["stopped"]), _p95(seconds["paused"])
    is_met = stopped <= GOAL_STOPPED_SECONDS and paused <= GOAL_PAUSED_SECONDS and not refused
    details: dict[str, Any] = {
        "paused_p95": round(paused, 3), "refused": refused,
        "first_answer_median": {k: round(statistics.median(v), 3) for k, v in firsts.items()},
        "visitors_at_once": VISITORS, "rounds": ROUNDS,
    }  # fmt: skip
    return Line(
        "wake", stopped, "s from stopped to answered, p95", "awake all the time",
        _p95(seconds["awake"]),
        f"<= {GOAL_STOPPED_SECONDS:g} s from stopped, <= {GOAL_PAUSED_SECONDS:g} s from paused,"
        " 0 refused", is_met, details,
    )  # fmt: skip
