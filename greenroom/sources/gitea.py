"""Gitea's and Forgejo's webhooks.

Source: Gitea and Forgejo documentation, "Webhooks".
"""

from __future__ import annotations

from greenroom.sources import payloads
from greenroom.sources.events import Event, EventKind

_PULL_ACTIONS = {
    "opened": EventKind.PULL_OPENED,
    "reopened": EventKind.PULL_OPENED,
    "synchronized": EventKind.PULL_UPDATED,
    "label_updated": EventKind.PULL_LABELED,
    "label_cleared": EventKind.PULL_LABELED,
    "closed": EventKind.PULL_CLOSED,
}
_DRAFT = ("wip:", "[wip]")
"""Source: Gitea, ``[repository.pull-request] WORK_IN_PROGRESS_PREFIXES``, its default."""


class Gitea:
    """Verifies and parses what Gitea and Forgejo send: each says the other's name, too."""

    signs_body_only = True

    def __init__(self, name: str = "gitea") -> None:
        self.name = name

    def verify(self, headers: dict[str, str], body: bytes, secret: str) -> None:
        """Check ``X-Forgejo-Signature`` or ``X-Gitea-Signature`` over the raw body.

        Errors: NotAllowed.
        """
        given = headers.get("x-forgejo-signature") or headers.get("x-gitea-signature", "")
        payloads.check_same(given, payloads.sign(body, secret))

    def parse(self, headers: dict[str, str], body: bytes) -> Event:
        """Turn a payload into an event.

        Errors: InvalidInput.
        """
        delivery = payloads.read_delivery(headers, "X-Forgejo-Delivery", "X-Gitea-Delivery")
        payload = payloads.read_json(body)
        event = headers.get("x-forgejo-event") or headers.get("x-gitea-event", "")
        with payloads.reading("Gitea"):
            return _parse(event, delivery, payload)


def _parse(event: str, delivery: str, payload: payloads.Payload) -> Event:
    match event:
        case "push":
            return payloads.read_hub_push(delivery, payload, total=payload.get("total_commits"))
        case "delete":
            return payloads.read_hub_delete(delivery, payload)
        case "pull_request" | "pull_request_sync" | "pull_request_label":
            pull = dict(payload["pull_request"])
            pull["draft"] = is_draft = _is_draft(pull.get("title"), pull.get("draft"))
            kind = _PULL_ACTIONS.get(str(payload["action"]))
            if kind is None:
                kind = _drafted(payload, is_draft=is_draft)
            if kind is not None:
                return payloads.read_hub_pull(delivery, kind, payload, pull)
    return Event(EventKind.OTHER, delivery)


def _is_draft(title: object, said: object = None) -> bool:
    return bool(said) or str(title or "").lower().startswith(_DRAFT)


def _drafted(payload: payloads.Payload, *, is_draft: bool) -> EventKind | None:
    """Tell whether an ``edited`` title made a draft, or made it ready."""
    before = ((payload.get("changes") or {}).get("title") or {}).get("from")
    if payload["action"] != "edited" or before is None or _is_draft(before) == is_draft:
        return None
    return EventKind.PULL_DRAFTED if is_draft else EventKind.PULL_READY
