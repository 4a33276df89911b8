"""Level, not edge: what a forge and git say now, as the events that would have told it. Pure.

A webhook may be lost, doubled, late or out of order. Whatever it was, these events bring the
environments to what the open pull requests and the branches want.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from greenroom.sources.events import Event, EventKind
from greenroom.sources.rules import Action, Rules, decide


@dataclass(frozen=True)
class Pull:
    """An open pull request, as the forge lists it."""

    number: int
    branch: str
    commit: str
    """Its head; empty where the forge gives no full hash."""
    target: str
    from_fork: bool = False
    is_draft: bool = False
    labels: tuple[str, ...] = ()
    pull_ref: str = ""

    @property
    def place(self) -> str:
        """What its environment's branch is."""
        return self.pull_ref if self.from_fork else self.branch

    def event(self, kind: EventKind) -> Event:
        """Give the event that would have told it."""
        return Event(
            kind, "level", branch=self.branch, commit=self.commit, number=self.number,
            from_fork=self.from_fork, is_draft=self.is_draft, labels=self.labels,
            target=self.target, pull_ref=self.pull_ref, author="reconcile",
        )  # fmt: skip


@dataclass(frozen=True)
class Living:
    """A living environment."""

    branch: str
    pull_number: int | None
    follows: str = ""
    """The commit of its newest deployment, if that deployed its branch's head; else empty."""
    from_fork: bool = False


def missed_events(
    pulls: Collection[Pull] | None,
    branches: Mapping[str, str] | None,
    living: Collection[Living],
    rules: Rules,
    dropped: Collection[int] = (),
) -> list[Event]:
    """Give the events after which everything is as it shall be; none where it is.

    ``pulls`` is None where the forge did not say, ``branches`` where git did not: then nothing is
    concluded from its silence. ``dropped`` are pull requests whose environment a person destroyed:
    it does not come back by itself.
    """
    known = {environment.branch: environment for environment in living}
    moved = () if rules.paths else _moved(branches, living)  # which files changed, git does not say
    events = [*_ended(pulls, branches, living, rules), *moved]
    gone = {event.pull_ref if event.from_fork else event.branch for event in _ends(events)}
    for pull in pulls or ():
        there = known.get(pull.place)
        if there is None or pull.place in gone:
            if pull.number not in dropped:
                events.append(pull.event(EventKind.PULL_OPENED))
        elif _is_unwanted(pull, rules, known):
            events.append(pull.event(EventKind.PULL_LABELED))
        elif rules.paths:
            continue
        elif there.follows and pull.commit and there.follows != pull.commit and not branches:
            events.append(pull.event(EventKind.PULL_UPDATED))
    return _consequential(events, rules, set(known))


def _consequential(events: list[Event], rules: Rules, places: set[str]) -> list[Event]:
    """Leave out what would lead to nothing."""
    kept = []
    for event in events:
        decision = decide(event, rules, frozenset(places))
        if decision.action is Action.TEARDOWN:
            places.discard(decision.branch)
        elif decision.action is not Action.NOTHING:
            places.add(decision.branch)
        if decision.action is not Action.NOTHING:
            kept.append(event)
    return kept


def _ends(events: Collection[Event]) -> Iterator[Event]:
    kinds = (EventKind.PULL_CLOSED, EventKind.BRANCH_DELETED)
    return (event for event in events if event.kind in kinds)


def _ended(
    pulls: Collection[Pull] | None, branches: Mapping[str, str] | None,
    living: Collection[Living], rules: Rules,
) -> Iterator[Event]:  # fmt: skip
    open_places = {pull.place for pull in pulls or ()}
    for environment in living:
        branch, number = environment.branch, environment.pull_number
        if branch == rules.production_branch:
            continue
        if pulls is not None and number is not None and branch not in open_places:
            yield Event(
                EventKind.PULL_CLOSED, "level", branch=branch, number=number, author="reconcile",
                from_fork=environment.from_fork,
                pull_ref=branch if environment.from_fork else "",
            )  # fmt: skip
        elif branches and not environment.from_fork and branch not in branches:
            yield Event(EventKind.BRANCH_DELETED, "level", branch=branch, author="reconcile")


def _moved(branches: Mapping[str, str] | None, living: Collection[Living]) -> Iterator[Event]:
    for environment in living:
        head = (branches or {}).get(environment.branch, "")
        if head and environment.follows and environment.follows != head:
            yield Event(
                EventKind.PUSH, "level", branch=environment.branch, commit=head, author="reconcile"
            )


def _is_unwanted(pull: Pull, rules: Rules, known: Mapping[str, Living]) -> bool:
    event = pull.event(EventKind.PULL_LABELED)
    return decide(event, rules, frozenset(known)).action is Action.TEARDOWN
