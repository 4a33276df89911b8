"""Load times on an environment's page: what they tell, over time, and hostile names as text."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from greenroom.compare.judging import judge_pages
from greenroom.compare.metrics import BY_NAME, METRICS
from greenroom.compare.speed_words import overall
from greenroom.compare.statistics import find, plan_looks
from greenroom.store import environments, measurements
from greenroom.store.comparisons import production_of
from greenroom.store.work import unit_of_work
from tests.ui.conftest import HOSTILE

pytestmark = [pytest.mark.ui, pytest.mark.needs_postgres]
ENV = "shop/fix-tax"
PLAN = plan_looks(32)


def page(extra=0.0, **other):
    base = {"ms": 420.0, "bytes": 210_000.0, "": 12.0}
    spread = [-14, 3, 9, -6, 0, 17, -2, 5]
    before = {m.name: [base[m.unit] * (0 if m.name == "cls" else 1) + (n if m.unit == "ms" else 0)
                       for n in spread] for m in METRICS}  # fmt: skip
    after = {name: [v + (extra if BY_NAME[name].unit == "ms" else 0) + n % 5
                    if BY_NAME[name].unit == "ms" else v for n, v in enumerate(side)]
             for name, side in before.items()}  # fmt: skip
    found = [asdict(find(m, list(zip(before[m.name], after[m.name], strict=True)), PLAN))
             for m in METRICS]  # fmt: skip
    plain = {"path": "/", "viewport": "desktop", "failure": "", "pairs": 8, "voided": 0,
             "findings": found, "alone": {}, "samples": {"before": before, "after": after},
             "lighthouse": None}  # fmt: skip
    return plain | other


SCORES = {
    "runs": 3, "voided": 0, "failure": "", "metrics": {},
    "scores": {
        "performance": {"before": 0.97, "after": 0.81, "low": -0.18, "high": -0.14},
        "accessibility": {"before": 1.0, "after": 1.0, "low": 0.0, "high": 0.0},
    },
    "advice": {
        "new": [{"id": "a", "title": "Eliminate render-blocking resources", "said": "Save 310 ms"}],
        "gone": [], "both": [{"id": "b", "title": HOSTILE, "said": ""}],
    },
}  # fmt: skip


def measured(pages=(), status="done", *, of_production=False):
    with unit_of_work() as work:
        environment = environments.get_environment(work, ENV)
        if of_production:
            environment = production_of(work, environment.project)
        row = measurements.create_measurement(work, environment, [], by="ada")
        judged = judge_pages(list(pages), PLAN, {"/tax": {"bytes": 200_000}})
        row.status, row.pages = status, judged
        row.verdict = overall(judged) if status == "done" else ""
        row.commit_hash = "c0ffee" * 6
    return row


def alone(value):
    three = {name: [value, value - 12, value + 20] for name in BY_NAME}
    return page(findings=[], alone=three)


def seed_measurements():
    measured([page(5), page(8, path="/about")])
    return measured([
        page(130, lighthouse=SCORES), page(2, viewport="phone"), page(1, path="/tax"),
        page(path=f"/{HOSTILE}", failure=f"here: {HOSTILE}", findings=[], samples={}),
    ])  # fmt: skip


def test_differences_are_told_with_intervals_and_as_text(seeded, open_page, shown):
    seed_measurements()
    text = shown(open_page("environment", env=ENV, part="performance"))
    for word in ("Measurement #2", "slower", "Largest paint +1", "over budget", "210 kB, 200 kB",
                 "differs by -18 to -14", "Save 310 ms", "Over time", "<svg"):  # fmt: skip
        assert word in text, word
    assert "<img src=x" not in text


def test_production_has_a_trend_and_one_that_is_under_way_says_so(seeded, open_page, shown):
    for value in (400.0, 410.0, 520.0):
        measured([alone(value)], of_production=True)
    with unit_of_work() as work:
        production = production_of(work, environments.get_environment(work, ENV).project)
        name = f"shop/{production.name}"
    text = shown(open_page("environment", env=name, part="performance"))
    for word in ("every night", "520 ms", "+120 ms since", "<polyline"):
        assert word in text, word
    measured([], "running")
    text = shown(open_page("environment", env=ENV, part="performance"))
    assert "0 pages and devices so far" in text


def test_a_path_that_is_none_is_refused(seeded, open_page, shown):
    test = open_page("environment", env=ENV, part="performance")
    assert "Nothing was measured yet" in shown(test)
    next(t for t in test.text_input if t.label == "Pages").input("about")
    next(b for b in test.button if b.label == "Measure").click()
    assert "is no path" in shown(test.run())
