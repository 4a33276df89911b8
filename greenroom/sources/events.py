"""What a forge tells us, in our own words."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Protocol


class EventKind(enum.StrEnum):
    """What happened in the repository."""

    PING = "ping"
    PUSH = "push"
    TAG_PUSHED = "tag_pushed"
    BRANCH_DELETED = "branch_deleted"
    PULL_OPENED = "pull_opened"
    PULL_UPDATED = "pull_updated"
    PULL_DRAFTED = "pull_drafted"
    PULL_READY = "pull_ready"
    PULL_LABELED = "pull_labeled"
    """Its labels changed; ``labels`` are those that it has now."""
    PULL_CLOSED = "pull_closed"
    OTHER = "other"


@dataclass(frozen=True)
class Event:
    """One webhook, verified and parsed. The payload is a hint: git says what is true."""

    kind: EventKind
    delivery: str
    """The forge's id of this delivery; the same when it is sent again."""
    branch: str = ""
    """What was pushed, or a pull request's source."""
    commit: str = ""
    """Its head; empty where the forge gives no full hash."""
    author: str = ""
    number: int | None = None
    """The pull request's."""
    from_fork: bool = False
    title: str = ""
    tag: str = ""
    is_draft: bool = False
    labels: tuple[str, ...] = ()
    """The pull request's labels by name."""
    target: str = ""
    """The branch that a pull request goes to."""
    pull_url: str = ""
    pull_ref: str = ""
    """The ref by which the target's repository has the pull request's head; empty: it has none."""
    repository: str = ""
    """The path that the forge's API knows the repository by: ``owner/name``."""
    web_url: str = ""
    """The repository's page."""
    paths: frozenset[str] | None = None
    """The files that a push changed; None: the payload does not say, or not surely all."""
    also: tuple[Event, ...] = ()
    """Further events in the same delivery: Bitbucket tells of a push of several refs at once."""


class Forge(Protocol):
    """One forge's way of signing and wording its webhooks. Header names come in lower case."""

    name: str
    signs_body_only: bool
    """Whether a seen body can be sent again under another id: then the body is remembered, too."""

    def verify(self, headers: dict[str, str], body: bytes, secret: str) -> None:
        """Check the signature over the raw body.

        Errors: NotAllowed.
        """

    def parse(self, headers: dict[str, str], body: bytes) -> Event:
        """Turn the body into an event.

        Errors: InvalidInput.
        """
