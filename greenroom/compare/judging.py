"""From what was measured of pages to the verdict of a report. Everything here is pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from greenroom.compare.metrics import METRICS
from greenroom.compare.speed_words import FAILED, ORDER, OVER
from greenroom.compare.statistics import Finding, Plan, decide


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
    return next((word for word in ORDER if word in verdicts), "same")
