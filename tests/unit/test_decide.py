from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from greenroom.sources.events import Event, EventKind
from greenroom.sources.rules import Action, Decision, Forks, Rules, decide

DEPLOY, TEARDOWN, ASK, NOTHING = Action.DEPLOY, Action.TEARDOWN, Action.ASK, Action.NOTHING
LIVING = frozenset({"feature", "main", "refs/pull/7/head"})
SHA = "a" * 40

PLAIN: dict[str, Any] = {}
FORK = {"from_fork": True, "pull_ref": "refs/pull/7/head"}
NEW_FORK = {"from_fork": True, "pull_ref": "refs/pull/8/head"}
REFLESS = {"from_fork": True}
DRAFT = {"is_draft": True}
LABELED = {"labels": ("bug", "preview")}
OTHERWISE = {"labels": ("bug",)}
DOCS = {"paths": frozenset({"docs/index.md", "README.md"})}
SHOP = {"paths": frozenset({"docs/index.md", "shop/src/app.py"})}

ANY = Rules()
GATE = Rules(label="preview")
NO_DRAFTS = Rules(drafts=False)
PATHS = Rules(paths=("shop/*", "shared/*"))
SOME = Rules(include=("feature*", "fix/*"), exclude=("*/wip",))
ONE, TWO = Rules(limit=1), Rules(limit=3)
ASKING = Rules(forks=Forks.ASK)
TO_MAIN = Rules(targets=("main", "release/*"))
PULLS = Rules(pulls_only=True)

UNASKED = "from a fork: its code is not run unasked"
KEPT = "production and forks are not torn down"
NOT_THERE = "there is no environment of that branch"
NO_CHANGE = "this event changes nothing"
PULL_FIRST = "only a pull request gets an environment"
NOT_INCLUDED = "the branch is none of those that are included"
NO_LABEL = "the pull request has not the label preview"
IS_DRAFT = "the pull request is a draft"
ELSEWHERE = "the pull request goes to another branch"
NO_PATH = "nothing changed under the project's paths"
ASKED = "from a fork: a member is asked first"
NO_REF = "from a fork: this forge keeps no ref of it in the repository"

GOLDEN = [
    # rules, kind, branch, what else is known, what is done, why
    # What holds without any rule
    (ANY, "push", "feature", PLAIN, DEPLOY, "push on staging"),
    (ANY, "push", "brand-new", PLAIN, DEPLOY, "push on staging"),
    (ANY, "push", "main", PLAIN, DEPLOY, "push on production"),
    (ANY, "push", "", PLAIN, NOTHING, "not a branch"),
    (ANY, "push", "feature", FORK, NOTHING, UNASKED),
    (ANY, "pull_opened", "feature", PLAIN, DEPLOY, "pull_opened on staging"),
    (ANY, "pull_opened", "feature", DRAFT, DEPLOY, "pull_opened on staging"),
    (ANY, "pull_opened", "main", PLAIN, DEPLOY, "pull_opened on production"),
    (ANY, "pull_opened", "feature", FORK, NOTHING, UNASKED),
    (ANY, "pull_updated", "feature", PLAIN, DEPLOY, "pull_updated on staging"),
    (ANY, "pull_updated", "feature", FORK, NOTHING, UNASKED),
    (ANY, "pull_ready", "feature", PLAIN, DEPLOY, "pull_ready on staging"),
    (ANY, "pull_ready", "brand-new", PLAIN, DEPLOY, "pull_ready on staging"),
    (ANY, "pull_drafted", "feature", DRAFT, NOTHING, NO_CHANGE),
    (ANY, "pull_drafted", "brand-new", DRAFT, NOTHING, NO_CHANGE),
    (ANY, "pull_labeled", "feature", LABELED, NOTHING, NO_CHANGE),
    (ANY, "pull_labeled", "brand-new", LABELED, NOTHING, NO_CHANGE),
    (ANY, "pull_labeled", "main", LABELED, NOTHING, NO_CHANGE),
    (ANY, "pull_closed", "feature", PLAIN, TEARDOWN, "pull_closed"),
    (ANY, "pull_closed", "feature", NEW_FORK, NOTHING, KEPT),
    (ANY, "pull_closed", "feature", REFLESS, NOTHING, KEPT),
    (ANY, "pull_closed", "feature", FORK, TEARDOWN, "pull_closed"),  # the rule was changed since
    (ANY, "pull_closed", "main", PLAIN, NOTHING, KEPT),
    (ANY, "pull_closed", "unknown", PLAIN, NOTHING, NOT_THERE),
    (ANY, "branch_deleted", "feature", PLAIN, TEARDOWN, "branch_deleted"),
    (ANY, "branch_deleted", "main", PLAIN, NOTHING, KEPT),
    (ANY, "branch_deleted", "unknown", PLAIN, NOTHING, NOT_THERE),
    (ANY, "tag_pushed", "", {"tag": "v1"}, NOTHING, NO_CHANGE),
    (ANY, "ping", "", PLAIN, NOTHING, "pong"),
    (ANY, "other", "feature", PLAIN, NOTHING, NO_CHANGE),
    # Only pull requests
    (PULLS, "push", "brand-new", PLAIN, NOTHING, PULL_FIRST),
    (PULLS, "push", "feature", PLAIN, DEPLOY, "push on staging"),
    (PULLS, "push", "main", PLAIN, DEPLOY, "push on production"),
    (PULLS, "pull_opened", "brand-new", PLAIN, DEPLOY, "pull_opened on staging"),
    # A label as the gate
    (GATE, "push", "brand-new", PLAIN, NOTHING, PULL_FIRST),
    (GATE, "push", "feature", PLAIN, DEPLOY, "push on staging"),
    (GATE, "push", "main", PLAIN, DEPLOY, "push on production"),
    (GATE, "pull_opened", "brand-new", OTHERWISE, NOTHING, NO_LABEL),
    (GATE, "pull_opened", "brand-new", LABELED, DEPLOY, "pull_opened on staging"),
    (GATE, "pull_labeled", "brand-new", LABELED, DEPLOY, "pull_labeled on staging"),
    (GATE, "pull_labeled", "brand-new", OTHERWISE, NOTHING, NO_LABEL),
    (GATE, "pull_labeled", "feature", LABELED, NOTHING, NO_CHANGE),
    (GATE, "pull_labeled", "feature", OTHERWISE, TEARDOWN, NO_LABEL),
    (GATE, "pull_updated", "feature", OTHERWISE, TEARDOWN, NO_LABEL),  # an event was lost
    (GATE, "pull_labeled", "main", OTHERWISE, NOTHING, NO_CHANGE),
    (GATE, "pull_closed", "feature", OTHERWISE, TEARDOWN, "pull_closed"),
    # Drafts
    (NO_DRAFTS, "push", "brand-new", PLAIN, NOTHING, PULL_FIRST),
    (NO_DRAFTS, "pull_opened", "brand-new", DRAFT, NOTHING, IS_DRAFT),
    (NO_DRAFTS, "pull_opened", "brand-new", PLAIN, DEPLOY, "pull_opened on staging"),
    (NO_DRAFTS, "pull_ready", "brand-new", PLAIN, DEPLOY, "pull_ready on staging"),
    (NO_DRAFTS, "pull_drafted", "feature", DRAFT, TEARDOWN, IS_DRAFT),
    (NO_DRAFTS, "pull_drafted", "brand-new", DRAFT, NOTHING, IS_DRAFT),
    (NO_DRAFTS, "pull_closed", "feature", DRAFT, TEARDOWN, "pull_closed"),
    (NO_DRAFTS, "pull_drafted", "main", DRAFT, NOTHING, NO_CHANGE),
    # Paths: what is not known counts as changed
    (PATHS, "push", "feature", DOCS, NOTHING, NO_PATH),
    (PATHS, "push", "feature", SHOP, DEPLOY, "push on staging"),
    (PATHS, "push", "feature", PLAIN, DEPLOY, "push on staging"),
    (PATHS, "push", "main", DOCS, DEPLOY, "push on production"),
    (PATHS, "pull_opened", "feature", PLAIN, DEPLOY, "pull_opened on staging"),
    # Branches
    (SOME, "push", "feature/nice", PLAIN, DEPLOY, "push on staging"),
    (SOME, "push", "chore", PLAIN, NOTHING, NOT_INCLUDED),
    (SOME, "push", "fix/wip", PLAIN, NOTHING, "the branch is excluded"),
    (SOME, "push", "main", PLAIN, DEPLOY, "push on production"),
    (SOME, "pull_opened", "Feature", PLAIN, NOTHING, NOT_INCLUDED),
    (SOME, "branch_deleted", "feature", PLAIN, TEARDOWN, "branch_deleted"),
    # Where a pull request goes
    (TO_MAIN, "pull_opened", "x", {"target": "main"}, DEPLOY, "pull_opened on staging"),
    (TO_MAIN, "pull_opened", "x", {"target": "release/2"}, DEPLOY, "pull_opened on staging"),
    (TO_MAIN, "pull_opened", "x", {"target": "feature"}, NOTHING, ELSEWHERE),
    (TO_MAIN, "pull_updated", "feature", {"target": "x"}, NOTHING, ELSEWHERE),  # there may be two
    (TO_MAIN, "push", "brand-new", PLAIN, NOTHING, PULL_FIRST),
    # The limit: two are there beside production
    (ONE, "push", "brand-new", PLAIN, NOTHING, "the limit of 1 environments is reached"),
    (ONE, "push", "feature", PLAIN, DEPLOY, "push on staging"),
    (ONE, "push", "main", PLAIN, DEPLOY, "push on production"),
    (TWO, "push", "brand-new", PLAIN, DEPLOY, "push on staging"),
    # Forks
    (ASKING, "pull_opened", "main", NEW_FORK, ASK, ASKED),
    (ASKING, "pull_updated", "feature", FORK, ASK, ASKED),
    (ASKING, "pull_opened", "feature", REFLESS, NOTHING, NO_REF),
    (ASKING, "pull_labeled", "feature", FORK | LABELED, NOTHING, NO_CHANGE),
    (ASKING, "pull_closed", "main", FORK, TEARDOWN, "pull_closed"),
    (ASKING, "pull_closed", "main", NEW_FORK, NOTHING, KEPT),
    (Rules(forks=Forks.ASK, label="preview"), "pull_opened", "x", NEW_FORK, NOTHING, NO_LABEL),
    (Rules(forks=Forks.ASK, label="preview"), "pull_labeled", "x", NEW_FORK | LABELED, ASK, ASKED),
    (Rules(forks=Forks.ASK, limit=1), "pull_opened", "x", NEW_FORK, NOTHING,
     "the limit of 1 environments is reached"),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "kind", "branch", "known", "action", "reason"), GOLDEN)
def test_what_an_event_leads_to(
    rules: Rules, kind: str, branch: str, known: dict[str, Any], action: Action, reason: str
) -> None:
    event = Event(EventKind(kind), "d-1", branch=branch, commit=SHA, **known)
    name = event.pull_ref if event.from_fork else branch
    assert decide(event, rules, LIVING) == Decision(
        action,
        reason,
        branch=name if action is not NOTHING else "",
        commit=SHA if action in (DEPLOY, ASK) else "",
        from_fork=event.from_fork and action is not NOTHING,
    )


def test_every_kind_and_every_action_is_in_the_table() -> None:
    assert {row[1] for row in GOLDEN} == set(EventKind)
    assert {row[4] for row in GOLDEN} == set(Action)


def test_every_rule_is_in_the_table() -> None:
    for field in dataclasses.fields(Rules):
        if field.name != "production_branch":
            assert any(getattr(row[0], field.name) != field.default for row in GOLDEN), field.name


def test_production_is_what_the_project_says() -> None:
    event = Event(EventKind.PUSH, "d-1", branch="live", commit=SHA)
    assert decide(event, Rules("live"), LIVING).reason == "push on production"
    assert decide(event, Rules("main"), LIVING).reason == "push on staging"


def test_a_fork_never_stands_for_a_branch_of_the_same_name() -> None:
    """Its pull request from its ``main`` neither deploys nor removes ours."""
    for kind in EventKind:
        for rules in (ANY, ASKING, GATE, NO_DRAFTS):
            event = Event(kind, "d-1", branch="feature", commit=SHA, from_fork=True)
            assert decide(event, rules, LIVING).branch == ""


def test_an_event_cannot_be_altered() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Event(EventKind.PING, "d").branch = "x"  # type: ignore[misc]
