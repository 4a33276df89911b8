"""The only client of Prefect's API: flow runs are started here, by deployment name.

It speaks the documented REST API directly: importing Prefect's own client costs 2.5 CPU-seconds,
which every command of the command line would pay.
Source: Prefect 3 REST API reference (deployments, flow_runs, work_pools, logs).
"""

from __future__ import annotations

import os
import secrets
import socket
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import httpx
import psutil

from greenroom.errors import NotFound, OrchestratorUnavailable, PlatformError
from greenroom.settings import Settings, load_settings

POOL = "greenroom"
MOST_PENDING_SECONDS = 60.0
"""A run's process is there sooner, or it died before it said so."""
FINAL_STATES = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})


def orchestrator_password(settings: Settings) -> str:
    """Give the password of Prefect's API, made on first use (mode 0600)."""
    file = settings.path("prefect", "password")
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        made = file.with_name(f".password.{os.getpid()}")
        made.touch(mode=0o600)
        made.write_text(secrets.token_urlsafe(24))
        made.replace(file)
    return file.read_text().strip()


@dataclass(frozen=True)
class Run:
    """A flow run as Prefect knows it."""

    id: uuid.UUID
    name: str
    state: str
    """SCHEDULED, PENDING, RUNNING, COMPLETED, FAILED, CRASHED, CANCELLING, CANCELLED, PAUSED."""
    message: str
    started_at: datetime | None
    parameters: dict[str, Any]
    deployment_id: uuid.UUID | None
    state_at: datetime | None = None
    """Since when it is in its state."""
    process: str = ""
    """``host:pid`` of what its worker has started for it, when it has said so."""

    def is_on_its_way(self, at: datetime) -> bool:
        """Whether it waits for its turn, or its process is being started."""
        if self.state == "SCHEDULED":
            return True
        since = (at - self.state_at).total_seconds() if self.state_at else 0.0
        return self.state == "PENDING" and since < MOST_PENDING_SECONDS

    def is_lost(self, at: datetime) -> bool:
        """Whether it has begun, has not ended, and no process of this machine does it.

        A worker that is killed between taking a run and starting its process leaves it PENDING for
        ever, and a machine that is switched off leaves it RUNNING: nothing tells Prefect.
        """
        if self.state not in ("PENDING", "RUNNING", "CANCELLING") or self.state_at is None:
            return False
        host, _, number = self.process.rpartition(":")
        since = self.state_at.timestamp() + MOST_PENDING_SECONDS
        if not self.process:
            return self.state == "PENDING" and at.timestamp() > since
        if host != socket.gethostname() or not number.isdecimal():
            return False
        try:
            process = psutil.Process(int(number))
            return process.status() == psutil.STATUS_ZOMBIE or process.create_time() > since
        except psutil.NoSuchProcess:
            return True

    @property
    def is_final(self) -> bool:
        """Whether it has ended."""
        return self.state in FINAL_STATES


@lru_cache(maxsize=4)
def _client(url: str, password: str) -> httpx.Client:
    """Give the process's one pool of connections to a server: it may be shared by threads."""
    return httpx.Client(
        base_url=url,
        auth=("greenroom", password),
        timeout=httpx.Timeout(30, connect=3),
        trust_env=False,
    )


class Runs:
    """Starts, watches and ends flow runs.

    Errors: OrchestratorUnavailable (transient) when Prefect does not answer.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or load_settings()
        self._deployments: dict[str, str] = {}

    def close(self) -> None:
        """Close this process's connections; the next question opens new ones."""
        self._http().close()
        _client.cache_clear()

    def _http(self) -> httpx.Client:
        return _client(self.settings.prefect_api_url, orchestrator_password(self.settings))

    def _ask(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        try:
            return self._http().request(method, path, **arguments)
        except httpx.HTTPError as error:
            raise OrchestratorUnavailable(
                f"Prefect's API does not answer ({type(error).__name__})",
                hint="Is the platform running? `greenroom doctor` tells.",
            ) from error

    def _ask_ok(self, method: str, path: str, **arguments: Any) -> Any:
        return self._read(self._ask(method, path, **arguments), path)

    def _find(self, path: str) -> Any:
        """Give what is at a path; None when there is nothing."""
        answer = self._ask("GET", path)
        return None if answer.status_code == 404 else self._read(answer, path)

    def _read(self, answer: httpx.Response, path: str) -> Any:
        if answer.status_code == 401:
            raise PlatformError(
                "Prefect's API refuses our password",
                hint=f"Does another Prefect listen on port {self.settings.prefect_port}?",
            )
        if answer.status_code >= 500:
            raise OrchestratorUnavailable(f"Prefect's API answered {answer.status_code}")
        if answer.is_error:
            raise PlatformError(f"Prefect refused {path}: {answer.text[:500]}")
        return answer.json() if answer.content else None

    def is_alive(self) -> bool:
        """Whether the API answers."""
        try:
            return self._ask("GET", "/health", timeout=3).status_code == 200
        except OrchestratorUnavailable:
            return False

    def wait_until_ready(self, timeout_seconds: float = 300) -> None:
        """Wait until the API answers.

        Errors: OrchestratorUnavailable.
        """
        deadline = time.monotonic() + timeout_seconds
        while not self.is_alive():
            if time.monotonic() > deadline:
                raise OrchestratorUnavailable(
                    f"Prefect did not answer within {timeout_seconds:.0f} s",
                    hint=f"Its log: {self.settings.path('logs', 'prefect.log')}",
                )
            time.sleep(0.1)

    def ensure_pool(self, name: str, command: str | None) -> None:
        """Create or mend the work pool, so that every run is started by ``command``.

        None leaves the start to Prefect.
        """
        template = _job_template(command)
        answer = self._ask("GET", f"/work_pools/{name}")
        if answer.status_code == 404:
            body = {"name": name, "type": "process", "base_job_template": template}
            self._ask_ok("POST", "/work_pools/", json=body)
        else:
            self._ask_ok("PATCH", f"/work_pools/{name}", json={"base_job_template": template})

    def pool_status(self, name: str) -> dict[str, Any]:
        """Give the pool's status and its workers' last heartbeats."""
        pool = self._ask_ok("GET", f"/work_pools/{name}")
        workers = self._ask_ok("POST", f"/work_pools/{name}/workers/filter", json={})
        return {
            "status": pool.get("status"),
            "workers": [
                {"name": w["name"], "status": w["status"], "last": w["last_heartbeat_time"]}
                for w in workers
            ],
        }

    def ensure_queue(self, name: str) -> None:
        """Create the queue that runs one environment's flows one after the other. Idempotent."""
        body = {"name": name, "concurrency_limit": 1}
        answer = self._ask("POST", f"/work_pools/{POOL}/queues", json=body)
        if answer.status_code not in (200, 201, 409):
            raise PlatformError(f"Prefect refused the queue {name}: {answer.text[:300]}")

    def remove_queue(self, name: str) -> None:
        """Delete an environment's queue. Idempotent."""
        answer = self._ask("DELETE", f"/work_pools/{POOL}/queues/{name}")
        if answer.is_error and answer.status_code != 404:
            raise PlatformError(f"Prefect refused to delete {name}: {answer.text[:300]}")

    def find_deployment_id(self, name: str) -> str | None:
        """Find a Prefect deployment's id by ``<flow>/<deployment>``."""
        if name not in self._deployments:
            found = self._find(f"/deployments/name/{name}")
            if found is None:
                return None
            self._deployments[name] = found["id"]
        return self._deployments[name]

    def start(
        self,
        deployment: str,
        parameters: dict[str, Any],
        *,
        idempotency_key: str,
        queue: str | None = None,
        tags: Sequence[str] = (),
    ) -> uuid.UUID:
        """Start a run of ``<flow>/<deployment>`` and give its id.

        Idempotent: the same key gives the same run.

        Errors: NotFound when there is no such deployment.
        """
        found = self.find_deployment_id(deployment)
        if found is None:
            raise NotFound(
                f"Prefect has no deployment {deployment!r}",
                hint="`greenroom up` applies prefect.yaml and deployments.yaml.",
            )
        body: dict[str, Any] = {
            "parameters": parameters,
            "idempotency_key": idempotency_key,
            "tags": list(tags),
            "state": {"type": "SCHEDULED"},
        }
        if queue is not None:
            self.ensure_queue(queue)
            body["work_queue_name"] = queue
        answer = self._ask_ok("POST", f"/deployments/{found}/create_flow_run", json=body)
        return uuid.UUID(answer["id"])

    def find(self, run_id: uuid.UUID) -> Run | None:
        """Find a run by id."""
        found = self._find(f"/flow_runs/{run_id}")
        return None if found is None else _run(found)

    def list_unfinished(self) -> list[Run]:
        """List runs that have started and not ended."""
        body = {
            "flow_runs": {"state": {"type": {"any_": ["PENDING", "RUNNING", "CANCELLING"]}}},
            "limit": 200,
        }
        return [_run(row) for row in self._ask_ok("POST", "/flow_runs/filter", json=body)]

    def end(self, run_id: uuid.UUID, state: str, message: str) -> None:
        """Force a run into a final state: ``CANCELLED`` or ``CRASHED``. Idempotent."""
        body = {"state": {"type": state, "message": message}, "force": True}
        answer = self._ask("POST", f"/flow_runs/{run_id}/set_state", json=body)
        if answer.is_error and answer.status_code != 404:
            raise PlatformError(f"Prefect refused to end {run_id}: {answer.text[:300]}")

    def cancel(self, run_id: uuid.UUID) -> None:
        """Ask a run to stop: a waiting one is cancelled at once, a running one by its worker."""
        run = self.find(run_id)
        if run is None or run.is_final:
            return
        wanted = "CANCELLED" if run.state in ("SCHEDULED", "PAUSED") else "CANCELLING"
        body = {"state": {"type": wanted, "message": "cancelled"}, "force": wanted == "CANCELLED"}
        self._ask_ok("POST", f"/flow_runs/{run_id}/set_state", json=body)


def _run(row: dict[str, Any]) -> Run:
    state = row.get("state") or {}
    started, since = row.get("start_time"), state.get("timestamp")
    return Run(
        id=uuid.UUID(row["id"]),
        name=row["name"],
        state=row.get("state_type") or state.get("type") or "UNKNOWN",
        message=state.get("message") or "",
        started_at=datetime.fromisoformat(started) if started else None,
        parameters=row.get("parameters") or {},
        deployment_id=uuid.UUID(row["deployment_id"]) if row.get("deployment_id") else None,
        state_at=datetime.fromisoformat(since) if since else None,
        process=row.get("infrastructure_pid") or "",
    )


def _job_template(command: str | None) -> dict[str, Any]:
    """Give a process pool's job template.

    Streaming is off: with it, a flow run dies at its next log line after its worker died.
    """
    text = {"type": "string"}
    start = {} if command is None else {"default": command}
    return {
        "job_configuration": {
            "command": "{{ command }}",
            "env": "{{ env }}",
            "labels": "{{ labels }}",
            "name": "{{ name }}",
            "stream_output": "{{ stream_output }}",
            "working_dir": "{{ working_dir }}",
        },
        "variables": {
            "type": "object",
            "properties": {
                "name": {**text, "title": "Name"},
                "env": {"type": "object", "additionalProperties": text, "title": "Environment"},
                "labels": {"type": "object", "additionalProperties": text, "title": "Labels"},
                "command": {**text, "title": "Command", **start},
                "stream_output": {"type": "boolean", "title": "Stream", "default": False},
                "working_dir": {**text, "title": "Working directory"},
            },
        },
    }
