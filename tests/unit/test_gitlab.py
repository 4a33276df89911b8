"""GitLab's signed deliveries, and its one action for many changes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from greenroom.errors import NotAllowed
from greenroom.sources import gitlab
from greenroom.sources.events import EventKind
from greenroom.sources.gitlab import GitLab

SHA = "6113728f27ae82c7b1a177c8d03f9e96e0adf246"
DELIVERY = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
SECRET = "the-projects-secret"
NOW = 1_764_000_000.0
SIGNED = GitLab(clock=lambda: NOW)
PULL: dict[str, Any] = {
    "object_kind": "merge_request",
    "object_attributes": {
        "iid": 7, "source_branch": "feature", "target_branch": "main", "last_commit": {"id": SHA},
        "source_project_id": 1, "target_project_id": 1,
    },
}  # fmt: skip


def signed(
    body: bytes = b"body", *, secret: str = SECRET, delivery: str = DELIVERY, at: float = NOW
) -> dict[str, str]:
    return {
        "webhook-id": delivery,
        "webhook-timestamp": str(int(at)),
        "webhook-signature": gitlab.sign(body, secret, delivery, str(int(at))),
    }


def test_the_signature_is_the_one_of_standard_webhooks() -> None:
    """Source: Standard Webhooks, the test vector of its reference libraries."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body, delivery = b'{"test": 2432232314}', "msg_p5jXN8AQM9LWM0D4loKWxJek"
    known = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert gitlab.sign(body, secret, delivery, "1614265330") == known


def test_a_signed_delivery_is_believed() -> None:
    SIGNED.verify(signed(), b"body", SECRET)
    SIGNED.verify(signed() | {"x-gitlab-token": "whatever"}, b"body", SECRET)
    token = gitlab.signing_token(SECRET)
    assert token.startswith("whsec_")
    assert gitlab.signing_token(token) == token
    SIGNED.verify(signed(secret=token), b"body", SECRET)
    two = signed()
    two["webhook-signature"] = f"v1,AAAA v1a,BBBB {two['webhook-signature']}"
    SIGNED.verify(two, b"body", SECRET)


@pytest.mark.parametrize("seconds", [-301, 301, -(10**9)])
def test_an_old_signature_is_refused(seconds: float) -> None:
    with pytest.raises(NotAllowed, match="at another time"):
        SIGNED.verify(signed(at=NOW + seconds), b"body", SECRET)
    SIGNED.verify(signed(at=NOW + 299), b"body", SECRET)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "another-delivery"}, {"webhook-id": ""}, {"webhook-timestamp": ""},
        {"webhook-timestamp": str(int(NOW) + 1)}, {"webhook-timestamp": "²"},
        {"webhook-timestamp": "9" * 13}, {"webhook-timestamp": "-1"},
        {"webhook-signature": "v1,AAAA"}, {"webhook-signature": " "},
        {"webhook-signature": "ü\udcff"},
        {"webhook-signature": "v1,AAAA", "x-gitlab-token": SECRET},
    ],
)  # fmt: skip
def test_a_signature_covers_id_time_and_body(change: dict[str, str]) -> None:
    with pytest.raises(NotAllowed):
        SIGNED.verify(signed() | change, b"body", SECRET)
    with pytest.raises(NotAllowed):
        SIGNED.verify(signed(), b"body ", SECRET)


def test_a_secret_that_is_no_signing_token_is_refused() -> None:
    with pytest.raises(NotAllowed, match="is no signing token") as refused:
        SIGNED.verify(signed(), b"body", "whsec_***")
    assert "***" not in refused.value.message


def test_the_signed_id_is_the_deliverys() -> None:
    headers = {"webhook-id": "msg_2KWPBgLlAfxdpx2A", "idempotency-key": DELIVERY,
               "x-gitlab-event-uuid": "something-else"}  # fmt: skip
    assert SIGNED.parse(headers, b"{}").delivery == "msg_2KWPBgLlAfxdpx2A"
    headers.pop("webhook-id")
    assert SIGNED.parse(headers, b"{}").delivery == DELIVERY


@pytest.mark.parametrize(
    ("changes", "draft", "kind"),
    [
        ({"draft": {"previous": False, "current": True}}, True, EventKind.PULL_DRAFTED),
        ({"draft": {"previous": True, "current": False}}, False, EventKind.PULL_READY),
        ({"labels": {"previous": [], "current": []}}, False, EventKind.PULL_LABELED),
        ({"title": {"previous": "a", "current": "b"}}, False, EventKind.OTHER),
    ],
)
def test_gitlab_says_what_an_update_changed(
    changes: dict[str, Any], draft: bool, kind: EventKind
) -> None:
    pull = PULL["object_attributes"] | {"action": "update", "draft": draft}
    payload = PULL | {"changes": changes, "object_attributes": pull}
    found = SIGNED.parse({"webhook-id": DELIVERY}, json.dumps(payload).encode())
    assert found.kind is kind
    assert found.is_draft is (draft and kind is not EventKind.OTHER)
