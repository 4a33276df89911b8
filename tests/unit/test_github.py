from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroom.errors import InvalidInput, NotAllowed
from greenroom.sources.events import Event, EventKind
from greenroom.sources.forges import FORGES
from greenroom.sources.github import GitHub, sign

GITHUB = GitHub()
SHA = "6113728f27ae82c7b1a177c8d03f9e96e0adf246"

PUSH: dict[str, Any] = {
    "ref": "refs/heads/feature/nice",
    "before": "0" * 40,
    "after": SHA,
    "deleted": False,
    "pusher": {"name": "octocat", "email": "octocat@example.org"},
}
PULL: dict[str, Any] = {
    "action": "opened",
    "number": 7,
    "pull_request": {
        "number": 7,
        "title": "A nicer shop",
        "user": {"login": "octocat"},
        "head": {"ref": "feature", "sha": SHA, "repo": {"full_name": "acme/shop"}},
        "base": {"ref": "main", "sha": SHA, "repo": {"full_name": "acme/shop"}},
    },
}


def headers(event: str, delivery: str = "72d3162e-cc78-11e3-81ab-4c9367dc0958") -> dict[str, str]:
    return {"x-github-event": event, "x-github-delivery": delivery}


def parse(event: str, payload: Any) -> Event:
    return GITHUB.parse(headers(event), json.dumps(payload).encode())


def test_the_signature_is_the_one_in_githubs_documentation() -> None:
    """Source: GitHub Docs, "Validating webhook deliveries", "Testing the webhook payload"."""
    known = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    secret, body = "It's a Secret to Everybody", b"Hello, World!"
    assert sign(body, secret) == known
    GITHUB.verify({"x-hub-signature-256": known}, body, secret)


@pytest.mark.parametrize(
    "given_headers",
    [
        {},
        {"x-hub-signature-256": ""},
        {"x-hub-signature-256": "sha256=" + "0" * 64},
        {"x-hub-signature-256": "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
        {"x-hub-signature-256": "sha256=ü\udcff"},
        {"x-hub-signature": "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59"},
    ],
)
def test_what_is_not_signed_well_is_refused(given_headers: dict[str, str]) -> None:
    with pytest.raises(NotAllowed):
        GITHUB.verify(given_headers, b"Hello, World!", "It's a Secret to Everybody")


def test_a_signature_holds_for_its_body_and_secret_only() -> None:
    signed = {"x-hub-signature-256": sign(b"body", "secret")}
    GITHUB.verify(signed, b"body", "secret")
    for body, secret in ((b"body ", "secret"), (b"body", "secret2"), (b"", "secret")):
        with pytest.raises(NotAllowed):
            GITHUB.verify(signed, body, secret)


def test_a_push() -> None:
    found = parse("push", PUSH)
    assert (found.kind, found.branch, found.commit, found.author) == (
        EventKind.PUSH, "feature/nice", SHA, "octocat",
    )  # fmt: skip
    assert found.delivery == "72d3162e-cc78-11e3-81ab-4c9367dc0958"


def test_the_end_of_a_branch() -> None:
    for change in ({"deleted": True}, {"after": "0" * 40}):
        found = parse("push", PUSH | change)
        assert (found.kind, found.branch) == (EventKind.BRANCH_DELETED, "feature/nice")


def test_paths_are_known_unless_there_may_be_more() -> None:
    """Source: GitHub Docs, a push's payload names at most 2048 commits."""
    commits = [{"added": ["a"], "modified": ["b"], "removed": []}]
    assert parse("push", PUSH | {"commits": commits}).paths == {"a", "b"}
    assert parse("push", PUSH | {"commits": commits * 2048}).paths is None
    assert parse("push", PUSH | {"commits": commits, "forced": True}).paths is None


def test_a_tag() -> None:
    found = parse("push", PUSH | {"ref": "refs/tags/v1"})
    assert (found.kind, found.tag, found.branch) == (EventKind.TAG_PUSHED, "v1", "")
    gone = PUSH | {"ref": "refs/tags/v1", "deleted": True}
    assert parse("push", gone).kind is EventKind.OTHER


def test_a_branch_that_is_deleted_is_told_twice() -> None:
    found = parse("delete", {"ref": "feature/nice", "ref_type": "branch"})
    assert (found.kind, found.branch) == (EventKind.BRANCH_DELETED, "feature/nice")
    assert parse("delete", {"ref": "v1", "ref_type": "tag"}).kind is EventKind.OTHER


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("opened", EventKind.PULL_OPENED),
        ("reopened", EventKind.PULL_OPENED),
        ("synchronize", EventKind.PULL_UPDATED),
        ("closed", EventKind.PULL_CLOSED),
        ("converted_to_draft", EventKind.PULL_DRAFTED),
        ("ready_for_review", EventKind.PULL_READY),
        ("labeled", EventKind.PULL_LABELED),
        ("unlabeled", EventKind.PULL_LABELED),
        ("assigned", EventKind.OTHER),
    ],
)
def test_pull_requests(action: str, kind: EventKind) -> None:
    assert parse("pull_request", PULL | {"action": action}).kind is kind


def test_a_pull_request_says_where_it_is_from() -> None:
    found = parse("pull_request", PULL)
    assert (found.branch, found.commit, found.number) == ("feature", SHA, 7)
    assert (found.title, found.author) == ("A nicer shop", "octocat")
    assert not found.from_fork


@pytest.mark.parametrize("repository", [{"full_name": "eve/shop"}, None, {}])
def test_a_fork_is_told(repository: Any) -> None:
    pull = json.loads(json.dumps(PULL))
    pull["pull_request"]["head"]["repo"] = repository  # None: the fork was deleted
    assert parse("pull_request", pull).from_fork


def test_other_events() -> None:
    assert parse("ping", {"zen": "Design for failure."}).kind is EventKind.PING
    assert parse("star", {}).kind is EventKind.OTHER
    assert parse("", {}).kind is EventKind.OTHER


@pytest.mark.parametrize(
    "delivery", ["", "short", "x" * 81, "a b c d e f", "ü" * 10, "a\nb\nc\nd\ne"]
)
def test_a_delivery_needs_its_id(delivery: str) -> None:
    with pytest.raises(InvalidInput, match="X-GitHub-Delivery"):
        GITHUB.parse(headers("push", delivery), b"{}")


MALFORMED: list[tuple[str, Any]] = [
    ("push", {}),
    ("push", {"ref": "refs/heads/a"}),
    ("push", PUSH | {"pusher": "octocat"}),
    ("push", PUSH | {"after": "HEAD"}),
    ("push", PUSH | {"after": SHA + "\n"}),
    ("push", PUSH | {"ref": "refs/heads/"}),
    ("push", PUSH | {"ref": "refs/heads/-x"}),
    ("push", PUSH | {"ref": "refs/heads/../../etc"}),
    ("push", PUSH | {"ref": "refs/heads/a\0b"}),
    ("push", PUSH | {"ref": "refs/heads/a\ud800b"}),
    ("push", PUSH | {"ref": "refs/heads/" + "x" * 1000}),
    ("pull_request", {}),
    ("pull_request", {"action": "opened", "pull_request": None}),
    ("pull_request", {"action": "opened", "pull_request": {"head": {}, "base": {}}}),
    ("pull_request", PULL | {"pull_request": PULL["pull_request"] | {"number": "seven"}}),
    ("pull_request", PULL | {"pull_request": PULL["pull_request"] | {"number": float("inf")}}),
    ("pull_request", PULL | {"pull_request": PULL["pull_request"] | {"head": [1]}}),
    ("push", []),
    ("push", "text"),
    ("push", None),
]


@pytest.mark.parametrize(("event", "payload"), MALFORMED)
def test_a_malformed_payload_is_refused(event: str, payload: Any) -> None:
    with pytest.raises(InvalidInput):
        parse(event, payload)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe{}", b"[" * 100_000, b"9" * 100_000])
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        GITHUB.parse(headers("push"), body)


def test_texts_are_made_fit_for_the_store() -> None:
    pull = json.loads(json.dumps(PULL))
    pull["pull_request"]["title"] = "a\0b\ud800" + "x" * 500
    title = parse("pull_request", pull).title
    assert title.startswith("ab?xxx")
    assert len(title) == 200


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["ref", "after", "deleted", "pusher", "name", "action", "pull_request", "head", "base",
             "repo", "full_name", "number", "sha", "user", "login", "title"]
        ),
        inner,
        max_size=6,
    ),
    max_leaves=25,
)  # fmt: skip


@given(st.sampled_from(["push", "pull_request", "ping", "other"]), JSON)
def test_whatever_the_payload_only_invalid_input_is_raised(event: str, payload: Any) -> None:
    try:
        found = parse(event, payload)
    except InvalidInput:
        return
    f"{found.branch}{found.author}{found.title}".encode()


@given(st.binary(max_size=200))
def test_whatever_the_octets_only_invalid_input_is_raised(body: bytes) -> None:
    try:
        GITHUB.parse(headers("push"), body)
    except InvalidInput:
        pass


def test_the_forge_is_found_by_its_name() -> None:
    assert isinstance(FORGES["github"], GitHub)
