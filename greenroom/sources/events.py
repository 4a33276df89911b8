"""What a forge tells us, in our own words, and what we decide to do about it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Protocol


class EventKind(enum.StrEnum):
    """What happened in the repository."""

    PING = "ping"
    PUSH = "push"
    BRANCH_DELETED = "branch_deleted"
    PULL_OPENED = "pull_opened"
    PULL_UPDATED = "pull_updated"
    PULL_CLOSED = "pull_closed"
    OTHER = "other"


@dataclass(frozen=True)
class Event:
    """One webhook, verified and parsed. The payload is a hint: git says what is true."""

    kind: EventKind
    delivery: str
    """The forge's id of this delivery; the same when it is sent again."""
    branch: str = ""
    commit: str = ""
    author: str = ""
    number: int | None = None
    """The pull request's."""
    from_fork: bool = False
    title: str = ""


class Forge(Protocol):
    """One forge's way of signing and wording its webhooks."""

    name: str

    def verify(self, headers: dict[str, str], body: bytes, secret: str) -> None:
        """Check the signature over the raw body.

        Errors: NotAllowed.
        """

    def parse(self, headers: dict[str, str], body: bytes) -> Event:
        """Turn the body into an event.

        Errors: InvalidInput.
        """


class Action(enum.StrEnum):
    """What to do."""

    DEPLOY = "deploy"
    TEARDOWN = "teardown"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Decision:
    """What to do about an event, and why."""

    action: Action
    reason: str
    branch: str = ""
    commit: str = ""


def decide(event: Event, production_branch: str, environments: frozenset[str]) -> Decision:
    """Decide what an event leads to. Pure.

    ``environments`` are the branches that have a living environment. A push to any branch
    creates or updates its environment; its deletion, or the end of its pull request, removes it.
    Production never goes by an event, and a fork's code is not run.
    """
    match event.kind:
        case EventKind.PUSH | EventKind.PULL_OPENED | EventKind.PULL_UPDATED:
            if event.from_fork:
                return Decision(Action.NOTHING, "from a fork: its code is not run unasked")
            if not event.branch:
                return Decision(Action.NOTHING, "not a branch")
            what = "production" if event.branch == production_branch else "staging"
            return Decision(Action.DEPLOY, f"{event.kind} on {what}", event.branch, event.commit)
        case EventKind.BRANCH_DELETED | EventKind.PULL_CLOSED:
            if event.from_fork or event.branch == production_branch:
                return Decision(Action.NOTHING, "production and forks are not torn down")
            if event.branch not in environments:
                return Decision(Action.NOTHING, "there is no environment of that branch")
            return Decision(Action.TEARDOWN, str(event.kind), event.branch)
        case EventKind.PING:
            return Decision(Action.NOTHING, "pong")
    return Decision(Action.NOTHING, "this event changes nothing")
