"""From measured pages to verdicts, words, charts and the page to send."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, get_args

import pytest

from greenroom.compare.judging import count_questions, judge_pages
from greenroom.compare.lighthouse import Advice, Report, _reason, read_report, summarize
from greenroom.compare.lighthouse_words import score_rows
from greenroom.compare.measure import Pair, Sampled, sample
from greenroom.compare.metrics import BY_NAME, METRICS
from greenroom.compare.speed_report import markdown, render
from greenroom.compare.speed_words import overall, say_page
from greenroom.compare.statistics import find, plan_looks
from greenroom.compare_rules import Metric, parse_rules
from greenroom.errors import InvalidManifest, PlatformError

pytestmark = pytest.mark.unit
HOSTILE = "<script>alert(1)</script>"
PLAN = plan_looks(count_questions(1, 2))


def page(extra: float = 0.0, **other: Any) -> dict[str, Any]:
    """Give a page whose every time is ``extra`` longer than production's."""
    values = {name: [300.0 + n for n in range(7)] for name in BY_NAME}
    later = {name: [v + (extra if BY_NAME[name].unit == "ms" else 0) for v in side]
             for name, side in values.items()}  # fmt: skip
    findings = [
        asdict(find(m, list(zip(values[m.name], later[m.name], strict=True)), PLAN))
        for m in METRICS
    ]
    return {"path": "/", "viewport": "phone", "failure": "", "pairs": 7, "voided": 2,
            "findings": findings, "alone": {}, "lighthouse": None, "verdict": "", "over": [],
            "samples": {"before": values, "after": later}} | other  # fmt: skip


def test_budgets_are_of_what_is_measured() -> None:
    assert tuple(BY_NAME) == get_args(Metric)
    rules = parse_rules({"performance": {"budgets": {"/a": {"lcp": 2500}, "*": {"cls": 0.1}}}})
    assert rules.performance.budgets == {"/a": {"lcp": 2500}, "*": {"cls": 0.1}}
    for wrong in ({"a": {"lcp": 1}}, {"/": {"lpc": 1}}, {"/": {"lcp": -1}}, {"/": {"lcp": "x"}}):
        with pytest.raises(InvalidManifest, match=r"compare\.performance\.budgets"):
            parse_rules({"performance": {"budgets": wrong}})


def test_a_page_is_as_bad_as_its_worst_metric_and_a_report_as_its_worst_page() -> None:
    judged = judge_pages([page(), page(200, path="/slow")], PLAN, {"/": {"lcp": 200}})
    assert [one["verdict"] for one in judged] == ["over", "worse"]
    assert overall(judged) == "worse"
    assert say_page(judged[0]) == "Largest paint 303 ms, 200 ms allowed"
    assert say_page(judged[1]).startswith("First byte +200 ms (+200 ms to +200 ms); First paint")
    assert judge_pages([page(-200)], PLAN, {})[0]["verdict"] == "better"
    same = judge_pages([page()], PLAN, {"*": {"lcp": 9000}})
    assert (same[0]["verdict"], say_page(same[0])) == ("same", "no difference that counts")
    (mixed,) = judge_pages([page(-200)], PLAN, {})
    mixed["findings"][0]["verdict"] = "unclear"
    assert say_page(mixed).startswith("too noisy to tell: First byte; First paint -200 ms")
    gone = page(failure="here: The page answered 500.", findings=[])
    assert overall(judge_pages([page(), gone], PLAN, {})) == "failed"
    assert overall([]) == "failed"


def test_production_alone_is_judged_by_its_budget() -> None:
    alone = page(findings=[], alone={name: [500.0, 480.0, 520.0] for name in BY_NAME})
    judged = judge_pages([alone], PLAN, {"*": {"lcp": 100}, "/": {"lcp": 400}})
    assert judged[0]["over"] == [{"metric": "lcp", "value": 500.0, "budget": 400}]
    assert "480 ms to 520 ms" in render("t", "over", judged)


def test_a_report_is_one_file_whose_texts_are_text() -> None:
    speed = {"before": 900.0, "after": 1100.0, "low": -10.0, "high": 250.0}
    found = {"runs": 3, "voided": 0, "failure": "", "metrics": {"speedIndex": speed},
             "scores": {"performance": {"before": 0.99, "after": 0.8, "low": -0.2, "high": -0.1}},
             "advice": {"new": [{"id": "x", "title": HOSTILE, "said": HOSTILE}], "gone": [],
                        "both": []}}  # fmt: skip
    pages = judge_pages(
        [page(200, path=HOSTILE, lighthouse=found), page(failure=HOSTILE, findings=[])], PLAN, {}
    )
    made = render(HOSTILE, overall(pages), pages)
    assert "<script" not in made
    assert "src=" not in made
    assert "+200 ms" in made
    assert "2 more left out" in made
    assert made.count("<svg") == len(METRICS)
    assert score_rows(found) == [
        ("Performance", "99", "80", "differs by -20 to -10 in 3 pairs, 75% sure"),
        ("Speed index, simulated", "900 ms", "1100 ms",
         "differs by -10 ms to +250 ms in 3 pairs, 75% sure"),
    ]  # fmt: skip
    assert "| `/` | phone | failed |" in markdown("t", "failed", pages[1:])


def take(machine: list[float], extra: float):
    def one(number: int) -> Pair | str:
        if number >= len(machine):
            return "production: The page answered 500."
        before = dict.fromkeys(BY_NAME, 300.0 + number % 3)
        return Pair(before, {name: v + extra for name, v in before.items()}, machine[number])

    return one


def test_pairs_are_taken_until_it_is_clear_and_void_ones_again() -> None:
    clear = sample(take([100.0] * 99, 0), PLAN)
    assert (len(clear.kept), clear.voided, clear.failure) == (PLAN.looks[0], 0, "")
    slowed = sample(take([100.0, 100, 100, 40, 40, *[100.0] * 20], 200), PLAN)
    assert (len(slowed.kept), slowed.voided) == (PLAN.looks[0], 2)
    unsteady = sample(take([100.0, 1.0] * 40, 0), PLAN)
    assert isinstance(unsteady, Sampled)
    broken = sample(take([100.0] * 3, 0), PLAN)
    assert broken.failure == "production: The page answered 500."


def report(score: float, *advice: str, machine: float = 1000) -> Report:
    return Report({"performance": score}, {"observedLoad": 100 * score},
                  tuple(Advice(a, a.title(), "") for a in advice), machine)  # fmt: skip


def test_lighthouse_is_summed_up_by_pairs() -> None:
    found = summarize({
        "before": [report(0.9, "fonts"), report(0.95, "fonts"), report(0.91)],
        "after": [report(0.8, "images"), report(0.81, "images"), report(0.1, machine=300)],
    })  # fmt: skip
    assert (found["runs"], found["voided"]) == (2, 1)
    scores = found["scores"]["performance"]
    assert (scores["before"], scores["after"]) == (pytest.approx(0.925), pytest.approx(0.805))
    assert [a["id"] for a in found["advice"]["new"]] == ["images"]
    assert [a["id"] for a in found["advice"]["gone"]] == ["fonts"]
    alone = summarize({"before": [report(0.9, "fonts")]})
    assert alone["scores"]["performance"]["after"] is None
    assert [a["id"] for a in alone["advice"]["both"]] == ["fonts"]
    json.dumps(found)


def test_lighthouse_says_itself_that_it_could_not() -> None:
    with pytest.raises(PlatformError, match="no first paint"):
        read_report({"runtimeError": {"code": "NO_FCP", "message": "no first paint"}})
    said = 'failed\n "runtimeError": {\n "code": "X",\n "message": "Status code: 500"\n },\n at x'
    assert _reason(said) == "Status code: 500"
    assert _reason("one\n  the last line \n") == "the last line"
    assert _reason("") == "It said nothing."
