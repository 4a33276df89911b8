"""Whatever becomes of webhooks, one look at the forge brings everything to what it says."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

import pytest

from greenroom.sources.events import Event, EventKind
from greenroom.sources.level import Living, Pull, missed_events
from greenroom.sources.rules import Action, Forks, Rules, decide

EVENTS, SEEDS = 200, range(12)


@dataclass
class World:
    """A forge with its pull requests and branches, and a platform that hears of some of it."""

    rules: Rules
    chance: random.Random
    pulls: dict[int, Pull] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=lambda: {"main": "m0"})
    living: dict[str, Living] = field(default_factory=dict)
    wire: list[Event] = field(default_factory=list)
    number: int = 0

    def commit(self) -> str:
        return f"{self.chance.getrandbits(160):040x}"

    def happen(self) -> None:
        """Let something happen at the forge, and tell of it, as forges do."""
        what = self.chance.choice(("open", "open", "push", "close", "label", "draft", "delete"))
        if what == "open" or not self.pulls:
            self.number += 1
            made = Pull(
                self.number, f"b{self.number}", self.commit(), "main",
                from_fork=self.chance.random() < 0.15, pull_ref=f"refs/pull/{self.number}/head",
            )  # fmt: skip
            self.pulls[self.number] = made
            if not made.from_fork:
                self.branches[made.branch] = made.commit
            self.wire.append(made.event(EventKind.PULL_OPENED))
            return
        pull = self.chance.choice(list(self.pulls.values()))
        if what == "push":
            pull = replace(pull, commit=self.commit())
            kind = EventKind.PULL_UPDATED
        elif what == "label":
            pull = replace(pull, labels=() if pull.labels else ("preview",))
            kind = EventKind.PULL_LABELED
        elif what == "draft":
            pull = replace(pull, is_draft=not pull.is_draft)
            kind = EventKind.PULL_DRAFTED if pull.is_draft else EventKind.PULL_READY
        else:
            del self.pulls[pull.number]
            if what == "delete":
                self.branches.pop(pull.branch, None)
            self.wire.append(pull.event(EventKind.PULL_CLOSED))
            return
        self.pulls[pull.number] = pull
        if pull.branch in self.branches:
            self.branches[pull.branch] = pull.commit
        self.wire.append(pull.event(kind))

    def hear(self, event: Event) -> None:
        """Do what the platform does with an event: its head is what git says at that time."""
        decision = decide(event, self.rules, frozenset(self.living))
        if decision.action is Action.TEARDOWN:
            self.living.pop(decision.branch, None)
        elif decision.action in (Action.DEPLOY, Action.ASK):
            before = self.living.get(decision.branch)
            head = self.branches.get(decision.branch, decision.commit)
            number = event.number if event.number is not None else before and before.pull_number
            follows = "" if decision.from_fork else head
            self.living[decision.branch] = Living(
                decision.branch, number, follows, decision.from_fork
            )  # fmt: skip

    def wanted(self) -> set[str]:
        """Say which environments there shall be, from the forge's state alone."""
        return {
            pull.place
            for pull in self.pulls.values()
            if not (pull.is_draft and not self.rules.drafts)
            and not (self.rules.label and self.rules.label not in pull.labels)
            and not (pull.from_fork and self.rules.forks is Forks.IGNORE)
        }

    def look(self) -> list[Event]:
        events = missed_events(
            list(self.pulls.values()), self.branches, list(self.living.values()), self.rules
        )
        for event in events:
            self.hear(event)
        return events


def lose_double_and_shuffle(events: list[Event], chance: random.Random) -> list[Event]:
    kept = [event for event in events if chance.random() > 0.3]
    doubled = [event for event in kept for _ in range(1 + (chance.random() < 0.3))]
    chance.shuffle(doubled)
    return doubled


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "rules",
    [
        Rules(), Rules(forks=Forks.ASK), Rules(label="preview", drafts=False),
        Rules(pulls_only=True, forks=Forks.ASK, drafts=False),
    ],
)  # fmt: skip
def test_no_orphan_and_none_missing_after_one_look(rules: Rules, seed: int) -> None:
    world = World(rules, random.Random(seed))
    for _ in range(EVENTS):
        world.happen()
    for event in lose_double_and_shuffle(world.wire, world.chance):
        world.hear(event)
    before = set(world.living)
    world.look()
    assert set(world.living) - {"main"} == world.wanted()
    stale = [
        e for e in world.living.values() if e.follows not in ("", world.branches.get(e.branch))
    ]
    assert stale == []
    assert world.look() == []  # and it stays so
    if rules == Rules():
        assert before != world.wanted()  # there was something to mend


HERE = Pull(7, "feature", "c1", "main", pull_ref="refs/pull/7/head")


def test_nothing_is_concluded_from_silence() -> None:
    living = [Living("feature", 7, "c1"), Living("other", None, "c1")]
    assert missed_events(None, None, living, Rules()) == []


def test_what_a_person_destroyed_does_not_come_back() -> None:
    assert missed_events([HERE], {"main": "m"}, [], Rules(), dropped={7}) == []
    (event,) = missed_events([HERE], {"main": "m"}, [], Rules())
    assert event.kind is EventKind.PULL_OPENED


def test_a_branch_that_somebody_deployed_by_hand_stays_on_what_was_chosen() -> None:
    living = [Living("feature", None, "")]  # a tag, or an older commit
    assert missed_events(None, {"main": "m", "feature": "c9"}, living, Rules()) == []


def test_production_never_goes_but_follows_its_branch() -> None:
    living = [Living("main", None, "m0")]
    assert missed_events([], {"main": "m0"}, living, Rules()) == []
    (event,) = missed_events([], {"main": "m1"}, living, Rules())
    assert (event.kind, event.commit) == (EventKind.PUSH, "m1")
