"""The test that calls a page slower: exact, symmetrical, and wrong as rarely as it promises."""

from __future__ import annotations

import math
import random
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from greenroom.compare.metrics import BY_NAME, METRICS
from greenroom.compare.statistics import (
    MOST_PAIRS,
    Finding,
    decide,
    find,
    holm,
    interval,
    is_clear,
    plan_looks,
    rank_probability,
    steady,
)

pytestmark = pytest.mark.unit
SMALL = st.lists(st.integers(0, 6).map(float), min_size=2, max_size=6)
LCP = BY_NAME["lcp"]


@given(st.lists(st.floats(0, 1e4), min_size=6, max_size=18, unique=True))
@settings(max_examples=60)
def test_without_ties_it_is_scipys_exact_test(values: list[float]) -> None:
    before, after = values[::2], values[1::2]
    wanted = stats.mannwhitneyu(after, before, alternative="greater", method="exact").pvalue
    assert rank_probability(before, after) == pytest.approx(wanted, rel=1e-9)


@given(SMALL, SMALL)
def test_with_ties_it_is_every_way_of_dealing_the_numbers(
    before: list[float], after: list[float]
) -> None:
    pooled = stats.rankdata([*before, *after])
    wanted = pooled[len(before) :].sum()
    sums = [sum(dealt) for dealt in combinations(pooled, len(after))]
    share = sum(total >= wanted - 1e-9 for total in sums) / len(sums)
    assert rank_probability(before, after) == pytest.approx(share)


def test_the_interval_is_that_of_the_signed_ranks() -> None:
    # Source: Hollander and Wolfe, depression scores under a drug; bounds of R's wilcox.test.
    differences = [-0.952, 0.147, -1.022, -0.430, -0.620, -0.590, -0.490, 0.080, -0.010]
    estimate, low, high = interval(differences)
    assert (round(estimate, 4), round(low, 3), round(high, 3)) == (-0.46, -0.786, -0.010)
    assert interval([5.0]) == (5.0, 5.0, 5.0)
    assert interval([1.0, 3.0]) == (2.0, 1.0, 3.0)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=30), st.floats(-1e3, 1e3))
def test_an_interval_moves_with_what_it_is_of(values: list[float], by: float) -> None:
    estimate, low, high = interval(values)
    assert min(values) <= low <= estimate <= high <= max(values)
    moved = interval([value + by for value in values])
    assert moved == pytest.approx((estimate + by, low + by, high + by), abs=1e-6)


def test_the_interval_holds_what_it_promises() -> None:
    luck = random.Random(3)
    held = 0
    for _ in range(1000):
        _, low, high = interval([luck.gauss(40, 25) for _ in range(9)])
        held += low <= 40 <= high
    assert held >= 930


def test_a_plan_looks_when_its_level_can_be_reached() -> None:
    assert plan_looks(16).looks == (7, 14)
    assert plan_looks(128).looks == (9, 18)
    for tests in (1, 16, 128, 800, 5000):
        plan = plan_looks(tests)
        assert 1 / math.comb(2 * plan.looks[0], plan.looks[0]) <= plan.level
        assert plan.looks[0] < MOST_PAIRS


def test_holm_by_hand() -> None:
    assert holm([0.001, 0.02, 0.03], 0.05, 3) == [True, True, True]
    assert holm([0.03, 0.001, 0.04], 0.05, 3) == [False, True, False]
    assert holm([0.001], 0.05, 100) == [False]
    assert holm([], 0.05, 3) == []


@given(st.lists(st.floats(0, 1), max_size=12), st.integers(1, 40))
def test_holm_allows_what_bonferroni_allows_and_never_more_than_each_alone(
    probabilities: list[float], tests: int
) -> None:
    held = holm(probabilities, 0.01, tests)
    count = max(tests, len(probabilities))
    for probability, is_held in zip(probabilities, held, strict=True):
        assert is_held or probability > 0.01 / max(count, 1)
        assert not is_held or probability <= 0.01 * (1 + 1e-6)


def pairs(luck: random.Random, count: int, extra: float, spread: float = 15.0):
    return [(luck.gauss(300, spread), luck.gauss(300 + extra, spread)) for _ in range(count)]


def test_a_hundred_milliseconds_are_found_and_nothing_is_not() -> None:
    plan, luck = plan_looks(128), random.Random(5)
    slower = [find(LCP, pairs(luck, 9, 100), plan) for _ in range(40)]
    assert all(is_clear([found], plan) for found in slower)
    assert {found.verdict for found in decide(slower, plan)} == {"worse"}
    same = [find(LCP, pairs(luck, 9, 0, 6), plan) for _ in range(40)]
    assert {found.verdict for found in decide(same, plan)} == {"same"}
    faster = [find(LCP, pairs(luck, 9, -100), plan)]
    assert decide(faster, plan)[0].verdict == "better"
    noisy = [find(LCP, pairs(luck, 9, 0, 200), plan)]
    assert not is_clear(noisy, plan)
    assert decide(noisy, plan)[0].verdict == "unclear"


def test_what_is_certain_and_small_is_no_regression() -> None:
    plan = plan_looks(16)
    found = find(LCP, [(300.0 + n, 312.0 + n) for n in range(0, 28, 2)], plan)
    assert found.p_worse < 0.2
    assert decide([found], plan)[0].verdict == "same"
    ten_more = find(LCP, [(4000.0 + n, 4100.0 + n) for n in range(14)], plan)
    assert ten_more.least == pytest.approx(200, rel=0.01)
    assert decide([ten_more], plan)[0].verdict == "same"


def test_looking_twice_costs_twice() -> None:
    plan = plan_looks(16)
    early = find(LCP, [(300.0 + n, 500.0 + n) for n in range(7)], plan)
    assert early.p_worse == pytest.approx(2 / math.comb(14, 7))
    late = find(LCP, [(300.0 + n, 500.0 + n) for n in range(7)] + [(300.0, 300.0)] * 7, plan)
    assert late.p_worse <= early.p_worse, "what was seen at the first look is not forgotten"


def test_reports_of_equal_sites_are_wrong_in_at_most_one_of_a_hundred() -> None:
    """With heavy tails, drift that both sides share, and a stop at the first clear look."""
    luck, wrong, reports = np.random.default_rng(11), 0, 300
    plan = plan_looks(4 * len(METRICS))
    for _ in range(reports):
        findings: list[Finding] = []
        for _ in range(4):
            noise = luck.standard_t(2, (plan.looks[-1], 2, 5)) * 30
            drift = luck.gamma(2, 40, (plan.looks[-1], 1, 1))
            taken = 200 + drift + noise
            page: list[Finding] = []
            for look in plan.looks:
                page = [
                    find(metric, [tuple(pair) for pair in taken[:look, :, at].tolist()], plan)
                    for at, metric in enumerate(METRICS[:5])
                ]
                if is_clear(page, plan):
                    break
            findings += page
        wrong += any(found.verdict == "worse" for found in decide(findings, plan))
    assert wrong <= 0.01 * reports


def test_a_pair_is_void_by_the_machine_alone() -> None:
    assert steady([]) == []
    assert steady([100, 101, 99, 49, 51]) == [True, True, True, False, True]


def test_values_are_said_as_people_read_them() -> None:
    said = [BY_NAME["lcp"].say(123.4, signed=True), BY_NAME["lcp"].say(12_345),
            BY_NAME["bytes"].say(-2_500_000, signed=True), BY_NAME["bytes"].say(70_009),
            BY_NAME["cls"].say(0.1234), BY_NAME["requests"].say(4, signed=True)]  # fmt: skip
    assert said == ["+123 ms", "12.35 s", "-2.50 MB", "70 kB", "0.123", "+4"]
