"""What Lighthouse said, in words. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

ADVICE = {
    "new": "Advice for here that production does not get",
    "gone": "Advice for production that no longer holds here",
    "both": "Advice for both",
}
_CATEGORIES = {
    "performance": "Performance", "accessibility": "Accessibility",
    "best-practices": "Best practices", "seo": "Search engines",
}  # fmt: skip


MEASURED = {
    "firstContentfulPaint": "First paint", "largestContentfulPaint": "Largest paint",
    "totalBlockingTime": "Blocked", "speedIndex": "Speed index",
    "cumulativeLayoutShift": "Layout shift",
}  # fmt: skip
"""Simulated by Lighthouse for its scores: a slower server does not show in them."""
Row = tuple[str, str, str, str]


def score_rows(found: Mapping[str, Any]) -> list[Row]:
    """Give ``(name, production, here, how sure)`` of each score, 0 to 100, and of what it rests on.

    The range of n differences holds their median with a probability of 1 - 2 / 2^n.
    """
    rows = [
        _row(title, found["scores"][name], found["runs"], lambda value: f"{100 * value:.0f}")
        for name, title in _CATEGORIES.items() if name in found["scores"]
    ]  # fmt: skip
    for name, title in MEASURED.items():
        if name in found["metrics"]:
            is_time = name != "cumulativeLayoutShift"
            say = _milliseconds if is_time else "{:.3f}".format
            rows.append(_row(f"{title}, simulated", found["metrics"][name], found["runs"], say))
    return rows


def _milliseconds(value: float) -> str:
    return f"{value:.0f} ms"


def _row(
    title: str, two: Mapping[str, Any], count: int, say: Callable[[float], str]
) -> Row:  # fmt: skip
    low, high, has_other = two["low"], two["high"], two["after"] is not None
    if not has_other:
        return title, say(two["before"]), "", f"{say(low)} to {say(high)} in {count} runs"
    here, pairs = say(two["after"]), f"in {count} pair{'s' * (count > 1)}"
    ends = [("+" if end > 0 else "") + say(end) for end in (low, high)]
    if {end.strip("+-") for end in ends} == {say(0.0)}:
        return title, say(two["before"]), here, f"the same {pairs}"
    sure = f", {1 - 2 / 2**count:.0%} sure" if count > 1 else ""
    return title, say(two["before"]), here, f"differs by {ends[0]} to {ends[1]} {pairs}{sure}"
