"""What a tracker can do, what its webhooks tell, and what of a thread it is told.

A thread becomes one issue. What is said in one place is said in the other, once: an issue is found
again by its mark, and what came from a tracker is not sent back to it.
"""

from __future__ import annotations

import abc
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from greenroom.errors import InvalidInput, NotAllowed, TrackerRefused, TrackerUnavailable
from greenroom.secrets import is_same
from greenroom.services import TIMEOUT_SECONDS, ServiceClient

LABEL = "greenroom"
"""Every issue of ours bears it."""
LONGEST_TITLE = 120
LONGEST_TEXT = 2000


@dataclass(frozen=True)
class Draft:
    """An issue to be made."""

    title: str
    text: str
    mark: str
    """By which it is found again, if we are killed before we know its key."""
    page_url: str
    picture: bytes | None = None
    """A PNG of what is commented on."""
    picture_url: str = ""
    """Where the same picture is shown: for trackers that take no files."""


@dataclass(frozen=True)
class Issue:
    """An issue that a tracker keeps."""

    key: str
    """As its people name it: 12, SHOP-12."""
    url: str
    id: str = ""
    """As its API and webhooks name it, where that is another name."""


@dataclass(frozen=True)
class Change:
    """What a webhook tells of one issue."""

    issue: str
    """Its key, or its id."""
    is_done: bool | None = None
    author: str = ""
    text: str = ""
    """What somebody said; empty if nobody did."""
    id: str = ""
    """Of what was said."""


Hook = Callable[[dict[str, str], bytes, str, float], Change | None]
"""Verifies a webhook by its secret, and reads it: headers in lower case, body, secret, now.

Errors: NotAllowed, InvalidInput.
"""


class TrackerClient(ServiceClient):
    """One place in one tracker: a repository, a project, a team."""

    kind = "tracker"
    refusal = TrackerRefused
    unavailable = TrackerUnavailable
    usual_url: ClassVar[str] = ""
    """Of the vendor's own site; empty where every customer has one."""
    place_form: ClassVar[re.Pattern[str]]
    place_example: ClassVar[str]
    hints: ClassVar[dict[int, str]] = {
        401: "Is the tracker's token still valid?",
        403: "Give the tracker's token the rights that docs/trackers.md names.",
        404: "Is the place's name right, and may the token see it?",
    }

    def __init__(
        self, api_url: str, place: str, token: str, *, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        if not self.place_form.fullmatch(place):
            raise InvalidInput(
                f"{place[:60]!r} is no place in this tracker", hint=f"Like: {self.place_example}"
            )
        self.place = place
        super().__init__(api_url, token, timeout_seconds=timeout_seconds)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.api_url!r}, {self.place!r})"

    def ensure_issue(self, draft: Draft) -> Issue:
        """Make an issue, if none bears the draft's mark.

        Idempotent: yes. Errors: TrackerRefused, TrackerUnavailable.
        """
        return self.find_issue(draft.mark) or self._create_issue(draft)

    @abc.abstractmethod
    def find_issue(self, mark: str) -> Issue | None:
        """Find the issue that bears a mark."""

    @abc.abstractmethod
    def _create_issue(self, draft: Draft) -> Issue:
        """Make an issue."""

    @abc.abstractmethod
    def add_comment(self, issue: Issue, text: str) -> None:
        """Say something in an issue."""

    @abc.abstractmethod
    def set_done(self, issue: Issue, is_done: bool) -> None:
        """Close an issue, or open it again. Idempotent."""


def body_of(draft: Draft, picture: str = "") -> str:
    """Give an issue's text in Markdown; ``picture`` is where the tracker shows it. Pure."""
    shown = f"\n\n![What it is about]({picture})" if picture else ""
    return f"{draft.text}{shown}\n\n<!-- {draft.mark} -->"


def escape(text: str) -> str:
    """Give a person's words so that Markdown reads nothing into them, and nobody is called."""
    kept = re.sub(r"([\\`*_{}\[\]<>()#+!|~&])", r"\\\1", text)
    return kept.replace("@", "@\N{ZERO WIDTH SPACE}")


def check_signature(given: str, body: bytes, secret: str) -> None:
    """Compare a body's HMAC-SHA256 in hex with what it should be, in constant time.

    Errors: NotAllowed.
    """
    known = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    if not is_same(given.encode("utf-8", "replace"), known.encode()):
        raise NotAllowed(
            "the webhook's signature does not fit",
            hint="Set the tracker's webhook secret: `greenroom tracker show` tells it.",
        )


def read_json(body: bytes) -> dict[str, Any]:
    """Read a webhook's body.

    Errors: InvalidInput.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidInput("the webhook's body is no JSON object")
    return found


def dig(payload: Any, *path: str | int) -> Any:
    """Give what lies at a path of a payload, or None."""
    for name in path:
        if isinstance(payload, dict):
            payload = payload.get(name)
        elif isinstance(payload, list) and isinstance(name, int) and name < len(payload):
            payload = payload[name]
        else:
            return None
    return payload


def words_at(payload: Any, *path: str | int) -> str:
    """Give the text that lies at a path, or an empty one; a number as text."""
    found = dig(payload, *path)
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    return found.strip() if isinstance(found, str) else ""
