"""Webhooks over the wire: who is believed, what is done once, and what is never done."""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select

from greenroom.errors import OrchestratorUnavailable
from greenroom.gateway import webhooks
from greenroom.sources.github import sign
from greenroom.store import projects
from greenroom.store.models import Deployment, Environment, WebhookDelivery
from greenroom.store.work import unit_of_work
from tests.conftest import forget_settings

pytestmark = pytest.mark.contract
SHA, NEXT = "6113728f27ae82c7b1a177c8d03f9e96e0adf246", "a" * 40


@dataclass
class Recorder:
    """Stands where Prefect is asked to start runs."""

    started: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)
    is_away: bool = False

    def start(self, name: str, parameters: dict[str, Any], **options: Any) -> uuid.UUID:
        if self.is_away:
            raise OrchestratorUnavailable
        self.started.append((name, parameters["request"], options["idempotency_key"]))
        return uuid.uuid4()

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.started]


class Forge:
    """Sends deliveries to the gateway as GitHub does."""

    def __init__(self, bed: Any, secret: str, runs: Recorder) -> None:
        self.bed, self.secret, self.runs = bed, secret, runs

    async def post(
        self, body: bytes, *headers: str, path: str = "/hooks/github/shop", method: str = "POST"
    ) -> Any:
        line = f"{method} {path} HTTP/1.1"
        length = f"Content-Length: {len(body)}"
        answer = await self.bed.ask(line, length, *headers, body=body, host="localhost")
        await self.bed.gateway.webhooks.finish()
        return answer

    async def deliver(
        self, event: str, payload: Any, *, delivery: str | None = None, signed: str | None = None,
        path: str = "/hooks/github/shop",
    ) -> Any:  # fmt: skip
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return await self.post(
            body, f"X-GitHub-Event: {event}", f"X-GitHub-Delivery: {delivery or uuid.uuid4()}",
            f"X-Hub-Signature-256: {sign(body, self.secret) if signed is None else signed}",
            path=path,
        )  # fmt: skip


@pytest.fixture
def forge(store_url: str, bed: Any) -> Forge:
    """A project called shop, and the forge that knows its secret."""
    with unit_of_work() as work:
        project = projects.add_project(work, "shop", "/nowhere", runtime="static", actor="test")
        secret = projects.webhook_secret(project)
    bed.gateway.webhooks.runs = runs = Recorder()
    return Forge(bed, secret, runs)


def push(branch: str = "feature/nice", after: str = SHA, **more: Any) -> dict[str, Any]:
    return {"ref": f"refs/heads/{branch}", "after": after, "pusher": {"name": "octocat"}, **more}


def pull(action: str, *, sha: str = SHA, source: str = "acme/shop") -> dict[str, Any]:
    head = {"ref": "feature/nice", "sha": sha, "repo": {"full_name": source}}
    base = {"ref": "main", "sha": NEXT, "repo": {"full_name": "acme/shop"}}
    return {"action": action, "pull_request": {"number": 7, "head": head, "base": base}}


def count(of: type) -> int:
    with unit_of_work() as work:
        return len(list(work.scalars(select(of))))


def nothing_happened(forge: Forge) -> bool:
    """Whether no row was written and no run started."""
    return not any(map(count, (Environment, Deployment, WebhookDelivery))) and not forge.runs.names


async def test_a_push_is_recorded_answered_and_started(forge: Forge) -> None:
    answer = await forge.deliver("push", push())
    told = json.loads(answer.body)
    assert (answer.status, told["action"], told["deployment"]) == (202, "deploy", 1)
    assert told["environment"] == "shop/feature-nice"
    with unit_of_work() as work:
        deployment = work.scalars(select(Deployment)).one()
        assert (deployment.commit_hash, deployment.deployed_by) == (SHA, "webhook:octocat")
        assert work.scalars(select(Environment)).one().url == told["url"]
    name, request, key = forge.runs.started[0]
    assert (name, request["environment"]) == ("deploy/on-demand", "shop/feature-nice")
    assert key == request["deployment_id"] == str(deployment.id)


async def test_a_delivery_sent_again_gets_the_same_answer_and_does_nothing(forge: Forge) -> None:
    first = await forge.deliver("push", push(), delivery="delivery-1")
    again = await forge.deliver("push", push(), delivery="delivery-1")
    assert (first.status, again.status) == (202, 200)
    assert json.loads(again.body) == {**json.loads(first.body), "repeated": True}
    assert (count(Deployment), len(forge.runs.started)) == (1, 1)


async def test_a_body_sent_again_under_another_id_does_nothing(forge: Forge) -> None:
    body = json.dumps(push()).encode()  # seen by somebody; its signature does not cover the id
    first = await forge.deliver("push", body, delivery="delivery-1")
    again = await forge.deliver("push", body, delivery="delivery-2")
    assert (first.status, again.status) == (202, 200)
    assert (count(Deployment), len(forge.runs.started)) == (1, 1)


async def test_the_same_delivery_at_the_same_moment_is_one(forge: Forge) -> None:
    answers = await asyncio.gather(
        *(forge.deliver("push", push(), delivery="delivery-1") for _ in range(6))
    )
    assert sorted(answer.status for answer in answers) == [200] * 5 + [202]
    assert len({json.loads(answer.body)["deployment"] for answer in answers}) == 1
    assert (count(Deployment), len(forge.runs.started)) == (1, 1)


async def test_one_projects_deliveries_do_not_stand_for_anothers(forge: Forge) -> None:
    with unit_of_work() as work:
        other = projects.add_project(work, "other", "/nowhere", actor="test")
        secret = projects.webhook_secret(other)
    await forge.deliver("push", push("theirs"), delivery="delivery-1")
    forge.secret = secret
    answer = await forge.deliver(
        "push", push("mine"), delivery="delivery-1", path="/hooks/github/other"
    )
    assert (answer.status, json.loads(answer.body)["environment"]) == (202, "other/mine")


@pytest.mark.parametrize(
    "signed",
    ["", "sha256=" + "0" * 64, "sha256=", "sha1=01dc10d0", "sha256=\xe9", sign(b"else", "else")],
)
async def test_what_is_not_signed_well_is_refused(forge: Forge, signed: str) -> None:
    answer = await forge.deliver("push", push(), signed=signed)
    told = json.loads(answer.body)
    assert (answer.status, told["error"]) == (401, "NotAllowed")
    assert forge.secret not in answer.raw.decode()
    assert nothing_happened(forge)


async def test_a_signature_holds_for_its_body_only(forge: Forge) -> None:
    signed = sign(json.dumps(push()).encode(), forge.secret)
    assert (await forge.deliver("push", push(after=NEXT), signed=signed)).status == 401
    assert nothing_happened(forge)


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"{", b"\xff\xfe", b"[]", b"null", b"17", b"payload=%7B%7D", b"[" * 100_000,
        b'{"ref": null}', b'{"ref": "refs/heads/x", "after": "not a commit"}',
        b'{"ref": "refs/heads/../../etc", "after": "%s"}' % SHA.encode(),
        b'{"ref": "refs/heads/a\\u0000b", "after": "%s"}' % SHA.encode(),
        b'{"ref": "refs/heads/--upload-pack=x", "after": "%s"}' % SHA.encode(),
    ],
)  # fmt: skip
async def test_what_is_signed_but_malformed_is_refused(forge: Forge, payload: bytes) -> None:
    answer = await forge.deliver("push", payload)
    assert (answer.status, json.loads(answer.body)["error"]) == (400, "InvalidInput")
    assert nothing_happened(forge)


@pytest.mark.parametrize("delivery", ["x", "a b", "a" * 81, "../../x-x-x-x"])
async def test_a_delivery_needs_its_id(forge: Forge, delivery: str) -> None:
    assert (await forge.deliver("push", push(), delivery=delivery)).status == 400
    assert nothing_happened(forge)


@pytest.mark.parametrize(
    "path",
    [
        "/hooks/github/none", "/hooks/sourcehut/shop", "/hooks/github/%00", "/hooks/github/%ff",
        "/hooks/github/SHOP", "/hooks/github/" + "x" * 3000, "/hooks/github/' or 1=1",
        "/hooks/github/shop/more", "/hooks/github",
    ],
)  # fmt: skip
async def test_an_unknown_address_tells_nothing(forge: Forge, path: str) -> None:
    answer = await forge.deliver("push", push(), path=path.replace(" ", "%20"))
    assert answer.status == 404
    assert nothing_happened(forge)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_webhooks_are_posted(forge: Forge, method: str) -> None:
    answer = await forge.post(b"", method=method)
    assert answer.status == 405
    assert answer.headers["allow"] == "POST"


async def test_a_ping_is_answered(forge: Forge) -> None:
    answer = await forge.deliver("ping", {"zen": "Keep it logically awesome.", "hook_id": 1})
    assert (answer.status, json.loads(answer.body)["reason"]) == (202, "pong")
    assert (count(Environment), forge.runs.names) == (0, [])


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("push", {**push(), "ref": "refs/tags/v1"}),
        ("push", push("never-deployed", "0" * 40, deleted=True)),
        ("push", push("main", "0" * 40, deleted=True)),
        ("pull_request", pull("labeled")),
        ("pull_request", pull("closed")),
        ("pull_request", pull("opened", source="mallory/shop")),
        ("issues", {"action": "opened"}),
        ("", {}),
    ],
    ids=["tag", "no such", "production", "label", "no environment", "fork", "issue", "none"],
)
async def test_what_changes_nothing(forge: Forge, event: str, payload: Any) -> None:
    answer = await forge.deliver(event, payload)
    assert (answer.status, json.loads(answer.body)["action"]) == (202, "nothing")
    assert (count(Environment), count(Deployment), forge.runs.names) == (0, 0, [])


@pytest.mark.parametrize(
    ("event", "payload"),
    [("push", push(after="0" * 40, deleted=True)), ("pull_request", pull("closed"))],
    ids=["branch deleted", "pull request closed"],
)
async def test_the_end_of_a_branch_ends_its_environment(
    forge: Forge, event: str, payload: Any
) -> None:
    await forge.deliver("push", push())
    answer = await forge.deliver(event, payload)
    assert (answer.status, json.loads(answer.body)["action"]) == (202, "teardown")
    assert forge.runs.names == ["deploy/on-demand", "teardown/on-demand"]
    with unit_of_work() as work:
        assert work.scalars(select(Environment)).one().destroy_requested_at is not None
        assert work.scalars(select(Deployment)).one().status == "cancelled"


async def test_a_pull_requests_commits_are_deployed(forge: Forge) -> None:
    await forge.deliver("pull_request", pull("opened"))
    await forge.deliver("pull_request", pull("synchronize", sha=NEXT))
    with unit_of_work() as work:
        rows = list(work.scalars(select(Deployment).order_by(Deployment.number)))
    assert [row.commit_hash for row in rows] == [SHA, NEXT]
    assert count(Environment) == 1
    assert rows[0].status == "cancelled"


async def test_when_prefect_is_away_the_order_stays(forge: Forge) -> None:
    forge.runs.is_away = True
    assert (await forge.deliver("push", push())).status == 202
    with unit_of_work() as work:
        row = work.scalars(select(Deployment)).one()
        assert (row.status, row.flow_run_id) == ("queued", None)


async def test_when_the_store_is_away_the_forge_may_send_again(
    forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREENROOM_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    forget_settings()
    answer = await forge.deliver("push", push())
    assert (answer.status, json.loads(answer.body)["error"]) == (503, "DatabaseUnavailable")
    assert answer.headers["retry-after"] == "5"
    assert forge.runs.names == []


async def test_the_largest_payload_is_taken(forge: Forge) -> None:
    body = json.dumps({**push(), "filler": "x" * 20}).encode()
    body = body.replace(b"x" * 20, b"x" * (webhooks.MAX_BODY - len(body) + 20))
    assert len(body) == webhooks.MAX_BODY
    assert (await forge.deliver("push", body)).status == 202


async def test_a_larger_one_is_refused_before_it_is_read(forge: Forge) -> None:
    head = (
        "POST /hooks/github/shop HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Length: {webhooks.MAX_BODY + 1}\r\n\r\n"
    )
    answer = await forge.bed.send(head.encode())
    assert (answer.status, json.loads(answer.body)["error"]) == (413, "LimitReached")
    block = b"100000\r\n" + bytes(2**20) + b"\r\n"
    reader, writer = await forge.bed.connect()
    writer.write(
        b"POST /hooks/github/shop HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    async with asyncio.timeout(30):
        for _ in range(25):
            writer.write(block)
            await writer.drain()
        writer.write(b"1\r\nx\r\n")
        assert b"413" in await reader.readuntil(b"\r\n")
    writer.close()
    assert nothing_happened(forge)


async def test_a_payload_that_stands_still_is_left(
    forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "READ_SECONDS", 0.2)
    head = b"POST /hooks/github/shop HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\nhalf"
    reader, writer = await forge.bed.connect()
    writer.write(head)
    async with asyncio.timeout(10):
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408")
        assert b"Connection: close" in head
        assert b"did not come in whole" in await reader.readuntil(b"}")
    writer.close()
