"""Every forge's webhooks over the wire: believed, acted on, taken once."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from greenroom.sources import gitlab, payloads
from greenroom.store import projects
from greenroom.store.models import Deployment, Environment
from greenroom.store.work import unit_of_work

pytestmark = pytest.mark.contract
SHA, NEXT = "6113728f27ae82c7b1a177c8d03f9e96e0adf246", "a" * 40
NAMES = ("one", "two", "three")


class Runs:
    """Stands where Prefect is asked to start runs."""

    def __init__(self) -> None:
        self.started: list[str] = []

    def start(self, name: str, parameters: dict[str, Any], **_: Any) -> uuid.UUID:
        self.started.append(f"{name} {parameters['request']['environment']}")
        return uuid.uuid4()


@dataclass
class Sender:
    """Sends one project's deliveries to the gateway."""

    bed: Any
    secret: str
    runs: Runs

    async def send(self, forge: str, headers: dict[str, str], body: bytes) -> Any:
        lines = [f"{name}: {value}" for name, value in headers.items()]
        lines.append(f"Content-Length: {len(body)}")
        path = f"POST /hooks/{forge}/shop HTTP/1.1"
        answer = await self.bed.ask(path, *lines, body=body, host="localhost")
        await self.bed.gateway.webhooks.finish()
        return answer

    def signed(self, forge: str, delivery: str, body: bytes) -> dict[str, str]:
        mark = payloads.sign(body, self.secret)
        now = str(int(time.time()))
        return {
            "gitlab": {"X-Gitlab-Event-UUID": delivery, "X-Gitlab-Token": self.secret},
            "gitlab signed": {
                "webhook-id": delivery, "webhook-timestamp": now,
                "webhook-signature": gitlab.sign(body, self.secret, delivery, now),
            },
            "bitbucket": {
                "X-Request-UUID": delivery, "X-Hub-Signature": f"sha256={mark}",
                "X-Event-Key": "repo:push",
            },
            "gitea": {
                "X-Gitea-Delivery": delivery, "X-Gitea-Signature": mark, "X-Gitea-Event": "push",
            },
            "forgejo": {
                "X-Forgejo-Delivery": delivery, "X-Forgejo-Signature": mark,
                "X-Forgejo-Event": "push",
            },
        }[forge]  # fmt: skip


FORGES = ["gitlab", "gitlab signed", "bitbucket", "gitea", "forgejo"]


@pytest.fixture
def sender(store_url: str, bed: Any) -> Sender:
    with unit_of_work() as work:
        project = projects.add_project(work, "shop", "/nowhere", runtime="static", actor="test")
        secret = projects.webhook_secret(project)
    bed.gateway.webhooks.runs = runs = Runs()
    return Sender(bed, secret, runs)


def push(forge: str, after: str = SHA) -> bytes:
    """Give a push as a forge words it."""
    target = {"type": "branch", "name": "feature/nice", "target": {"hash": after}}
    hub = {"ref": "refs/heads/feature/nice", "after": after, "pusher": {"login": "wren"}}
    told = {
        "bitbucket": {"actor": {"nickname": "wren"}, "push": {"changes": [{"new": target}]}},
        "gitlab": {**hub, "object_kind": "push", "user_username": "wren"},
    }.get(forge.split()[0], hub)
    return json.dumps(told).encode()


@pytest.mark.parametrize("forge", FORGES)
async def test_a_push_is_deployed_once(sender: Sender, forge: str) -> None:
    body = push(forge)
    headers = sender.signed(forge, "delivery-1", body)
    first = await sender.send(forge.split()[0], headers, body)
    again = await sender.send(forge.split()[0], headers, body)
    assert (first.status, again.status) == (202, 200)
    with unit_of_work() as work:
        deployment = work.scalars(select(Deployment)).one()
        assert (deployment.commit_hash, deployment.deployed_by) == (SHA, "webhook:wren")
    assert sender.runs.started == ["deploy/on-demand shop/feature-nice"]


@pytest.mark.parametrize("forge", FORGES)
async def test_a_body_sent_under_another_id(sender: Sender, forge: str) -> None:
    """Nobody without the secret can do so where the id is signed; elsewhere it is known again."""
    body = push(forge)
    for delivery in ("delivery-1", "delivery-2"):
        await sender.send(forge.split()[0], sender.signed(forge, delivery, body), body)
    assert len(sender.runs.started) == 1  # known by its body, or by its commit


@pytest.mark.parametrize("forge", FORGES)
async def test_what_is_not_signed_well_is_refused(sender: Sender, forge: str) -> None:
    good = sender.signed(forge, "delivery-1", push(forge))
    bare = {n: v for n, v in good.items() if "ignature" not in n and "Token" not in n}
    wrong = {n: "x" if "ignature" in n or "Token" in n else v for n, v in good.items()}
    for headers in (bare, wrong):
        answer = await sender.send(forge.split()[0], headers, push(forge))
        assert answer.status == 401
        assert sender.secret not in answer.raw.decode()
    if "X-Gitlab-Token" not in good:
        assert (await sender.send(forge.split()[0], good, push(forge, NEXT))).status == 401
    assert sender.runs.started == []


async def test_one_forges_signature_is_not_anothers(sender: Sender) -> None:
    body = push("gitea")
    for forge in ("github", "gitlab", "bitbucket"):
        answer = await sender.send(forge, sender.signed("gitea", "delivery-1", body), body)
        assert answer.status == 401


async def test_a_delivery_with_several_branches_leads_to_several_runs(sender: Sender) -> None:
    changes = [{"new": {"type": "branch", "name": name, "target": {"hash": SHA}}} for name in NAMES]
    body = json.dumps({"push": {"changes": changes}}).encode()
    await sender.send("bitbucket", sender.signed("bitbucket", "delivery-1", body), body)
    gone = [{"new": None, "old": {"type": "branch", "name": name}} for name in NAMES[:2]]
    body = json.dumps({"push": {"changes": gone}}).encode()
    answer = await sender.send("bitbucket", sender.signed("bitbucket", "delivery-2", body), body)
    told = json.loads(answer.body)
    assert (told["action"], [also["action"] for also in told["also"]]) == ("teardown", ["teardown"])
    assert sender.runs.started == [
        *(f"deploy/on-demand shop/{name}" for name in NAMES),
        *(f"teardown/on-demand shop/{name}" for name in NAMES[:2]),
    ]
    with unit_of_work() as work:
        assert len(list(work.scalars(select(Environment)))) == 3
