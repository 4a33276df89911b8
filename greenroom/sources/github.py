"""GitHub's webhooks.

Source: GitHub Docs, "Validating webhook deliveries" and "Webhook events and payloads".
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from typing import Any

from greenroom.errors import InvalidInput, NotAllowed
from greenroom.secrets import is_same
from greenroom.sources.events import Event, EventKind
from greenroom.sources.git import SHA, check_ref

ZEROS = "0" * 40
"""The ``after`` of a push that deletes its ref."""
_PULL_ACTIONS = {
    "opened": EventKind.PULL_OPENED,
    "reopened": EventKind.PULL_OPENED,
    "ready_for_review": EventKind.PULL_OPENED,
    "synchronize": EventKind.PULL_UPDATED,
    "closed": EventKind.PULL_CLOSED,
}
_DELIVERY = re.compile(r"[A-Za-z0-9-]{8,80}")


def sign(body: bytes, secret: str) -> str:
    """Give the ``X-Hub-Signature-256`` of a body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class GitHub:
    """Verifies and parses what GitHub sends. Header names come in lower case."""

    name = "github"

    def verify(self, headers: dict[str, str], body: bytes, secret: str) -> None:
        """Check ``X-Hub-Signature-256`` over the raw body.

        Errors: NotAllowed.
        """
        given = headers.get("x-hub-signature-256", "")
        if not given:
            raise NotAllowed(
                "the webhook is not signed",
                hint="Set the project's webhook secret in the repository's webhook settings.",
            )
        if not is_same(given.encode("utf-8", "replace"), sign(body, secret).encode()):
            raise NotAllowed("the webhook's signature does not fit")

    def parse(self, headers: dict[str, str], body: bytes) -> Event:
        """Turn a payload into an event.

        Errors: InvalidInput.
        """
        delivery = headers.get("x-github-delivery", "")
        if not _DELIVERY.fullmatch(delivery):
            raise InvalidInput("the delivery has no valid X-GitHub-Delivery")
        try:
            payload = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise InvalidInput(
                "the payload is not JSON",
                hint="Set the webhook's content type to application/json.",
            ) from error
        if not isinstance(payload, dict):
            raise InvalidInput("the payload is not a JSON object")
        try:
            return _parse(headers.get("x-github-event", ""), delivery, payload)
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
            raise InvalidInput(f"the payload is not one of GitHub's: {error}"[:200]) from error


def _text(value: object, limit: int = 200) -> str:
    """Give a text that Postgres can hold."""
    plain = str(value or "").replace("\0", "")[:limit]
    return plain.encode("utf-8", "replace").decode()


def _commit(value: object) -> str:
    if not SHA.fullmatch(str(value)):
        raise InvalidInput(f"{_text(value, 60)!r} is no commit")
    return str(value)


def _parse(event: str, delivery: str, payload: dict[str, Any]) -> Event:
    if event == "ping":
        return Event(EventKind.PING, delivery)
    if event == "push":
        ref, after = str(payload["ref"]), str(payload["after"])
        if not ref.startswith("refs/heads/"):
            return Event(EventKind.OTHER, delivery)
        branch = check_ref(ref.removeprefix("refs/heads/"))
        author = _text((payload.get("pusher") or {}).get("name"))
        if payload.get("deleted") or after == ZEROS:
            return Event(EventKind.BRANCH_DELETED, delivery, branch, author=author)
        return Event(EventKind.PUSH, delivery, branch, _commit(after), author)
    if event == "pull_request":
        pull, kind = payload["pull_request"], _PULL_ACTIONS.get(str(payload["action"]))
        if kind is None:
            return Event(EventKind.OTHER, delivery)
        head, base = pull["head"], pull["base"]
        own = (head.get("repo") or {}).get("full_name")
        return Event(
            kind,
            delivery,
            check_ref(str(head["ref"])),
            _commit(head["sha"]),
            _text((pull.get("user") or {}).get("login")),
            int(pull["number"]),
            from_fork=own != base["repo"]["full_name"],
            title=_text(pull.get("title")),
        )
    return Event(EventKind.OTHER, delivery)


FORGES = {GitHub.name: GitHub()}
"""Forges by the last part of their webhook's address."""
