from __future__ import annotations

import dataclasses

import pytest

from greenroom.sources.events import Action, Event, EventKind, decide

DEPLOY, TEARDOWN, NOTHING = Action.DEPLOY, Action.TEARDOWN, Action.NOTHING
KNOWN = frozenset({"feature", "main"})
SHA = "a" * 40

GOLDEN = [
    # kind, branch, from a fork, what is done, why
    ("push", "feature", False, DEPLOY, "push on staging"),
    ("push", "brand-new", False, DEPLOY, "push on staging"),
    ("push", "main", False, DEPLOY, "push on production"),
    ("push", "", False, NOTHING, "not a branch"),
    ("push", "feature", True, NOTHING, "from a fork: its code is not run unasked"),
    ("pull_opened", "feature", False, DEPLOY, "pull_opened on staging"),
    ("pull_opened", "feature", True, NOTHING, "from a fork: its code is not run unasked"),
    ("pull_updated", "feature", False, DEPLOY, "pull_updated on staging"),
    ("pull_updated", "feature", True, NOTHING, "from a fork: its code is not run unasked"),
    ("pull_closed", "feature", False, TEARDOWN, "pull_closed"),
    ("pull_closed", "feature", True, NOTHING, "production and forks are not torn down"),
    ("pull_closed", "main", False, NOTHING, "production and forks are not torn down"),
    ("pull_closed", "unknown", False, NOTHING, "there is no environment of that branch"),
    ("branch_deleted", "feature", False, TEARDOWN, "branch_deleted"),
    ("branch_deleted", "main", False, NOTHING, "production and forks are not torn down"),
    ("branch_deleted", "unknown", False, NOTHING, "there is no environment of that branch"),
    ("ping", "", False, NOTHING, "pong"),
    ("other", "feature", False, NOTHING, "this event changes nothing"),
]


@pytest.mark.parametrize(("kind", "branch", "fork", "action", "reason"), GOLDEN)
def test_what_an_event_leads_to(
    kind: str, branch: str, fork: bool, action: Action, reason: str
) -> None:
    event = Event(EventKind(kind), "d-1", branch=branch, commit=SHA, from_fork=fork)
    decision = decide(event, "main", KNOWN)
    assert (decision.action, decision.reason) == (action, reason)
    assert decision.branch == (branch if action is not NOTHING else "")
    assert decision.commit == (SHA if action is DEPLOY else "")


def test_every_kind_is_in_the_table() -> None:
    assert {row[0] for row in GOLDEN} == set(EventKind)


def test_an_event_cannot_be_altered() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Event(EventKind.PING, "d").branch = "x"  # type: ignore[misc]
