from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroom.errors import ForgeError, ForgeUnavailable
from greenroom.sources import reporting
from greenroom.sources.reporting import Report, State, comment_text, gone_text, marker

TOLD = Report(
    "feature-nice", "6113728f27ae82c7b1a177c8d03f9e96e0adf246", State.SUCCESS,
    url="https://feature-nice.example.org", log_url="https://greenroom.example.org/d/1",
    at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
)  # fmt: skip


def test_the_comment() -> None:
    assert comment_text(TOLD) == "\n".join(
        [
            "**Environment `feature-nice`**",
            "",
            "| | |",
            "|---|---|",
            "| Status | ✅ deployed |",
            "| Preview | <https://feature-nice.example.org> |",
            "| Commit | `6113728f27` |",
            "| Log | <https://greenroom.example.org/d/1> |",
            "| Updated | 2026-01-02 03:04 UTC |",
        ]
    )


def test_a_failure_shows_its_last_lines() -> None:
    failed = Report("x", "a" * 40, State.FAILURE, detail="one\n```\ntwo\n````\n")
    assert comment_text(failed).endswith("`````\none\n```\ntwo\n````\n`````")
    long = Report("x", "a" * 40, State.FAILURE, detail="y" * 10_000 + "end")
    assert len(comment_text(long)) < 4000
    assert "end\n```" in comment_text(long)
    fine = Report("x", "a" * 40, State.SUCCESS, detail="one")
    assert "one" not in comment_text(fine)


def test_nothing_is_read_into_a_description() -> None:
    rough = Report("x", "a" * 40, State.FAILURE, description="a | b <!-- @acme [x](y) `c`\n**d**")
    row = comment_text(rough).splitlines()[4]
    assert row == (
        "| Status | ❌ a \\| b \\<\\!-- @\N{ZERO WIDTH SPACE}acme \\[x\\]\\(y\\) "
        "\\`c\\` \\*\\*d\\*\\* |"
    )


@given(st.text(), st.text(), st.sampled_from(State))
def test_whatever_is_told_can_be_sent(description: str, detail: str, state: State) -> None:
    told = Report("x", "a" * 40, state, description=description, detail=detail)
    told.summary.encode()
    comment_text(told).encode()
    assert len(told.summary) <= reporting.MAX_DESCRIPTION
    assert "\n" not in told.summary
    assert "\0" not in comment_text(told)


def test_a_summary_is_one_short_line() -> None:
    assert Report("x", "", State.PENDING, description="a\n b").summary == "a b"
    assert len(Report("x", "", State.PENDING, description="z" * 500).summary) == 140
    assert Report("x", "", State.CANCELLED).summary == "cancelled: a newer one was asked for"


def test_the_marker_is_keyed() -> None:
    marks = {marker(name, secret) for name in ("a", "b") for secret in ("s", "t")}
    assert len(marks) == 4
    assert marker("a", "s") == marker("a", "s")
    assert all(len(mark) == 42 for mark in marks)
    assert marker("a", "s") not in gone_text("a")


class Forge:
    """Notes what is asked of it; fails where it is told to."""

    def __init__(self, **failing: ForgeError) -> None:
        self.done: list[str] = []
        self.failing = failing

    def _do(self, name: str) -> None:
        self.done.append(name)
        if name in self.failing:
            raise self.failing[name]

    def set_status(self, report: Report) -> None:
        self._do("status")

    def put_comment(self, number: int, marker: str, text: str) -> None:
        self._do("comment")

    def remove_comment(self, number: int, marker: str) -> None:
        self._do("removal")

    def record_deployment(self, report: Report) -> None:
        self._do("deployment")

    def end_deployments(self, environment: str) -> None:
        self._do("end")

    def close(self) -> None:
        """Nothing."""


def test_every_step_is_taken_and_what_may_pass_is_raised() -> None:
    told = Report("x", "a" * 40, State.SUCCESS, number=7)
    forge = Forge(status=ForgeError("no"), deployment=ForgeUnavailable("later"))
    with pytest.raises(ForgeUnavailable, match="later"):
        reporting.report(forge, told, "secret")
    assert forge.done == ["status", "deployment", "comment"]
    forge = Forge(end=ForgeError("no"))
    with pytest.raises(ForgeError, match="no"):
        reporting.report_gone(forge, "x", "secret", 7, is_deleted=True)
    assert forge.done == ["end", "removal"]
