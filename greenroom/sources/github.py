"""GitHub's webhooks.

Source: GitHub Docs, "Validating webhook deliveries" and "Webhook events and payloads".
"""

from __future__ import annotations

from greenroom.sources import payloads
from greenroom.sources.events import Event, EventKind

MAX_COMMITS = 2048
"""Source: GitHub Docs, "push": a payload names at most 2048 commits."""
_PULL_ACTIONS = {
    "opened": EventKind.PULL_OPENED,
    "reopened": EventKind.PULL_OPENED,
    "synchronize": EventKind.PULL_UPDATED,
    "converted_to_draft": EventKind.PULL_DRAFTED,
    "ready_for_review": EventKind.PULL_READY,
    "labeled": EventKind.PULL_LABELED,
    "unlabeled": EventKind.PULL_LABELED,
    "closed": EventKind.PULL_CLOSED,
}


def sign(body: bytes, secret: str) -> str:
    """Give the ``X-Hub-Signature-256`` of a body."""
    return f"sha256={payloads.sign(body, secret)}"


class GitHub:
    """Verifies and parses what GitHub sends."""

    name = "github"
    signs_body_only = True

    def verify(self, headers: dict[str, str], body: bytes, secret: str) -> None:
        """Check ``X-Hub-Signature-256`` over the raw body.

        Errors: NotAllowed.
        """
        payloads.check_same(headers.get("x-hub-signature-256", ""), sign(body, secret))

    def parse(self, headers: dict[str, str], body: bytes) -> Event:
        """Turn a payload into an event.

        Errors: InvalidInput.
        """
        delivery = payloads.read_delivery(headers, "X-GitHub-Delivery")
        payload = payloads.read_json(body)
        with payloads.reading("GitHub"):
            return _parse(headers.get("x-github-event", ""), delivery, payload)


def _parse(event: str, delivery: str, payload: payloads.Payload) -> Event:
    match event:
        case "ping":
            return Event(EventKind.PING, delivery)
        case "push":
            named = len(payload.get("commits") or ())
            total = named + 1 if named >= MAX_COMMITS else named  # there may be more
            return payloads.read_hub_push(delivery, payload, total=total)
        case "delete":
            return payloads.read_hub_delete(delivery, payload)
        case "pull_request":
            pull, kind = payload["pull_request"], _PULL_ACTIONS.get(str(payload["action"]))
            if kind is not None:
                return payloads.read_hub_pull(delivery, kind, payload, pull)
    return Event(EventKind.OTHER, delivery)
