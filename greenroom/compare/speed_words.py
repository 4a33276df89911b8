"""Verdicts of measurements and how people read them: plain words, without the arithmetic.

What a deployment or a page of the console says of a measurement needs no numpy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from greenroom.compare.metrics import BY_NAME

FAILED = "failed"
OVER = "over"
"""Whatever production does: the page is above what ``greenroom.yaml`` allows it."""
ORDER = ("worse", OVER, FAILED, "unclear", "better", "same")


def overall(pages: Sequence[Mapping[str, Any]]) -> str:
    """Give a report's verdict: its worst page's."""
    found = {str(page["verdict"]) for page in pages}
    return next((word for word in ORDER if word in found), FAILED)


def is_regression(verdict: str) -> bool:
    """Whether a report says that something became worse than it may be."""
    return verdict in ("worse", OVER)


WORDS = {
    "worse": "slower", "better": "faster", "same": "no slower", "unclear": "not clear",
    OVER: "over budget", FAILED: "failed",
}  # fmt: skip


def say_verdict(verdict: str) -> str:
    """Give a verdict as people read it."""
    return WORDS.get(verdict, verdict)


def say_page(page: Mapping[str, Any]) -> str:
    """Say in a sentence what was found of a page."""
    if page["failure"]:
        return str(page["failure"])
    told = [say_finding(f) for f in page["findings"] if f["verdict"] == "worse"]
    told += [say_over(o) for o in page["over"]]
    open_ones = [BY_NAME[f["metric"]].title for f in page["findings"] if f["verdict"] == "unclear"]
    if open_ones and not told:  # which is why the page's verdict is not clear
        told.append(f"too noisy to tell: {', '.join(open_ones)}")
    told += [say_finding(f) for f in page["findings"] if f["verdict"] == "better"]
    if told:
        return "; ".join(told)
    return "no difference that counts" if page["findings"] else "measured"


def say_finding(finding: Mapping[str, Any]) -> str:
    """Say one metric's difference with its interval."""
    metric = BY_NAME[finding["metric"]]
    low, high = (metric.say(finding[side], signed=True) for side in ("low", "high"))
    return f"{metric.title} {metric.say(finding['difference'], signed=True)} ({low} to {high})"


def say_over(over: Mapping[str, Any]) -> str:
    """Say by what a page is over its budget."""
    metric = BY_NAME[over["metric"]]
    return f"{metric.title} {metric.say(over['value'])}, {metric.say(over['budget'])} allowed"
