"""From what was measured of pages to the verdict of a report. Everything here is pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from greenroom.compare.metrics import BY_NAME, METRICS
from greenroom.compare.statistics import Finding, Plan, decide

FAILED = "failed"
OVER = "over"
"""Whatever production does: the page is above what ``greenroom.yaml`` allows it."""
_ORDER = ("worse", OVER, FAILED, "unclear", "better", "same")


def count_questions(pages: int, viewports: int) -> int:
    """Count the questions that a report asks."""
    return max(1, pages * viewports * len(METRICS))


def judge_pages(
    pages: Sequence[dict[str, Any]], plan: Plan, budgets: Mapping[str, Mapping[str, float]]
) -> list[dict[str, Any]]:
    """Give all pages their verdicts together: what was asked of the others counts for each."""
    findings = [Finding(**found) for page in pages for found in page["findings"]]
    decided = iter(decide(findings, plan))
    judged = []
    for page in pages:
        told = [asdict(next(decided)) for _ in page["findings"]]
        over = over_budget(page, budgets)
        judged.append(page | {"findings": told, "over": over, "verdict": _verdict(
            page["failure"], [f["verdict"] for f in told], bool(over)
        )})  # fmt: skip
    return judged


def over_budget(
    page: Mapping[str, Any], budgets: Mapping[str, Mapping[str, float]]
) -> list[dict[str, Any]]:
    """List the metrics whose median is above the page's budget; ``*`` is for every page."""
    allowed = {**budgets.get("*", {}), **budgets.get(str(page["path"]), {})}
    medians = {f["metric"]: f["after"] for f in page["findings"]}
    medians |= {name: three[0] for name, three in page["alone"].items()}
    return [
        {"metric": name, "value": medians[name], "budget": budget}
        for name, budget in allowed.items()
        if name in medians and medians[name] > budget
    ]


def _verdict(failure: str, verdicts: Sequence[str], is_over: bool) -> str:
    if failure:
        return FAILED
    if "worse" in verdicts:
        return "worse"
    if is_over:
        return OVER
    return next((word for word in _ORDER if word in verdicts), "same")


def overall(pages: Sequence[Mapping[str, Any]]) -> str:
    """Give a report's verdict: its worst page's."""
    found = {str(page["verdict"]) for page in pages}
    return next((word for word in _ORDER if word in found), FAILED)


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
    told += [say_finding(f) for f in page["findings"] if f["verdict"] == "better"]
    if told:
        return "; ".join(told)
    open_ones = [BY_NAME[f["metric"]].title for f in page["findings"] if f["verdict"] == "unclear"]
    if open_ones:
        return f"too noisy to tell: {', '.join(open_ones)}"
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
