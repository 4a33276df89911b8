"""What the demo's acts need done: pushing, watching, asking."""

from __future__ import annotations

import http.client
import json
import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg

from greenroom.cli.narration import Narration
from greenroom.cli.output import STATUS_STYLES
from greenroom.data.discover import discover
from greenroom.data.introspect import read_schema
from greenroom.data.policy import Policy, dump_policy, undecided
from greenroom.data.source import opened
from greenroom.errors import GreenroomError, PlatformError
from greenroom.hosting.health import wait_until_routed
from greenroom.settings import Settings
from greenroom.sources.github import sign
from greenroom.store import deployments, environments, policies, projects, syncs
from greenroom.store.models import Environment, Sync
from greenroom.store.work import unit_of_work

STAGING = "feature-spring-sale"
PROJECT = "tolmere"
DEPLOY_TIMEOUT_SECONDS, SYNC_TIMEOUT_SECONDS = 240, 600


class CheckFailed(GreenroomError):
    """The demo did something, but what came of it is not right."""


@dataclass(frozen=True)
class Answer:
    """What the gateway answered."""

    status: int
    headers: dict[str, str]
    text: str


class Stagehands:
    """Acts on the platform as a forge, a visitor and a watcher would."""

    def __init__(self, settings: Settings, tell: Narration) -> None:
        self.settings, self.tell = settings, tell

    def environment(self, name: str) -> Environment:
        """Get an environment of the sample project."""
        with unit_of_work() as work:
            return environments.get_environment(work, f"{PROJECT}/{name}")

    def push(self, branch: str, commit: str) -> uuid.UUID:
        """Tell the platform of a push as GitHub would."""
        payload = {
            "ref": f"refs/heads/{branch}", "after": commit, "deleted": False,
            "pusher": {"name": "wren"},
        }  # fmt: skip
        return self._tell_platform("push", payload, f"push of {branch}")

    def open_pull(self, branch: str, commit: str, number: int, title: str) -> uuid.UUID:
        """Tell the platform of a pull request as GitHub would."""
        repository = {"full_name": f"studio/{PROJECT}"}
        payload = {
            "action": "opened", "number": number, "repository": repository,
            "pull_request": {
                "number": number, "title": title, "draft": False, "user": {"login": "wren"},
                "head": {"ref": branch, "sha": commit, "repo": repository},
                "base": {"ref": "main", "repo": repository},
            },
        }  # fmt: skip
        return self._tell_platform("pull_request", payload, f"pull request #{number} of {branch}")

    def _tell_platform(self, event: str, payload: dict[str, Any], words: str) -> uuid.UUID:
        """Send a webhook: signed, through the real endpoint; give the deployment it led to."""
        with unit_of_work() as work:
            secret = projects.webhook_secret(projects.get_project(work, PROJECT))
        body = json.dumps(payload).encode()
        headers = {
            "content-type": "application/json",
            "x-github-event": event,
            "x-github-delivery": f"demo-{secrets.token_hex(12)}",
            "x-hub-signature-256": sign(body, secret),
        }
        url = f"http://127.0.0.1:{self.settings.gateway_port}/hooks/github/{PROJECT}"
        begun = time.monotonic()
        answer = httpx.post(url, content=body, headers=headers, timeout=30, trust_env=False)
        milliseconds = (time.monotonic() - begun) * 1000
        if answer.status_code != 202:
            raise CheckFailed(f"the webhook was answered {answer.status_code}: {answer.text[:200]}")
        self.tell.say(f"signed webhook: {words}, accepted in {milliseconds:.0f} ms")
        return self.newest(str(answer.json()["environment"]))

    def newest(self, environment: str) -> uuid.UUID:
        """Give the id of an environment's newest deployment."""
        with unit_of_work() as work:
            found = environments.get_environment(work, environment)
            return deployments.list_deployments(work, found.id, limit=1)[0].id

    def watch(self, deployment_id: uuid.UUID) -> Any:
        """Tell a deployment's log as it grows; give the ended deployment."""
        deadline, last = time.monotonic() + DEPLOY_TIMEOUT_SECONDS, 0
        self.tell.busy("waiting for the worker")
        while True:
            with unit_of_work() as work:
                row = deployments.get_deployment(work, deployment_id)
                lines = deployments.read_log(work, deployment_id, after=last)
            for line in lines:
                last = line.id
                self.tell.end()
                if line.section not in ("app", "failed"):
                    self.tell.say(f"{line.section:>8}  {line.line}", "bright_black")
            if row.status in deployments.FINAL and not lines:
                self.tell.end()
                ended = row.completed_at or row.requested_at
                took = (ended - row.requested_at).total_seconds()
                phases = ", ".join(f"{k} {v:.1f}" for k, v in row.phases.items() if v >= 0.05)
                style = STATUS_STYLES.get(row.status, "")
                self.tell.say(
                    f"deployment #{row.number} {row.status} in {took:.1f} s ({phases})", style
                )
                self._await_gateway(row.environment_id)
                return row
            if time.monotonic() > deadline:
                raise PlatformError(
                    f"deployment #{row.number} is {row.status} after {DEPLOY_TIMEOUT_SECONDS} s",
                    hint=f"The worker's log: {self.settings.path('logs', 'worker.log')}",
                )
            time.sleep(0.15)

    def approve_policy(self) -> tuple[Policy, int]:
        """Let discovery propose, and approve it; give the policy and what it leaves open."""
        with unit_of_work() as work:
            url = projects.production_database_url(projects.get_project(work, PROJECT))
        assert url is not None
        with opened(url) as connection:
            schema = read_schema(connection)
            policy = discover(connection, schema).policy
        text = dump_policy(policy)
        self.settings.path("demo", "anonymization.yaml").write_text(text)
        with unit_of_work() as work:
            project = projects.get_project(work, PROJECT)
            policies.record_policy(work, project, text, policy.fingerprint(), by="demo")
        return policy, len(undecided(policy, schema))

    def watch_sync(self, sync_id: uuid.UUID) -> Sync:
        """Tell a sync's log as it grows; give the ended sync."""
        deadline, said, phase = time.monotonic() + SYNC_TIMEOUT_SECONDS, 0, ""
        while True:
            with unit_of_work() as work:
                row = syncs.get_sync(work, sync_id)
            for line in row.log_output[said:].splitlines():
                self.tell.end()
                self.tell.say(f"{'data':>8}  {line[9:]}", "bright_black")
            said = len(row.log_output)
            if row.status in syncs.FINAL:
                self.tell.end()
                if row.error:
                    raise CheckFailed(f"the sync failed: {row.error['detail']}")
                return row
            if row.phase != phase:
                phase = row.phase
                self.tell.busy({"data": "copying, masked on the way", "proof": "looking for every"
                                " original"}.get(phase, f"sync: {phase}"))  # fmt: skip
            if time.monotonic() > deadline:
                raise PlatformError(f"the sync is still {row.phase}")
            time.sleep(0.15)

    def customers(self, environment: str, count: int = 3) -> list[str]:
        """Give some customers as an environment's database has them: the same ones by id."""
        with unit_of_work() as work:
            found = environments.get_environment(work, f"{PROJECT}/{environment}")
            url = environments.environment_database_url(found)
            url = url or projects.production_database_url(found.project)
        assert url is not None
        with psycopg.connect(url) as connection:
            rows = connection.execute(
                "select full_name || ', ' || email from customers where id > 100 order by id"
                " limit %s", (count,)
            ).fetchall()  # fmt: skip
        return [str(text) for (text,) in rows]

    def _await_gateway(self, environment_id: uuid.UUID) -> None:
        """Wait until the gateway has heard of a switch, as it does within a second."""
        with unit_of_work() as work:
            host = work.get_one(Environment, environment_id).host
            serving = environments.serving_instance(work, environment_id)
        if serving and not wait_until_routed(self.settings.gateway_port, host, serving.id):
            raise CheckFailed(f"the gateway does not send {host} to the copy that serves")

    def get(self, environment: str, path: str) -> Answer:
        """Ask an environment for a page, through the gateway."""
        host = self.environment(environment).host
        connection = http.client.HTTPConnection("127.0.0.1", self.settings.gateway_port, timeout=30)
        try:
            connection.request("GET", path, headers={"Host": host})
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
            headers = {k.lower(): v for k, v in answer.getheaders()}
            return Answer(answer.status, headers, text)
        except OSError as error:
            raise CheckFailed(f"the gateway does not answer: {error}") from error
        finally:
            connection.close()

    def health(self, environment: str) -> dict[str, Any]:
        """Ask an environment how it is.

        Errors: CheckFailed.
        """
        answer = self.get(environment, "/healthz")
        if answer.status != 200:
            raise CheckFailed(f"{environment} answered {answer.status} at /healthz")
        data: dict[str, Any] = json.loads(answer.text)
        return data

    def eventually(self, ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Ask until the answer is good: copies start again together with the platform."""
        deadline = time.monotonic() + 60
        while True:
            try:
                return ask()
            except CheckFailed:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
