"""What every forge's webhooks have in common: signatures, JSON, texts, refs."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from typing import Any

from greenroom.errors import InvalidInput, NotAllowed
from greenroom.secrets import is_same
from greenroom.sources.events import Event, EventKind
from greenroom.sources.git import SHA, check_ref

ZEROS = "0" * 40
"""The commit that git names where a ref was made or deleted."""
Payload = dict[str, Any]
_DELIVERY = re.compile(r"[A-Za-z0-9_-]{8,80}")
_WEB = re.compile(r"https?://[^\s\"'<>\\]+")
SECRET_HINT = "Set the project's webhook secret in the repository's webhook settings."  # noqa: S105
MAX_PATHS = 5000


def sign(body: bytes, secret: str) -> str:
    """Give a body's HMAC-SHA256 under ``secret``, in hex."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def check_same(given: str, known: str) -> None:
    """Compare what a delivery bears with what it should bear, in constant time.

    Errors: NotAllowed.
    """
    if not given:
        raise NotAllowed("the webhook is not signed", hint=SECRET_HINT)
    if not is_same(given.encode("utf-8", "replace"), known.encode()):
        raise NotAllowed("the webhook's signature does not fit", hint=SECRET_HINT)


def read_delivery(headers: dict[str, str], *names: str) -> str:
    """Give a delivery's id from the first of these headers that is there.

    Errors: InvalidInput.
    """
    found = next((headers[name.lower()] for name in names if headers.get(name.lower())), "")
    if not _DELIVERY.fullmatch(found):
        raise InvalidInput(f"the delivery has no valid {' or '.join(names)}")
    return found


@contextlib.contextmanager
def reading(forge: str) -> Iterator[None]:
    """Turn whatever a strange payload leads to into one error.

    Errors: InvalidInput.
    """
    try:
        yield
    except (LookupError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise InvalidInput(f"the payload is not one of {forge}'s: {error}"[:200]) from error


def read_json(body: bytes) -> Payload:
    """Read a payload.

    Errors: InvalidInput.
    """
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            "the payload is not JSON",
            hint="Set the webhook's content type to application/json.",
        ) from error
    if not isinstance(payload, dict):
        raise InvalidInput("the payload is not a JSON object")
    return payload


def text(value: object, limit: int = 200) -> str:
    """Give a text that Postgres can hold."""
    plain = str(value or "").replace("\0", "")[:limit]
    return plain.encode("utf-8", "replace").decode()


def web_address(value: object) -> str:
    """Give a page's address; nothing when it is none."""
    found = text(value, 500)
    return found if _WEB.fullmatch(found) else ""


def read_commit(value: object) -> str:
    """Give a full commit hash.

    Errors: InvalidInput.
    """
    if not SHA.fullmatch(str(value)):
        raise InvalidInput(f"{text(value, 60)!r} is no commit")
    return str(value)


def names_of(items: object, key: str) -> tuple[str, ...]:
    """Give the names of a list of labels, sorted."""
    if not isinstance(items, list):
        return ()
    return tuple(sorted({text(item[key], 100) for item in items[:200]}))


def paths_of(payload: Payload, *, total: object = None) -> frozenset[str] | None:
    """Give the files that a push's commits changed; None when the list is not surely whole.

    A push that is forced, or that brings no commits, changes files that no commit of it names.
    """
    commits = payload.get("commits")
    if not isinstance(commits, list) or not commits or payload.get("forced"):
        return None
    if isinstance(total, int) and total > len(commits):
        return None
    paths: set[str] = set()
    for commit in commits:
        listed = [commit.get(key) for key in ("added", "modified", "removed")]
        if all(files is None for files in listed):
            return None
        paths.update(text(path, 500) for files in listed for path in files or ())
        if len(paths) > MAX_PATHS:
            return None
    return frozenset(paths)


def read_push(delivery: str, ref: str, after: object, **more: Any) -> Event:
    """Give the event of a ref that now is at ``after``.

    Errors: InvalidInput.
    """
    is_gone = after in (None, ZEROS)
    if ref.startswith("refs/tags/"):
        if is_gone:
            return Event(EventKind.OTHER, delivery)
        tag = check_ref(ref.removeprefix("refs/tags/"))
        return Event(EventKind.TAG_PUSHED, delivery, commit=read_commit(after), tag=tag, **more)
    if not ref.startswith("refs/heads/"):
        return Event(EventKind.OTHER, delivery)
    branch = check_ref(ref.removeprefix("refs/heads/"))
    if is_gone:
        return Event(EventKind.BRANCH_DELETED, delivery, branch, **(more | {"paths": None}))
    return Event(EventKind.PUSH, delivery, branch, read_commit(after), **more)


def read_repository(payload: Payload) -> dict[str, Any]:
    """Give the repository of a payload that is worded as GitHub's."""
    repository = payload.get("repository") or {}
    return {
        "repository": text(repository.get("full_name")),
        "web_url": web_address(repository.get("html_url")),
    }


def read_hub_push(delivery: str, payload: Payload, *, total: object = None) -> Event:
    """Read a push that is worded as GitHub's: Gitea's is, too.

    Errors: InvalidInput.
    """
    pusher = payload.get("pusher") or {}
    return read_push(
        delivery,
        str(payload["ref"]),
        None if payload.get("deleted") else payload["after"],
        author=text(pusher.get("login") or pusher.get("name")),
        paths=paths_of(payload, total=total),
        **read_repository(payload),
    )


def read_hub_delete(delivery: str, payload: Payload) -> Event:
    """Read the deletion of a ref that is worded as GitHub's: Gitea's is, too.

    Errors: InvalidInput.
    """
    if payload["ref_type"] != "branch":
        return Event(EventKind.OTHER, delivery)
    branch = str(payload["ref"]).removeprefix("refs/heads/")
    author = text((payload.get("sender") or {}).get("login"))
    about = read_repository(payload)
    return read_push(delivery, f"refs/heads/{branch}", None, author=author, **about)


def read_hub_pull(delivery: str, kind: EventKind, payload: Payload, pull: Payload) -> Event:
    """Read a pull request that is worded as GitHub's: Gitea's is, too.

    Errors: InvalidInput.
    """
    head, base, number = pull["head"], pull["base"], int(pull["number"])
    own = (head.get("repo") or {}).get("full_name")  # none: the fork was deleted
    return Event(
        kind,
        delivery,
        check_ref(str(head["ref"])),
        read_commit(head["sha"]),
        text((pull.get("user") or {}).get("login")),
        number,
        from_fork=own != base["repo"]["full_name"],
        title=text(pull.get("title")),
        is_draft=bool(pull.get("draft")),
        labels=names_of(pull.get("labels"), "name"),
        target=text(base.get("ref"), 250),
        pull_url=web_address(pull.get("html_url")),
        pull_ref=f"refs/pull/{number}/head",
        **read_repository(payload),
    )
