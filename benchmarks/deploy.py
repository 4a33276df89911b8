"""Push accepted → first answer from the new version, by phase; rival: Prefect's stock start."""

from __future__ import annotations

import statistics
import time
from typing import Any

from benchmarks.line import Line
from benchmarks.shop import Shop, own_seconds, running_shop, use_stock_start

ROUNDS = 5
GOAL_SECONDS = 4.0


def _push(shop: Shop, text: str) -> tuple[float, dict[str, float]]:
    """Push a commit; give our own seconds, and the seconds of each phase."""
    commit = shop.change(text)
    shop.hands.push("main", commit)
    accepted = time.monotonic()
    total = shop.seconds_until(commit, accepted)
    row = shop.newest()
    time.sleep(3)  # the run's own end, and the old copy's: the next push meets an idle platform
    return own_seconds(row, total), {**row.phases, "total": total}


def run() -> Line:
    """Deploy the shop's production over and over, each way of starting a run in turn."""
    ours: list[float] = []
    stock: list[float] = []
    phases: list[dict[str, float]] = []
    with running_shop() as shop:
        _push(shop, "warm")
        for number in range(ROUNDS):
            own, seconds = _push(shop, f"ours {number}")
            ours.append(own)
            phases.append(seconds)
            with use_stock_start(shop):
                stock.append(_push(shop, f"stock {number}")[0])
    value = statistics.median(ours)
    return Line(
        "deploy", value, "s of our own from push to first answer", "Prefect's stock process start",
        statistics.median(stock), f"<= {GOAL_SECONDS:g} s, wanted 2 s", value <= GOAL_SECONDS,
        {"worst": round(max(ours), 3), "phases_median": _medians(phases)},
    )  # fmt: skip


def _medians(rows: list[dict[str, float]]) -> dict[str, Any]:
    names = sorted({name for row in rows for name in row})
    return {n: round(statistics.median(row.get(n, 0.0) for row in rows), 3) for n in names}
