"""What was found of a version, in a line: for its deployment, its pull request and people."""

from __future__ import annotations

from typing import Any

import pytest

from greenroom.compare.metrics import BY_NAME, metrics_with
from greenroom.compare_rules import State as PageState
from greenroom.compare_rules import parse_rules
from greenroom.compare_verdicts import signatures
from greenroom.deltas import Delta, look_of, open_looks, say_regressions, speed_of
from greenroom.errors import InvalidManifest
from greenroom.sources.reporting import Check, Report, State, comment_text
from greenroom.store.models import Comparison, Measurement

CHANGE = {
    "kind": "changed", "text_before": "9.90", "text_after": "8.90", "styles": {},
    "selector": "#price", "signature": "s1", "before": None, "after": None,
}  # fmt: skip


def page(path: str = "/", verdict: str = "changed", **more: Any) -> dict[str, Any]:
    changes = [CHANGE] if verdict == "changed" else []
    plain = {"path": path, "viewport": "phone", "verdict": verdict, "failure": "",
             "changes": changes, "before": None, "after": None}  # fmt: skip
    return plain | more


def timed(path: str, verdict: str, **more: Any) -> dict[str, Any]:
    found = {"metric": "ttfb", "difference": 104.0, "low": 98.0, "high": 111.0, "verdict": verdict}
    plain = {"path": path, "viewport": "desktop", "verdict": verdict, "failure": "", "over": [],
             "findings": [found]}  # fmt: skip
    return plain | more


def test_a_look_says_what_is_open_and_only_failures_alarm() -> None:
    row = Comparison(pages=[page("/about", "unchanged"), page()])
    found = look_of(row, {})
    assert found == Delta(
        "pages", "changed", "1 changed, 1 unchanged; / (phone): changed: “9.90” → “8.90”", False
    )
    (key,) = [("/", one) for one in signatures(page())]
    assert look_of(row, {key: "approved"}).said == "1 approved, 1 unchanged"
    assert look_of(row, {key: "rejected"}).is_alarm
    assert open_looks(row.pages, {}) == ["/ (phone): changed: “9.90” → “8.90”"]
    assert open_looks(row.pages, {key: "approved"}) == []
    broken = Comparison(pages=[page(verdict="failed", failure="here: The page answered 500.")])
    assert look_of(broken, {}).is_alarm
    assert look_of(broken, {}).said == "1 failed; / (phone): here: The page answered 500."


def test_what_is_said_of_the_rest_holds_for_that_rest_alone() -> None:
    one, other = (page(left_out=5, left_signature=rest) for rest in ("r1", "r2"))
    said = {("/", "s1"): "approved", ("/", "r1"): "approved"}
    assert look_of(Comparison(pages=[one]), said).said == "1 approved"
    assert look_of(Comparison(pages=[other]), said).verdict == "changed"


def test_a_speed_says_the_first_regression() -> None:
    slow = Measurement(pages=[timed("/about", "same"), timed("/", "worse")])
    said = "/ (desktop): First byte +104 ms (+98 ms to +111 ms)"
    assert speed_of(slow) == Delta("speed", "slower", f"slower: {said}", True)
    assert speed_of(Measurement(pages=[timed("/", "same")])).is_alarm is False
    failed = timed("/", "failed", failure="here: The page answered 500.", findings=[])
    assert say_regressions([failed]) == ["/ (desktop): here: The page answered 500."]


def test_a_pull_request_gets_a_line_and_a_status_of_each() -> None:
    told = Report(
        "feature", "a" * 40, State.SUCCESS, log_url="https://x.example/log",
        checks=(Check("speed", "Load times", "slower: | @ada", True, "https://x.example/p"),),
    )  # fmt: skip
    assert comment_text(told).splitlines()[-1] == (
        "| Load times | ❌ slower: \\| @\N{ZERO WIDTH SPACE}ada <https://x.example/p> |"
    )
    (alone,) = [told.of_check(check) for check in told.checks]
    assert (alone.context, alone.state, alone.log_url) == (
        "greenroom/feature/speed", State.FAILURE, "https://x.example/p",
    )  # fmt: skip


def test_rules_are_read_again_as_they_were_written() -> None:
    steps = [{"click": "a", "if_there": True}, {"fill": "#w", "secret": "W"}, {"press": "Enter"}]
    rules = parse_rules({
        "login": {"steps": steps}, "before": steps, "mask": [".x"], "basic_auth": {
            "user": "U", "password": "P"},
        "states": [{"name": "open", "page": "/a", "steps": steps}], "require": [{"text": "In"}],
        "ignore": [{"box": [1, 2, 3, 4]}, {"selector": "#x", "viewport": "phone"}],
        "viewports": ["phone", {"name": "own", "width": 500, "height": 500}],
        "performance": {"thresholds": {"lcp": {"least": 1}}, "budgets": {"/": {"cls": 0.1}}},
    })  # fmt: skip
    assert parse_rules(rules.model_dump(mode="json")) == rules
    state = rules.states[0].model_dump(mode="json")
    assert PageState.model_validate(state) == rules.states[0]
    for wrong in ({"before": [{"click": ""}]}, {"mask": [""]}, {"ignore": [{"selector": ""}]}):
        with pytest.raises(InvalidManifest):
            parse_rules(wrong)


def test_a_project_says_what_counts() -> None:
    said = {"performance": {"thresholds": {"lcp": {"least": 80}, "bytes": {"ratio": 0.5}}}}
    rules = parse_rules(said).performance
    own = {one.name: one for one in metrics_with(rules.least_differences)}
    assert own["lcp"].least_difference(10_000) == 80
    assert own["bytes"].least_difference(100_000) == 50_000
    assert own["ttfb"] == BY_NAME["ttfb"]
    for wrong in ({}, {"least": 0}, {"ratio": -1}):
        with pytest.raises(InvalidManifest, match=r"compare\.performance\.thresholds\.lcp"):
            parse_rules({"performance": {"thresholds": {"lcp": wrong}}})
