"""The four forges' webhooks: whom to believe, and what they say."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroom.errors import InvalidInput, NotAllowed
from greenroom.sources import payloads
from greenroom.sources.events import Event, EventKind
from greenroom.sources.forges import FORGES

SHA, OLD = "6113728f27ae82c7b1a177c8d03f9e96e0adf246", "b" * 40
ZEROS = payloads.ZEROS
DELIVERY = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
SECRET = "the-projects-secret"
COMMITS = [
    {"added": ["a.py"], "modified": ["b.py"], "removed": []},
    {"added": [], "modified": [], "removed": ["docs/c.md"]},
]
TOUCHED = frozenset({"a.py", "b.py", "docs/c.md"})


def hub(name: str, html: str) -> dict[str, Any]:
    return {"full_name": name, "html_url": html}


OURS = hub("acme/shop", "https://git.example.org/acme/shop")
GITEA_PUSH = {
    "ref": "refs/heads/feature/nice", "before": OLD, "after": SHA, "repository": OURS,
    "pusher": {"login": "wren", "username": "wren"}, "commits": COMMITS, "total_commits": 2,
}  # fmt: skip
HUB_PULL = {
    "action": "opened", "number": 7, "repository": OURS,
    "pull_request": {
        "number": 7, "title": "A nicer shop", "user": {"login": "wren"}, "draft": False,
        "html_url": "https://git.example.org/acme/shop/pulls/7",
        "labels": [{"name": "preview"}, {"name": "bug"}],
        "head": {"ref": "feature/nice", "sha": SHA, "repo": {"full_name": "acme/shop"}},
        "base": {"ref": "main", "sha": OLD, "repo": {"full_name": "acme/shop"}},
    },
}  # fmt: skip
GITLAB_PROJECT = {
    "path_with_namespace": "acme/shop", "web_url": "https://git.example.org/acme/shop",
}  # fmt: skip
GITLAB_PUSH = {
    "object_kind": "push", "ref": "refs/heads/feature/nice", "before": OLD, "after": SHA,
    "user_username": "wren", "project": GITLAB_PROJECT, "commits": COMMITS,
    "total_commits_count": 2,
}  # fmt: skip
GITLAB_PULL = {
    "object_kind": "merge_request", "user": {"username": "wren"}, "project": GITLAB_PROJECT,
    "labels": [{"title": "preview"}, {"title": "bug"}], "changes": {},
    "object_attributes": {
        "iid": 7, "title": "A nicer shop", "action": "open", "draft": False,
        "source_branch": "feature/nice", "target_branch": "main", "last_commit": {"id": SHA},
        "source_project_id": 1, "target_project_id": 1,
        "url": "https://git.example.org/acme/shop/pulls/7",
    },
}  # fmt: skip
BITBUCKET_REPO = {
    "full_name": "acme/shop", "links": {"html": {"href": "https://git.example.org/acme/shop"}},
}  # fmt: skip
BITBUCKET_PUSH = {
    "actor": {"nickname": "wren"}, "repository": BITBUCKET_REPO,
    "push": {"changes": [{
        "created": False, "closed": False, "forced": False,
        "old": {"type": "branch", "name": "feature/nice", "target": {"hash": OLD}},
        "new": {"type": "branch", "name": "feature/nice", "target": {"hash": SHA}},
    }]},
}  # fmt: skip
BITBUCKET_PULL = {
    "actor": {"nickname": "wren"}, "repository": BITBUCKET_REPO,
    "pullrequest": {
        "id": 7, "title": "A nicer shop", "draft": False,
        "links": {"html": {"href": "https://git.example.org/acme/shop/pulls/7"}},
        "source": {
            "branch": {"name": "feature/nice"}, "commit": {"hash": SHA[:12]},
            "repository": {"full_name": "acme/shop"},
        },
        "destination": {
            "branch": {"name": "main"}, "commit": {"hash": OLD[:12]},
            "repository": {"full_name": "acme/shop"},
        },
    },
}  # fmt: skip


@dataclass
class Case:
    """How one forge says the same things."""

    name: str
    delivery: str
    event: str
    push: tuple[str, dict[str, Any]]
    pull: tuple[str, dict[str, Any]]
    fork: tuple[str, ...]
    """Where a pull request says whose copy it comes from."""
    sign: Callable[[bytes, str], dict[str, str]]

    def parse(self, event: str, payload: Any) -> Event:
        headers = {self.delivery: DELIVERY, self.event: event}
        return FORGES[self.name].parse(headers, json.dumps(payload).encode())


def hexed(header: str, prefix: str = "") -> Callable[[bytes, str], dict[str, str]]:
    return lambda body, secret: {header: prefix + payloads.sign(body, secret)}


CASES = [
    Case("github", "x-github-delivery", "x-github-event", ("push", GITEA_PUSH),
         ("pull_request", HUB_PULL), ("pull_request", "head", "repo", "full_name"),
         hexed("x-hub-signature-256", "sha256=")),
    Case("gitlab", "x-gitlab-event-uuid", "x-gitlab-event", ("Push Hook", GITLAB_PUSH),
         ("Merge Request Hook", GITLAB_PULL), ("object_attributes", "source_project_id"),
         lambda body, secret: {"x-gitlab-token": secret}),
    Case("bitbucket", "x-request-uuid", "x-event-key", ("repo:push", BITBUCKET_PUSH),
         ("pullrequest:created", BITBUCKET_PULL),
         ("pullrequest", "source", "repository", "full_name"),
         hexed("x-hub-signature", "sha256=")),
    Case("gitea", "x-gitea-delivery", "x-gitea-event", ("push", GITEA_PUSH),
         ("pull_request", HUB_PULL), ("pull_request", "head", "repo", "full_name"),
         hexed("x-gitea-signature")),
    Case("forgejo", "x-forgejo-delivery", "x-forgejo-event", ("push", GITEA_PUSH),
         ("pull_request", HUB_PULL), ("pull_request", "head", "repo", "full_name"),
         hexed("x-forgejo-signature")),
]  # fmt: skip
BY_NAME = {case.name: case for case in CASES}


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


def changed(payload: dict[str, Any], *path: str, to: Any) -> dict[str, Any]:
    """Give a payload with one place of it changed."""
    copied = copy.deepcopy(payload)
    place = copied
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return copied


def test_there_is_a_case_for_every_forge() -> None:
    assert {name: forge.name for name, forge in FORGES.items()} == {n: n for n in BY_NAME}


def test_what_is_signed_well_is_believed(case: Case) -> None:
    FORGES[case.name].verify(case.sign(b"body", SECRET), b"body", SECRET)


def test_what_is_not_is_refused(case: Case) -> None:
    good = case.sign(b"body", SECRET)
    forge = FORGES[case.name]
    ((name, value),) = good.items()
    for headers in ({}, {name: ""}, {name: value[:-1]}, {name: f"{value} "}, {name: "ü\udcff"}):
        with pytest.raises(NotAllowed) as refused:
            forge.verify(headers, b"body", SECRET)
        assert SECRET not in f"{refused.value.message}{refused.value.hint}"
    with pytest.raises(NotAllowed):
        forge.verify(good, b"body", "another")
    if forge.signs_body_only:
        with pytest.raises(NotAllowed):
            forge.verify(good, b"body ", SECRET)


def test_a_push(case: Case) -> None:
    assert case.parse(*case.push) == Event(
        EventKind.PUSH, DELIVERY, "feature/nice", SHA, "wren",
        repository="acme/shop", web_url="https://git.example.org/acme/shop",
        paths=None if case.name == "bitbucket" else TOUCHED,
    )  # fmt: skip


def test_a_pull_request(case: Case) -> None:
    found = case.parse(*case.pull)
    refs = {"gitlab": "refs/merge-requests/7/head", "bitbucket": ""}
    assert found == Event(
        EventKind.PULL_OPENED, DELIVERY, "feature/nice",
        "" if case.name == "bitbucket" else SHA,  # it sends twelve digits
        "wren", 7, title="A nicer shop", target="main",
        labels=() if case.name == "bitbucket" else ("bug", "preview"),
        pull_url="https://git.example.org/acme/shop/pulls/7",
        pull_ref=refs.get(case.name, "refs/pull/7/head"),
        repository="acme/shop", web_url="https://git.example.org/acme/shop",
    )  # fmt: skip


def test_a_fork_is_told(case: Case) -> None:
    event, payload = case.pull
    assert case.parse(event, changed(payload, *case.fork, to="eve/shop")).from_fork
    assert case.parse(event, changed(payload, *case.fork, to=None)).from_fork


PULLS: list[tuple[str, str, dict[str, Any], EventKind]] = [
    ("gitlab", "", {"action": "open"}, EventKind.PULL_OPENED),
    ("gitlab", "", {"action": "reopen"}, EventKind.PULL_OPENED),
    ("gitlab", "", {"action": "close"}, EventKind.PULL_CLOSED),
    ("gitlab", "", {"action": "merge"}, EventKind.PULL_CLOSED),
    ("gitlab", "", {"action": "approved"}, EventKind.OTHER),
    ("gitlab", "", {"action": "update"}, EventKind.OTHER),
    ("gitlab", "", {"action": "update", "oldrev": OLD}, EventKind.PULL_UPDATED),
    ("bitbucket", "pullrequest:updated", {}, EventKind.PULL_UPDATED),
    ("bitbucket", "pullrequest:fulfilled", {}, EventKind.PULL_CLOSED),
    ("bitbucket", "pullrequest:rejected", {}, EventKind.PULL_CLOSED),
    ("bitbucket", "pullrequest:approved", {}, EventKind.OTHER),
    ("gitea", "pull_request", {"action": "reopened"}, EventKind.PULL_OPENED),
    ("gitea", "pull_request_sync", {"action": "synchronized"}, EventKind.PULL_UPDATED),
    ("gitea", "pull_request_label", {"action": "label_updated"}, EventKind.PULL_LABELED),
    ("gitea", "pull_request", {"action": "label_cleared"}, EventKind.PULL_LABELED),
    ("gitea", "pull_request", {"action": "closed"}, EventKind.PULL_CLOSED),
    ("gitea", "pull_request", {"action": "edited"}, EventKind.OTHER),
    ("gitea", "pull_request_review_approved", {"action": "reviewed"}, EventKind.OTHER),
]


@pytest.mark.parametrize(("name", "event", "change", "kind"), PULLS)
def test_what_becomes_of_pull_requests(
    name: str, event: str, change: dict[str, Any], kind: EventKind
) -> None:
    payload = copy.deepcopy(BY_NAME[name].pull[1])
    (payload["object_attributes"] if name == "gitlab" else payload).update(change)
    assert BY_NAME[name].parse(event, payload).kind is kind


@pytest.mark.parametrize(
    ("before", "after", "kind", "draft"),
    [
        ("A nicer shop", "WIP: A nicer shop", EventKind.PULL_DRAFTED, True),
        ("[WIP] A nicer shop", "A nicer shop", EventKind.PULL_READY, False),
        ("A shop", "A nicer shop", EventKind.OTHER, False),
    ],
)
def test_gitea_makes_drafts_by_their_title(
    before: str, after: str, kind: EventKind, draft: bool
) -> None:
    payload = changed(HUB_PULL, "pull_request", "title", to=after)
    payload |= {"action": "edited", "changes": {"title": {"from": before}}}
    found = BY_NAME["gitea"].parse("pull_request", payload)
    assert (found.kind, found.is_draft) == (kind, draft)


ENDS: list[tuple[str, str, dict[str, Any]]] = [
    ("gitlab", "", GITLAB_PUSH | {"after": ZEROS, "commits": []}),
    ("gitea", "push", GITEA_PUSH | {"after": ZEROS}),
    ("gitea", "delete", {"ref": "feature/nice", "ref_type": "branch", "repository": OURS}),
    ("forgejo", "delete", {"ref": "refs/heads/feature/nice", "ref_type": "branch"}),
    ("bitbucket", "repo:push", {"push": {"changes": [
        {"closed": True, "new": None, "old": {"type": "branch", "name": "feature/nice"}}]}}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "event", "payload"), ENDS)
def test_the_end_of_a_branch(name: str, event: str, payload: dict[str, Any]) -> None:
    found = BY_NAME[name].parse(event, payload)
    assert (found.kind, found.branch, found.commit, found.paths) == (
        EventKind.BRANCH_DELETED, "feature/nice", "", None,
    )  # fmt: skip


TAG = {"type": "tag", "name": "v1", "target": {"hash": SHA}}
REMADE = {"push": {"changes": [{"new": TAG, "old": None}]}}
REMOVED = {"push": {"changes": [{"new": None, "old": TAG}]}}
GITLAB_TAG = GITLAB_PUSH | {"object_kind": "tag_push", "ref": "refs/tags/v1"}
TAGS: list[tuple[str, str, dict[str, Any], EventKind]] = [
    ("gitlab", "", GITLAB_TAG, EventKind.TAG_PUSHED),
    ("gitlab", "", GITLAB_TAG | {"after": ZEROS}, EventKind.OTHER),
    ("gitea", "push", GITEA_PUSH | {"ref": "refs/tags/v1"}, EventKind.TAG_PUSHED),
    ("gitea", "create", {"ref": "v1", "ref_type": "tag"}, EventKind.OTHER),
    ("gitea", "delete", {"ref": "v1", "ref_type": "tag"}, EventKind.OTHER),
    ("bitbucket", "repo:push", REMADE, EventKind.TAG_PUSHED),
    ("bitbucket", "repo:push", REMOVED, EventKind.OTHER),
]  # fmt: skip


@pytest.mark.parametrize(("name", "event", "payload", "kind"), TAGS)
def test_tags(name: str, event: str, payload: dict[str, Any], kind: EventKind) -> None:
    found = BY_NAME[name].parse(event, payload)
    known = ("v1", SHA) if kind is EventKind.TAG_PUSHED else ("", "")
    assert (found.kind, found.tag, found.commit, found.branch) == (kind, *known, "")


def test_bitbucket_tells_of_several_refs_at_once() -> None:
    (one,) = BITBUCKET_PUSH["push"]["changes"]  # type: ignore[index]
    two = changed(one, "new", "name", to="other")
    gone = {"new": None, "old": {"type": "branch", "name": "gone"}}
    strange = {"new": {"type": "bookmark", "name": "x"}}
    payload = BITBUCKET_PUSH | {"push": {"changes": [strange, one, two, gone]}}
    found = BY_NAME["bitbucket"].parse("repo:push", payload)
    told = [(event.kind, event.branch) for event in (found, *found.also)]
    assert told == [
        (EventKind.PUSH, "feature/nice"), (EventKind.PUSH, "other"),
        (EventKind.BRANCH_DELETED, "gone"),
    ]  # fmt: skip
    assert (
        BY_NAME["bitbucket"].parse("repo:push", {"push": {"changes": []}}).kind is EventKind.OTHER
    )
    assert BY_NAME["bitbucket"].parse("diagnostics:ping", {}).kind is EventKind.PING


@pytest.mark.parametrize(
    "change",
    [
        {"commits": []}, {"commits": None}, {"forced": True},
        {"commits": [{"id": SHA}]}, {"total_commits": 3, "total_commits_count": 3},
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["gitea", "gitlab"])
def test_paths_that_are_not_surely_all_are_not_known(name: str, change: dict[str, Any]) -> None:
    event, payload = BY_NAME[name].push
    assert BY_NAME[name].parse(event, payload | change).paths is None


def test_what_is_no_address_is_left_out(case: Case) -> None:
    event, payload = case.push
    for wrong in ("javascript:alert(1)", 'https://x"onclick=', "https://a b", 7, None):
        text = json.dumps(payload).replace('"https://git.example.org/acme/shop"', json.dumps(wrong))
        assert case.parse(event, json.loads(text)).web_url == ""


MALFORMED: list[tuple[str, str, Any]] = [
    ("gitlab", "", {"object_kind": "push"}),
    ("gitlab", "", GITLAB_PUSH | {"after": "HEAD"}),
    ("gitlab", "", GITLAB_PUSH | {"ref": "refs/heads/--upload-pack=x"}),
    ("gitlab", "", GITLAB_PUSH | {"project": "shop"}),
    ("gitlab", "", GITLAB_PUSH | {"commits": ["x", "y"]}),
    ("gitlab", "", {"object_kind": "merge_request"}),
    ("gitlab", "", changed(GITLAB_PULL, "object_attributes", "iid", to="seven")),
    ("gitlab", "", changed(GITLAB_PULL, "object_attributes", "last_commit", to=None)),
    ("bitbucket", "repo:push", {}),
    ("bitbucket", "repo:push", {"push": {"changes": {"a": 1}}}),
    ("bitbucket", "repo:push", {"push": {"changes": [{"new": {"type": "branch", "name": "-x"}}]}}),
    ("bitbucket", "pullrequest:created", {}),
    ("bitbucket", "pullrequest:created", changed(BITBUCKET_PULL, "pullrequest", "id", to=[])),
    ("gitea", "push", GITEA_PUSH | {"after": SHA + "\n"}),
    ("gitea", "delete", {"ref_type": "branch", "ref": "../x"}),
    ("gitea", "delete", {}),
    ("gitea", "pull_request", {"action": "opened"}),
    ("gitea", "pull_request", changed(HUB_PULL, "pull_request", "labels", to=[{}])),
    *((name, "push", wrong) for name in BY_NAME for wrong in ([], "x", None, 1)),
]


@pytest.mark.parametrize(("name", "event", "payload"), MALFORMED)
def test_a_malformed_payload_is_refused(name: str, event: str, payload: Any) -> None:
    with pytest.raises(InvalidInput):
        BY_NAME[name].parse(event, payload)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe{}", b"[" * 100_000, b"9" * 100_000])
def test_what_is_not_json_is_refused(case: Case, body: bytes) -> None:
    with pytest.raises(InvalidInput):
        FORGES[case.name].parse({case.delivery: DELIVERY}, body)


@pytest.mark.parametrize("delivery", ["", "short", "x" * 81, "a b c d e f", "ü" * 10])
def test_a_delivery_needs_its_id(case: Case, delivery: str) -> None:
    with pytest.raises(InvalidInput, match="the delivery has no valid"):
        FORGES[case.name].parse({case.delivery: delivery}, b"{}")


KEYS = [
    "ref", "after", "object_kind", "object_attributes", "project", "push", "changes", "new", "old",
    "type", "name", "target", "hash", "pullrequest", "pull_request", "action", "source", "id",
    "destination", "branch", "repository", "commits", "links", "labels", "head", "base", "commit",
]  # fmt: skip
WORDS = st.sampled_from(
    ["push", "merge_request", "branch", "refs/heads/a", SHA, "opened", "update", "labels"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)
    ),
    max_leaves=25,
)


@given(st.sampled_from(CASES), JSON, st.booleans())
def test_whatever_the_payload_only_invalid_input_is_raised(
    case: Case, payload: Any, is_pull: bool
) -> None:
    event = case.pull[0] if is_pull else case.push[0]
    try:
        found = case.parse(event, payload)
    except InvalidInput:
        return
    f"{found.branch}{found.author}{found.title}{found.labels}".encode()
