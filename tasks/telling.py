"""Telling the project's forge how its deployments stand. A forge never fails a deployment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from prefect import get_run_logger

from greenroom.deltas import find_deltas
from greenroom.errors import DatabaseUnavailable, GreenroomError
from greenroom.redaction import redactor_for
from greenroom.settings import load_settings
from greenroom.sources import reporting
from greenroom.sources.clients import open_client
from greenroom.sources.clients.base import ForgeClient
from greenroom.sources.reporting import Check, Report, State
from greenroom.store import deployments, notices, projects
from greenroom.store.crypto import ensure_secret_key
from greenroom.store.models import (
    Comparison,
    Deployment,
    DeploymentStatus,
    Environment,
    EnvironmentKind,
    Measurement,
    Project,
    now,
)
from greenroom.store.work import Work, unit_of_work
from tasks.notifying import tell_people
from tasks.policies import step
from tasks.values import CompareRequest, DeployRequest, MeasureRequest

TIMEOUT_SECONDS = 5.0
"""A forge that takes longer is not waited for: a deployment is under way."""
TAIL_LINES = 20
_STATES = {
    DeploymentStatus.LIVE: State.SUCCESS,
    DeploymentStatus.RETIRED: State.SUCCESS,
    DeploymentStatus.FAILED: State.FAILURE,
    DeploymentStatus.CANCELLED: State.CANCELLED,
}
Open = Callable[[], ForgeClient]


@step
def tell_forge(deployment_id: UUID) -> None:
    """Tell the forge how a deployment stands, if the project has one. Idempotent.

    What the forge refuses is in the run's log, and nothing else.
    """
    with unit_of_work() as work:
        deployment = deployments.get_deployment(work, deployment_id)
        environment = work.get_one(Environment, deployment.environment_id)
        connect = _connection(environment.project)
        if connect is None or not deployment.commit_hash:
            return
        told = _describe(work, environment, deployment)
    _tell(connect, lambda client: reporting.report(client, told, ensure_secret_key()))


@step
def tell_forge_gone(environment_id: UUID) -> None:
    """Tell the forge that an environment is gone. Idempotent; what it refuses is logged."""
    with unit_of_work() as work:
        environment = work.get_one(Environment, environment_id)
        connect, name = _connection(environment.project), environment.name
        number = environment.pull_number
    if connect is not None:
        _tell(
            connect,
            lambda client: reporting.report_gone(client, name, ensure_secret_key(), number),
        )


@step
def tell_forge_findings(request: CompareRequest | MeasureRequest) -> None:
    """Tell the forge what a comparison or measurement found of the version that is shown.

    Idempotent; what the forge refuses is logged.
    """
    with unit_of_work() as work:
        row = _found(work, request)
        environment = work.get_one(Environment, row.environment_id)
        connect = _connection(environment.project)
        newest = deployments.list_deployments(work, environment.id, limit=1)
        is_shown = [(d.status, d.commit_hash) for d in newest] == [("live", row.commit_hash)]
        if connect is None or not is_shown or row.status != "done":
            return  # what is on its way now has the comment; its own findings follow it
        told = _describe(work, environment, newest[0])
    _tell(connect, lambda client: reporting.report_findings(client, told, ensure_secret_key()))


def _found(work: Work, request: CompareRequest | MeasureRequest) -> Comparison | Measurement:
    if isinstance(request, CompareRequest):
        return work.get_one(Comparison, request.comparison_id)
    return work.get_one(Measurement, request.measurement_id)


def _connection(project: Project) -> Open | None:
    token = projects.forge_token(project)
    if not project.forge or token is None:
        return None
    forge, repository, api_url = project.forge, project.forge_repository, project.forge_api_url
    return lambda: open_client(
        forge, repository, token, api_url=api_url, timeout_seconds=TIMEOUT_SECONDS
    )


def _tell(connect: Open, say: Callable[[ForgeClient], None]) -> None:
    try:
        client = connect()
        try:
            say(client)
        finally:
            client.close()
    except GreenroomError as error:
        get_run_logger().warning("the forge was not told: %s", error.message)


def _describe(work: Work, environment: Environment, deployment: Deployment) -> Report:
    state = _STATES.get(DeploymentStatus(deployment.status), State.PENDING)
    error, settings = deployment.error or {}, load_settings()
    redact = redactor_for(work, environment)
    reference = f"{environment.project.name}/{environment.name}"
    console = f"https://{settings.console_host}" if settings.console_host else ""
    page = f"{console}/environment?env={reference}&part="
    checks = [
        Check(delta.kind, delta.title, redact(delta.said), delta.is_alarm,
              f"{page}{delta.part}" if console else "")
        for delta in find_deltas(work, environment, deployment.commit_hash)
    ]  # fmt: skip
    return Report(
        environment.name, deployment.commit_hash, state,
        description=redact(str(error.get("detail", ""))) if state is State.FAILURE else "",
        url=environment.url,
        log_url=f"{page}logs&n={deployment.number}" if console else "",
        detail="\n".join(redact(str(error.get("log_tail", ""))).splitlines()[-TAIL_LINES:]),
        is_production=environment.kind == EnvironmentKind.PRODUCTION,
        number=environment.pull_number, at=now(), checks=tuple(checks),
    )  # fmt: skip


@contextmanager
def telling(request: DeployRequest) -> Iterator[None]:
    """Tell the forge that a deployment has begun, and forge and people how it ended.

    Whatever happens between. A project without a forge and with nobody to tell pays nothing.
    """
    has_forge = _has_forge(request.environment_id)
    if has_forge:
        tell_forge(request.deployment_id)
    try:
        yield
    finally:
        if has_forge:
            tell_forge(request.deployment_id)
        if _has_notices():
            tell_people()


def _has_notices() -> bool:
    try:
        with unit_of_work() as work:
            return notices.has_due(work)
    except DatabaseUnavailable:
        return False  # reconcile tells them


def _has_forge(environment_id: UUID) -> bool:
    try:
        with unit_of_work() as work:
            return bool(work.get_one(Environment, environment_id).project.forge_token)
    except DatabaseUnavailable:
        return False  # the deployment itself waits for it, or fails
