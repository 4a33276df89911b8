"""Tell a slower page from noise: exact, corrected for how much was asked, stopped when it is clear.

Everything here is pure. The formulas are in ``docs/performance.md``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from greenroom.compare.metrics import Metric

ALPHA = 0.01
"""Most reports, of those where nothing changed, that may call anything slower."""
CONFIDENCE = 0.95
"""Of the intervals that are shown."""
FEWEST_PAIRS, MOST_PAIRS = 7, 40
SLOWED_RATIO = 0.5
"""A pair is void when the machine was this much slower than usual."""
_GUARD = 1e-9


@dataclass(frozen=True)
class Plan:
    """How many pairs are taken before each look at them, and what a look may claim."""

    looks: tuple[int, ...]
    tests: int
    alpha: float = ALPHA

    @property
    def level(self) -> float:
        """How improbable one metric must be at one look to be called by itself (Bonferroni)."""
        return self.alpha / (self.tests * len(self.looks))


@dataclass(frozen=True)
class Finding:
    """What is known of one metric of one page."""

    metric: str
    before: float
    """Median of production."""
    after: float
    difference: float
    """The environment less production: Hodges and Lehmann's estimate of the pairs' differences."""
    low: float
    high: float
    """The interval of the difference."""
    least: float
    """The smallest difference that counts."""
    p_worse: float
    """How probable it is to look this much worse by chance, all looks counted."""
    p_better: float
    verdict: str = ""
    """``worse``, ``better``, ``same``, or ``unclear``: it may be worse by more than counts."""


def plan_looks(tests: int, alpha: float = ALPHA, looks: int = 2) -> Plan:
    """Give the fewest pairs at which the plan's level can be reached at all, and twice as many.

    With n pairs the rank test cannot say less than 1 in C(2n, n).
    """
    tests = max(1, tests)
    level = alpha / (tests * looks)
    first = next(
        n for n in range(FEWEST_PAIRS, MOST_PAIRS) if 1 / math.comb(2 * n, n) <= level
    )  # fmt: skip
    return Plan(tuple(first * look for look in range(1, looks + 1)), tests, alpha)


def rank_probability(before: Sequence[float], after: Sequence[float]) -> float:
    """Give how probable it is by chance that ``after`` ranks so high above ``before``.

    The exact permutation distribution of the rank sum of Wilcoxon, Mann and Whitney, with middle
    ranks for what is equal: scipy's exact way takes no ties, and page weights are full of them.
    """
    pooled = np.concatenate((np.asarray(before, float), np.asarray(after, float)))
    doubled = _doubled_ranks(pooled)
    wanted = int(doubled[len(before) :].sum())
    ways = _subset_sums(tuple(sorted(doubled.tolist())), len(after))
    return float(ways[wanted:].sum() / ways.sum())


def _doubled_ranks(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Give twice the middle rank of each value: whole numbers."""
    ordered = np.sort(values)
    lower = np.searchsorted(ordered, values, side="left")
    upper = np.searchsorted(ordered, values, side="right")
    return np.asarray(lower + upper + 1, np.int64)


@lru_cache(maxsize=512)
def _subset_sums(ranks: tuple[int, ...], size: int) -> NDArray[np.float64]:
    """Count, for each sum, the subsets of ``size`` ranks that have it."""
    ways = np.zeros((size + 1, sum(ranks) + 1))
    ways[0, 0] = 1
    for rank in ranks:
        ways[1:, rank:] += ways[:-1, : ways.shape[1] - rank].copy()
    return np.asarray(ways[size])


def interval(
    differences: Sequence[float], confidence: float = CONFIDENCE
) -> tuple[float, float, float]:
    """Give ``(estimate, low, high)`` of what pairs differ by.

    Estimate: the median of all pairwise means (Hodges and Lehmann). Low and high: those means that
    Wilcoxon's exact signed-rank distribution cuts off; the extremes where there are too few pairs.
    """
    values = np.asarray(differences, float)
    rows, columns = np.triu_indices(len(values))
    means = np.sort((values[rows] + values[columns]) / 2)
    cut = _signed_rank_cut(len(values), (1 - confidence) / 2)
    return float(np.median(means)), float(means[cut]), float(means[len(means) - 1 - cut])


@lru_cache(maxsize=128)
def _signed_rank_cut(count: int, tail: float) -> int:
    """Give how many means may be cut off at each end: the largest k with P(W <= k) <= tail."""
    ways = np.zeros(count * (count + 1) // 2 + 1)
    ways[0] = 1
    for rank in range(1, count + 1):
        ways[rank:] += ways[: len(ways) - rank].copy()
    below = np.cumsum(ways) / 2.0**count
    return max(0, int(np.searchsorted(below, tail + _GUARD, side="right")) - 1)


def find(metric: Metric, pairs: Sequence[tuple[float, float]], plan: Plan) -> Finding:
    """Give what ``(production, environment)`` pairs say of a metric after the plan's looks.

    The probability is the smallest of all looks, times their number: looking early costs.
    """
    before, after = ([float(value) for value in side] for side in zip(*pairs, strict=True))
    estimate, low, high = interval([b - a for a, b in zip(before, after, strict=True)])
    seen = [n for n in plan.looks if n < len(pairs)] + [len(pairs)]
    looks = len(plan.looks)
    worse = min(looks * rank_probability(before[:n], after[:n]) for n in seen)
    better = min(looks * rank_probability(after[:n], before[:n]) for n in seen)
    return Finding(
        metric.name, float(np.median(before)), float(np.median(after)), estimate, low, high,
        metric.least_difference(float(np.median(before))), min(1.0, worse), min(1.0, better),
    )  # fmt: skip


def is_clear(findings: Sequence[Finding], plan: Plan) -> bool:
    """Whether more pairs would change no answer: a metric is worse by all rules, or none can be."""
    level = plan.level * len(plan.looks)  # the findings' own probabilities count the looks already
    return any(f.p_worse <= level and f.difference >= f.least for f in findings) or all(
        f.high < f.least for f in findings
    )


def holm(probabilities: Sequence[float], alpha: float, tests: int) -> list[bool]:
    """Say which of many claims hold together (Holm): at most ``alpha`` that any of them is wrong.

    ``tests`` may be more than there are: what could not be measured was asked for, too.
    """
    held = [False] * len(probabilities)
    order = sorted(range(len(probabilities)), key=probabilities.__getitem__)
    for done, at in enumerate(order):
        if probabilities[at] > alpha / (max(tests, len(probabilities)) - done) + _GUARD * alpha:
            break
        held[at] = True
    return held


def decide(findings: Sequence[Finding], plan: Plan) -> list[Finding]:
    """Give all findings of a report their verdicts."""
    worse = holm([f.p_worse for f in findings], plan.alpha, plan.tests)
    better = holm([f.p_better for f in findings], plan.alpha, plan.tests)
    return [
        replace(finding, verdict=_verdict(finding, is_worse, is_better))
        for finding, is_worse, is_better in zip(findings, worse, better, strict=True)
    ]


def _verdict(finding: Finding, is_worse: bool, is_better: bool) -> str:
    if is_worse and finding.difference >= finding.least:
        return "worse"
    if is_better and finding.difference <= -finding.least:
        return "better"
    return "same" if finding.high < finding.least else "unclear"


def steady(speeds: Sequence[float]) -> list[bool]:
    """Say of each pair whether the machine was as fast as usual; what it measured plays no part."""
    usual = float(np.median(speeds)) if len(speeds) else 0.0
    return [speed >= SLOWED_RATIO * usual for speed in speeds]
