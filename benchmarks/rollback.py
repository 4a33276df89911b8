"""Asked for a rollback → first answer from the kept release; rival: deploying it anew."""

from __future__ import annotations

import statistics
import time

from benchmarks.line import Line
from benchmarks.shop import Shop, own_seconds, running_shop
from greenroom import orders

ROUNDS = 5
GOAL_SECONDS = 2.0


def _settle(shop: Shop, asked: float, commit: str) -> float:
    total = shop.seconds_until(commit, asked)
    row = shop.newest()
    time.sleep(3)  # the run's own end, and the old copy's
    return own_seconds(row, total)


def run() -> Line:
    """Roll the shop's production back and forth, and deploy as often in between."""
    back: list[float] = []
    anew: list[float] = []
    with running_shop() as shop:
        commits = []
        for text in ("one", "two"):
            commits.append(shop.change(text))
            begun = time.monotonic()
            shop.hands.push("main", commits[-1])
            _settle(shop, begun, commits[-1])
        current = 1
        for _ in range(ROUNDS):
            asked = time.monotonic()
            orders.place_rollback("tolmere/production", actor="benchmark")
            current = 1 - current
            back.append(_settle(shop, asked, commits[current]))
            asked = time.monotonic()
            current = 1 - current
            orders.place_deploy_to("tolmere/production", ref=commits[current], actor="benchmark")
            anew.append(_settle(shop, asked, commits[current]))
    value = statistics.median(back)
    return Line(
        "rollback", value, "s of our own from asked to first answer", "deploying that commit anew",
        statistics.median(anew), f"<= {GOAL_SECONDS:g} s", value <= GOAL_SECONDS,
        {"worst": round(max(back), 3)},
    )  # fmt: skip
