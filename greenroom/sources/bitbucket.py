"""Bitbucket Cloud's webhooks.

Source: Bitbucket Cloud, "Event payloads" and "Manage webhooks".
"""

from __future__ import annotations

import dataclasses
from typing import Any

from greenroom.sources import payloads
from greenroom.sources.events import Event, EventKind
from greenroom.sources.git import SHA, check_ref

_PULL_EVENTS = {
    "pullrequest:created": EventKind.PULL_OPENED,
    "pullrequest:updated": EventKind.PULL_UPDATED,
    "pullrequest:fulfilled": EventKind.PULL_CLOSED,
    "pullrequest:rejected": EventKind.PULL_CLOSED,
}
_REFS = {"branch": "refs/heads/", "tag": "refs/tags/"}


def sign(body: bytes, secret: str) -> str:
    """Give the ``X-Hub-Signature`` of a body."""
    return f"sha256={payloads.sign(body, secret)}"


class Bitbucket:
    """Verifies and parses what Bitbucket Cloud sends."""

    name = "bitbucket"
    signs_body_only = True

    def verify(self, headers: dict[str, str], body: bytes, secret: str) -> None:
        """Check ``X-Hub-Signature`` over the raw body.

        Errors: NotAllowed.
        """
        payloads.check_same(headers.get("x-hub-signature", ""), sign(body, secret))

    def parse(self, headers: dict[str, str], body: bytes) -> Event:
        """Turn a payload into an event; further changes of the same push are in ``also``.

        Errors: InvalidInput.
        """
        delivery = payloads.read_delivery(headers, "X-Request-UUID")
        payload = payloads.read_json(body)
        with payloads.reading("Bitbucket"):
            return _parse(headers.get("x-event-key", ""), delivery, payload)


def _parse(event: str, delivery: str, payload: payloads.Payload) -> Event:
    if event == "diagnostics:ping":
        return Event(EventKind.PING, delivery)
    actor = payload.get("actor") or {}
    repository = payload.get("repository") or {}
    about: dict[str, Any] = {
        "author": payloads.text(actor.get("nickname") or actor.get("display_name")),
        "repository": payloads.text(repository.get("full_name")),
        "web_url": _page(repository),
    }
    if event == "repo:push":
        changes = [_change(delivery, change, about) for change in payload["push"]["changes"]]
        told = [change for change in changes if change.kind is not EventKind.OTHER]
        if not told:
            return Event(EventKind.OTHER, delivery)
        return dataclasses.replace(told[0], also=tuple(told[1:]))
    kind = _PULL_EVENTS.get(event)
    if kind is None:
        return Event(EventKind.OTHER, delivery)
    return _pull(delivery, kind, payload["pullrequest"], about)


def _page(thing: dict[str, Any]) -> str:
    return payloads.web_address(((thing.get("links") or {}).get("html") or {}).get("href"))


def _change(delivery: str, change: dict[str, Any], about: dict[str, Any]) -> Event:
    """Read one ref's change: without ``new`` it was deleted, without ``old`` it was made."""
    new, old = change.get("new"), change.get("old")
    ref = new or old or {}
    if ref.get("type") not in _REFS:
        return Event(EventKind.OTHER, delivery)
    after = new["target"]["hash"] if new else None
    return payloads.read_push(delivery, _REFS[ref["type"]] + str(ref["name"]), after, **about)


def _pull(delivery: str, kind: EventKind, pull: payloads.Payload, about: dict[str, Any]) -> Event:
    source, target = pull["source"], pull["destination"]
    own = (source.get("repository") or {}).get("full_name")  # none: the fork was deleted
    commit = str((source.get("commit") or {}).get("hash") or "")
    return Event(
        kind,
        delivery,
        check_ref(str(source["branch"]["name"])),
        commit if SHA.fullmatch(commit) else "",  # pull requests have it cut to 12 digits
        number=int(pull["id"]),
        from_fork=own != target["repository"]["full_name"],
        title=payloads.text(pull.get("title")),
        is_draft=bool(pull.get("draft")),
        target=payloads.text(target["branch"]["name"], 250),
        pull_url=_page(pull),
        **about,
    )
