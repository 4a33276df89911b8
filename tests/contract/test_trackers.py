"""One suite for every tracker, against stand-ins of ours; and the whole way of a comment."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jsonschema
import pytest

from greenroom import talking, tracking
from greenroom.errors import (
    GreenroomError,
    InvalidInput,
    NotAllowed,
    NotFound,
    TrackerRefused,
    TrackerUnavailable,
)
from greenroom.store import comments, environments, projects, trackers
from greenroom.store.comments import Author, Pin
from greenroom.store.models import ThreadIssue
from greenroom.store.work import unit_of_work
from greenroom.trackers import HOOKS, TRACKERS, open_tracker
from greenroom.trackers.base import Draft, TrackerClient
from tests.contract.forge_server import TOKEN, Fault
from tests.contract.test_github_described import Require, operation, resolved
from tests.contract.tracker_server import SERVERS, TrackerServer

pytestmark = pytest.mark.contract
PNG = b"\x89PNG\r\n\x1a\nnot really"
DRAFT = Draft(
    "Too long", "**Anna**: Too long", "greenroom-0123456789abcdef", "https://x.test/#greenroom-1",
    PNG, "https://x.test/picture.png",
)  # fmt: skip
SECRET = "hook-secret"


@dataclass
class World:
    server: TrackerServer
    client: TrackerClient


@pytest.fixture(params=SERVERS, ids=lambda server: server.kind)
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with request.param() as server:
        client = open_tracker(server.kind, server.place, server.token, api_url=server.url)
        yield World(server, client)
        client.close()


def test_an_issue_is_made_once_with_its_picture(world: World) -> None:
    first = world.client.ensure_issue(DRAFT)
    assert first == world.client.ensure_issue(DRAFT)
    (kept,) = world.server.issues.values()
    assert kept.title == "Too long"
    assert "Too long" in kept.text
    assert first.url.startswith(("http://", "https://"))
    assert PNG in kept.files or DRAFT.picture_url in kept.text
    other = world.client.ensure_issue(Draft("Other", "x", "greenroom-ffff", "https://x.test/"))
    assert other.key != first.key


def test_it_is_answered_closed_and_opened_again(world: World) -> None:
    issue = world.client.ensure_issue(DRAFT)
    world.client.add_comment(issue, "**Ben**: done \\*soon\\*")
    (kept,) = world.server.issues.values()
    assert len(kept.said) == 1
    assert "Ben" in kept.said[0]
    for is_done in (True, True, False, False, True):
        world.client.set_done(issue, is_done)
        assert kept.is_done is is_done


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(401), TrackerRefused),
        (Fault(404), TrackerRefused),
        (Fault(200, body=b"<html>"), TrackerRefused),
        (Fault(429, headers={"Retry-After": "7"}), TrackerUnavailable),
        (Fault(500), TrackerUnavailable),
    ],
)
def test_what_it_refuses_is_said_without_the_token(
    world: World, fault: Fault, kind: type[GreenroomError]
) -> None:
    issue = world.client.ensure_issue(DRAFT)
    world.server.faults += [fault, fault]
    with pytest.raises(TrackerRefused) as raised:
        world.client.add_comment(issue, "x")
    assert type(raised.value) is kind
    assert raised.value.transient is (kind is TrackerUnavailable)
    assert TOKEN not in str(raised.value.as_json())


def test_a_wrong_token_is_told(world: World) -> None:
    wrong = open_tracker(world.server.kind, world.server.place, "no", api_url=world.server.url)
    with pytest.raises(TrackerRefused) as raised:
        wrong.find_issue("x")
    assert raised.value.hint
    assert world.server.token not in repr(wrong)
    wrong.close()


def test_what_cannot_be_is_refused_at_once() -> None:
    for kind, place, token in (
        ("trac", "x", "t"), ("github", "shop", "t"), ("jira", "shop", "t"), ("linear", "a/b", "t"),
        ("gitlab", "a/b", "with space"),
    ):  # fmt: skip
        with pytest.raises(InvalidInput):
            open_tracker(kind, place, token, api_url="https://x.test")
    with pytest.raises(InvalidInput, match="address"):
        open_tracker("jira", "SHOP", "t")
    assert set(TRACKERS) == set(HOOKS) == {server.kind for server in SERVERS}


@pytest.mark.needs_node
def test_what_github_is_asked_is_described(require: Require) -> None:
    from tests.contract.test_github_described import DESCRIPTION

    require(DESCRIPTION.is_file(), "@octokit/openapi", "npm ci")
    with SERVERS[0]() as server:
        client = open_tracker("github", server.place, TOKEN, api_url=server.url)
        issue = client.ensure_issue(DRAFT)
        client.add_comment(issue, "x")
        client.set_done(issue, True)
        client.close()
    for one in server.asked:
        template, found = operation(one)
        known = {p["name"] for p in resolved(found["parameters"]) if p["in"] == "query"}
        assert set(one.query) <= known, template
        if one.body is not None:
            schema = resolved(found["requestBody"])["content"]["application/json"]["schema"]
            jsonschema.Draft4Validator(schema).validate(one.body)
            assert set(one.body) <= set(schema["properties"])


# Webhooks


def signed(kind: str, payload: Any, secret: str = SECRET) -> tuple[dict[str, str], bytes]:
    body = json.dumps(payload).encode()
    known = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        "github": {"x-hub-signature-256": f"sha256={known}", "x-github-event": "issues"},
        "gitlab": {"x-gitlab-token": secret},
        "jira": {"x-hub-signature": f"sha256={known}"},
        "linear": {"linear-signature": known},
    }[kind], body


def done_payload(kind: str, key: str) -> Any:
    """Give what each vendor sends as an issue is closed, as far as we read it."""
    return {
        "github": {"action": "closed", "issue": {"number": key}},
        "gitlab": {
            "object_kind": "issue", "object_attributes": {"action": "close", "iid": key},
        },
        "jira": {
            "webhookEvent": "jira:issue_updated", "changelog": {"items": [{"field": "status"}]},
            "issue": {"key": key, "fields": {"status": {"statusCategory": {"key": "done"}}}},
        },
        "linear": {
            "type": "Issue", "action": "update", "webhookTimestamp": time.time() * 1000,
            "updatedFrom": {"stateId": "x"}, "data": {"id": key, "state": {"type": "completed"}},
        },
    }[kind]  # fmt: skip


def said_payload(kind: str, key: str, text: str) -> Any:
    return {
        "github": {
            "action": "created", "issue": {"number": key},
            "comment": {"id": 77, "body": text, "user": {"login": "ben"}},
        },
        "gitlab": {
            "object_kind": "note", "user": {"name": "ben"}, "issue": {"iid": key},
            "object_attributes": {"note": text, "id": 77, "noteable_type": "Issue"},
        },
        "jira": {
            "webhookEvent": "comment_created", "issue": {"key": key},
            "comment": {"id": "77", "body": text, "author": {"displayName": "ben"}},
        },
        "linear": {
            "type": "Comment", "action": "create", "webhookTimestamp": time.time() * 1000,
            "data": {"id": "77", "issueId": key, "body": text, "user": {"name": "ben"}},
        },
    }[kind]  # fmt: skip


@pytest.mark.parametrize("kind", sorted(HOOKS))
def test_only_what_is_signed_is_read(kind: str) -> None:
    read, now = HOOKS[kind], time.time()
    headers, body = signed(kind, done_payload(kind, "7"))
    change = read(headers, body, SECRET, now)
    assert change is not None
    assert (change.issue, change.is_done) == ("7", True)
    headers, body = signed(kind, said_payload(kind, "7", "Looks fine"))
    headers["x-github-event"] = "issue_comment"
    change = read(headers, body, SECRET, now)
    assert change is not None
    assert (change.issue, change.author, change.text, change.id) == ("7", "ben", "Looks fine", "77")
    for wrong in (signed(kind, {}, "other")[0], {}):
        with pytest.raises(NotAllowed):
            read(wrong, body, SECRET, now)
    for strange in (
        [],
        {"action": 3, "object_kind": [], "type": {}, "webhookTimestamp": now * 1000},
    ):
        headers, body = signed(kind, strange)
        try:
            assert read(headers, body, SECRET, now) is None
        except InvalidInput:
            assert strange == []


def test_an_old_delivery_of_linear_is_refused() -> None:
    headers, body = signed("linear", done_payload("linear", "7"))
    with pytest.raises(NotAllowed, match="old"):
        HOOKS["linear"](headers, body, SECRET, time.time() + 3600)


# The whole way: a comment becomes an issue, and what happens to it comes back


@pytest.fixture
def shop(store_url: str, world: World) -> Any:
    with unit_of_work() as work:
        project = projects.add_project(work, "shop", "https://git.example.org/shop", actor="me")
        environment = environments.ensure_environment(work, project, "feature", actor="me")
        trackers.set_tracker(
            work, project, world.server.kind, world.server.place, world.server.url,
            world.server.token, "click", "me",
        )  # fmt: skip
        work.flush()
        return environment.id


def begin(environment_id: Any, text: str = "Too long") -> Any:
    with unit_of_work() as work:
        environment = work.get_one(environments.Environment, environment_id)
        pin = Pin("/cart", "Cart", {"tag": "h1", "text": "Basket"}, 390, 844, "Chrome, phone")
        return talking.begin_thread(work, environment, pin, text, Author("Anna Weber")).id


def receive(world: World, payload: Any, event: str) -> dict[str, Any]:
    with unit_of_work() as work:
        project = projects.get_project(work, "shop")
        secret = trackers.hook_secret(trackers.get_tracker(work, project))
    headers, body = signed(world.server.kind, payload, secret)
    headers["x-github-event"] = event
    return tracking.receive_hook(world.server.kind, "shop", headers, body)


def test_there_and_back(world: World, shop: Any) -> None:
    thread_id = begin(shop)
    assert tracking.push_thread(thread_id) is False  # nobody asked for an issue
    with unit_of_work() as work:
        thread = comments.find_thread(work, shop, thread_id)
        environment = work.get_one(environments.Environment, shop)
        trackers.want_issue(work, environment, thread, "me")
        talking.reply(work, environment, thread, "And *bold* @ben", Author("Ben"))
    assert tracking.push_thread(thread_id) is True
    assert tracking.push_thread(thread_id) is False
    (kept,) = world.server.issues.values()
    assert kept.title == "Too long"
    assert "/cart" in kept.text
    assert len(kept.said) == 1
    with unit_of_work() as work:
        issue = work.get_one(ThreadIssue, thread_id)
        key, name = issue.key, issue.external_id or issue.key
        assert issue.refused == ""
    # Our own words come back as a webhook: they are not said twice.
    assert (
        receive(world, said_payload(world.server.kind, name, kept.said[0]), "issue_comment")[
            "action"
        ]
        == "nothing"
    )
    # Somebody answers there, and closes it.
    answer = said_payload(world.server.kind, name, "Shorter now")
    answer.setdefault("comment", answer.get("object_attributes", answer.get("data")))["id"] = "78"
    told = receive(world, answer, "issue_comment")
    assert told == {"action": "replied", "thread": "1"}
    assert receive(world, done_payload(world.server.kind, name), "issues")["action"] == "resolved"
    with unit_of_work() as work:
        thread = comments.find_thread(work, shop, thread_id)
        assert thread.state == "resolved"
        assert [one.text for one in thread.comments] == [
            "Too long", "And *bold* @ben", "Shorter now",
        ]  # fmt: skip
        assert thread.comments[-1].author == f"ben ({world.server.kind})"
        assert key
    assert tracking.push_thread(thread_id) is False  # nothing of it goes back
    with unit_of_work() as work:
        talking.resolve(work, comments.find_thread(work, shop, thread_id), False, Author("Ben"))
    kept.is_done = True
    assert tracking.push_thread(thread_id) is True
    assert kept.is_done is False
    assert len(kept.said) == 1


def test_what_is_refused_is_recorded_and_tried_again(world: World, shop: Any) -> None:
    with unit_of_work() as work:
        tracker = trackers.get_tracker(work, projects.get_project(work, "shop"))
        tracker.rule = "every"
    thread_id = begin(shop)
    world.server.faults += [Fault(500)] * 3
    tracking.push_thread(thread_id)
    with unit_of_work() as work:
        issue = work.get_one(ThreadIssue, thread_id)
        assert "500" in issue.refused
        assert issue.next_at is not None  # later
        trackers.want_issue(
            work, work.get_one(environments.Environment, shop),
            comments.find_thread(work, shop, thread_id), "me",
        )  # fmt: skip
    world.server.faults[:] = [Fault(429, headers={"Retry-After": "3000"})] * 3
    tracking.push_thread(thread_id)
    with unit_of_work() as work:
        issue = work.get_one(ThreadIssue, thread_id)
        assert "429" in issue.refused
        assert issue.next_at is not None
        assert (issue.next_at - comments.now()).total_seconds() > 2900  # when it said
        issue.next_at = comments.now()
    world.server.faults[:] = [Fault(401)] * 3
    tracking.push_thread(thread_id)
    with unit_of_work() as work:
        issue = work.get_one(ThreadIssue, thread_id)
        assert "401" in issue.refused
        assert issue.next_at is None  # until somebody asks again
        assert TOKEN not in issue.refused
        issue.next_at = comments.now()
    world.server.faults.clear()
    tracking.push_thread(thread_id)
    assert len(world.server.issues) == 1


def test_a_hook_of_nobody_is_refused(world: World, shop: Any) -> None:
    headers, body = signed(world.server.kind, done_payload(world.server.kind, "1"))
    with pytest.raises(NotAllowed):
        tracking.receive_hook(world.server.kind, "shop", headers, body)
    with pytest.raises(NotFound):
        tracking.receive_hook("other", "shop", headers, body)
    with pytest.raises(NotFound):
        tracking.receive_hook(world.server.kind, "nobody", headers, body)
    assert receive(world, done_payload(world.server.kind, "999"), "issues") == {"action": "nothing"}
