"""Prefect's server and worker: their settings, their programs, and the two YAML files applied."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import httpx

from greenroom.errors import OrchestratorUnavailable, PlatformError
from greenroom.programs import Program
from greenroom.runs import POOL, Runs, orchestrator_password
from greenroom.settings import Settings, process_environment

USER = "greenroom"
APPLIED = "applied-deployments"
FILES = ("prefect.yaml", "deployments.yaml")


def prefect_environment(settings: Settings) -> dict[str, str]:
    """Give Prefect's settings for server, worker and flow runs.

    Not secret: the password goes by :func:`secret_environment`, through a file.
    """
    return {
        "GREENROOM_HOME": str(settings.home),
        "GREENROOM_ROOT": str(settings.root),
        "DO_NOT_TRACK": "1",
        "PREFECT_HOME": str(settings.path("prefect")),
        "PREFECT_API_URL": settings.prefect_api_url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_SERVER_API_HOST": settings.bind_loopback,
        "PREFECT_SERVER_API_PORT": str(settings.prefect_port),
        "PREFECT_UI_API_URL": settings.prefect_api_url,
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": (
            "prefect.server.concurrency.lease_storage.filesystem"
        ),
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": "2592000",
        "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P7D",
        "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "5",
        "PREFECT_LOGGING_TO_API_BATCH_INTERVAL": "0.5",
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        "PREFECT_WORKER_QUERY_SECONDS": "0.5",
        "PREFECT_WORKER_HEARTBEAT_SECONDS": "10",
        "PREFECT_WORKER_CANCELLATION_POLL_SECONDS": "10",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    }


def secret_environment(settings: Settings) -> dict[str, str]:
    """Give the part of Prefect's settings that must not be written to a readable file."""
    return {"PREFECT_API_AUTH_STRING": f"{USER}:{orchestrator_password(settings)}"}


def server_environment(settings: Settings, database_url: str) -> dict[str, str]:
    """Give what the server needs beyond its clients, secrets included."""
    scheme, rest = database_url.split("://", 1)
    del scheme
    secret = secret_environment(settings)
    return {
        **prefect_environment(settings),
        **secret,
        "PREFECT_SERVER_API_AUTH_STRING": secret["PREFECT_API_AUTH_STRING"],
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"postgresql+asyncpg://{rest}",
    }


def _launched(settings: Settings, name: str, priority: int, start_seconds: int = 1) -> Program:
    """Describe one of our programs; ``greenroom.platform.launch`` adds its secrets at start."""
    return Program(
        name,
        (sys.executable, "-m", "greenroom.platform.launch", name),
        directory=settings.root,
        environment={"GREENROOM_HOME": str(settings.home)},
        priority=priority,
        start_seconds=start_seconds,
        stop_seconds=15,
    )


def programs(settings: Settings) -> list[Program]:
    """Describe Prefect's server, the warm engine and the worker."""
    warm = [_launched(settings, "engine", 300)] if settings.fork_server else []
    return [
        _launched(settings, "prefect", 200, start_seconds=3),
        *warm,
        _launched(settings, "worker", 400, start_seconds=3),
    ]


def wait_until_ready(settings: Settings, timeout_seconds: float = 300) -> None:
    """Wait until the server answers (its first start migrates its database).

    Errors: OrchestratorUnavailable.
    """
    Runs(settings).wait_until_ready(timeout_seconds)


def engine_command(settings: Settings) -> str:
    """Give the command that a worker starts for each flow run.

    The default of Prefect imports Prefect twice; naming the engine imports it once, and the warm
    engine forks a process that has imported it already.
    """
    if not settings.fork_server:
        return f"{sys.executable} -m prefect.engine"
    client = Path(__file__).with_name("forkrun.py")
    return f"{sys.executable} -I -S {client} {settings.path('run', 'engine.sock')}"


def _fingerprint(settings: Settings) -> str:
    parts = [(settings.root / name).read_bytes() for name in FILES]
    parts += [engine_command(settings).encode(), str(settings.root).encode()]
    parts += [orchestrator_password(settings).encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def apply_deployments(settings: Settings) -> bool:
    """Create the work pool and apply both YAML files by ``prefect deploy``; False if unchanged.

    Idempotent. Prefect itself must be running.

    Errors: PlatformError with Prefect's own words; OrchestratorUnavailable.
    """
    mark, wanted = settings.path("prefect", APPLIED), _fingerprint(settings)
    runs = Runs(settings)
    if mark.exists() and mark.read_text() == wanted and runs.find_deployment_id("deploy/on-demand"):
        return False
    try:
        runs.ensure_pool(POOL, engine_command(settings))
    except httpx.HTTPError as error:
        raise OrchestratorUnavailable(f"Prefect does not answer: {error}") from error
    environment = process_environment(
        **prefect_environment(settings), **secret_environment(settings), PYTHONWARNINGS="ignore"
    )
    for name in FILES:
        done = subprocess.run(
            [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all",
             "--prefect-file", name],
            cwd=settings.root, env=environment, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        if done.returncode or "Skipping deployment configuration" in done.stdout:
            words = (done.stdout + done.stderr).strip()[-2000:]
            raise PlatformError(f"prefect deploy refused {name}: {words}")
    mark.write_text(wanted)
    return True
