"""GitLab's webhooks.

Source: GitLab Docs, "Webhooks", "Webhook events"; Standard Webhooks 1.0 for signed deliveries.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable
from typing import Any

from greenroom.errors import NotAllowed
from greenroom.sources import payloads
from greenroom.sources.events import Event, EventKind
from greenroom.sources.git import check_ref

TOLERANCE_SECONDS = 300
"""How far a signed delivery's time may be off. Source: Standard Webhooks' libraries."""
_PREFIX = "whsec_"
_PULL_ACTIONS = {
    "open": EventKind.PULL_OPENED,
    "reopen": EventKind.PULL_OPENED,
    "close": EventKind.PULL_CLOSED,
    "merge": EventKind.PULL_CLOSED,
}


def signing_token(secret: str) -> str:
    """Give the signing token that GitLab is to be given for a project's webhook secret.

    GitLab takes ``whsec_`` and 32 octets in base64, and nothing else; a secret that is of this
    form already stays as it is.
    """
    if secret.startswith(_PREFIX):
        return secret
    key = hashlib.sha256(secret.encode()).digest()
    return _PREFIX + base64.b64encode(key).decode()


def sign(body: bytes, secret: str, delivery: str, timestamp: str) -> str:
    """Give the ``webhook-signature`` of a delivery.

    Errors: NotAllowed when the secret starts as a signing token and is none.
    """
    try:
        encoded = signing_token(secret).removeprefix(_PREFIX)
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotAllowed("the project's webhook secret is no signing token") from error
    signed = b".".join((delivery.encode("utf-8", "replace"), timestamp.encode(), body))
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


class GitLab:
    """Verifies and parses what GitLab sends."""

    name = "gitlab"
    signs_body_only = False
    """It signs the id, too; or it sends the secret itself, and then no memory helps."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock

    def verify(self, headers: dict[str, str], body: bytes, secret: str) -> None:
        """Check ``webhook-signature`` when there is one, else ``X-Gitlab-Token``.

        A token that fits does not save a signature that does not.

        Errors: NotAllowed.
        """
        given = headers.get("webhook-signature", "")
        if not given:
            payloads.check_same(headers.get("x-gitlab-token", ""), secret)
            return
        delivery, sent_at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not delivery or not (sent_at.isascii() and sent_at.isdigit() and len(sent_at) <= 12):
            raise NotAllowed("the signed webhook has no id or no time")
        known = sign(body, secret, delivery, sent_at)
        for one in given.split()[:8]:  # two while a token is being changed
            try:
                payloads.check_same(one, known)
                break
            except NotAllowed:
                continue
        else:
            raise NotAllowed(
                "the webhook's signature does not fit",
                hint="Give GitLab the signing token that belongs to the project's secret.",
            )
        if abs(self._clock() - int(sent_at)) > TOLERANCE_SECONDS:
            raise NotAllowed(
                "the webhook was signed at another time", hint="Is this machine's clock right?"
            )

    def parse(self, headers: dict[str, str], body: bytes) -> Event:
        """Turn a payload into an event.

        Errors: InvalidInput.
        """
        names = ("webhook-id", "Idempotency-Key", "X-Gitlab-Event-UUID")
        delivery = payloads.read_delivery(headers, *names)
        payload = payloads.read_json(body)
        with payloads.reading("GitLab"):
            return _parse(delivery, payload)


def _parse(delivery: str, payload: payloads.Payload) -> Event:
    project = payload.get("project") or {}
    about: dict[str, Any] = {
        "repository": payloads.text(project.get("path_with_namespace")),
        "web_url": payloads.web_address(project.get("web_url")),
    }
    match payload.get("object_kind"):
        case "push" | "tag_push":
            return payloads.read_push(
                delivery,
                str(payload["ref"]),
                payload["after"],
                author=payloads.text(payload.get("user_username") or payload.get("user_name")),
                paths=payloads.paths_of(payload, total=payload.get("total_commits_count")),
                **about,
            )
        case "merge_request":
            kind = _pull_kind(payload)
            if kind is not None:
                return _pull(delivery, kind, payload, about)
    return Event(EventKind.OTHER, delivery)


def _pull_kind(payload: payloads.Payload) -> EventKind | None:
    """Tell what an ``update`` changed: GitLab has one action for commits, labels and drafts."""
    pull, changes = payload["object_attributes"], payload.get("changes") or {}
    action = str(pull.get("action"))
    if action != "update":
        return _PULL_ACTIONS.get(action)
    if pull.get("oldrev"):
        return EventKind.PULL_UPDATED
    if "draft" in changes:
        return EventKind.PULL_DRAFTED if pull.get("draft") else EventKind.PULL_READY
    return EventKind.PULL_LABELED if "labels" in changes else None


def _pull(
    delivery: str, kind: EventKind, payload: payloads.Payload, about: dict[str, Any]
) -> Event:
    pull = payload["object_attributes"]
    number = int(pull["iid"])
    labels = pull.get("labels") if "labels" in pull else payload.get("labels")
    return Event(
        kind,
        delivery,
        check_ref(str(pull["source_branch"])),
        payloads.read_commit(pull["last_commit"]["id"]),
        payloads.text((payload.get("user") or {}).get("username")),
        number,
        from_fork=pull["source_project_id"] != pull["target_project_id"],
        title=payloads.text(pull.get("title")),
        is_draft=bool(pull.get("draft") or pull.get("work_in_progress")),
        labels=payloads.names_of(labels, "title"),
        target=payloads.text(pull.get("target_branch"), 250),
        pull_url=payloads.web_address(pull.get("url")),
        pull_ref=f"refs/merge-requests/{number}/head",
        **about,
    )
