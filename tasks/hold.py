"""Holding an environment: the fencing lock, and the record of how a deployment ended."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import psutil
from prefect import runtime

from greenroom.errors import (
    DatabaseUnavailable,
    EnvironmentLocked,
    GreenroomError,
    Overtaken,
    PlatformError,
)
from greenroom.notices import note_failed
from greenroom.redaction import redactor_for
from greenroom.store import deployments, environments, lives
from greenroom.store.models import (
    Deployment,
    DeploymentStatus,
    Environment,
    EnvironmentLock,
    EnvironmentStatus,
    now,
)
from greenroom.store.work import Work, unit_of_work
from tasks.policies import step
from tasks.values import DeployRequest, Held

LOCK_WAIT_SECONDS = 90.0
HOST = socket.gethostname()


def this_process() -> str:
    """Name this process so that another can tell whether it still lives."""
    return f"{os.getpid()}:{psutil.Process().create_time():.2f}"


def is_holder_alive(lock: EnvironmentLock) -> bool:
    """Whether the process that took a lock still lives; another host's is believed to."""
    return is_process_alive(lock.host, lock.process)


def is_process_alive(host: str, name: str) -> bool:
    """Whether a process that named itself by :func:`this_process` lives; on another host, yes."""
    if host != HOST:
        return True
    pid, _, created = name.partition(":")
    try:
        process = psutil.Process(int(pid))
        same = abs(process.create_time() - float(created)) < 1
        return same and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, ValueError):
        return False


def _flow_run_id() -> UUID | None:
    found = runtime.flow_run.id
    return UUID(str(found)) if found else None


def take(environment_id: UUID, purpose: str, holder: str, deployment_id: UUID | None) -> int:
    """Take the lock, waiting for a living holder and taking over from a dead one.

    Errors: EnvironmentLocked after ``LOCK_WAIT_SECONDS``.
    """
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    while True:
        try:
            with unit_of_work() as work:
                lock = deployments.find_lock(work, environment_id)
                if lock is not None and not is_holder_alive(lock):
                    abandon(work, lock)
                return deployments.take_lock(
                    work,
                    environment_id,
                    purpose=purpose,
                    holder=holder,
                    host=HOST,
                    process=this_process(),
                    deployment_id=deployment_id,
                    flow_run_id=_flow_run_id(),
                )
        except EnvironmentLocked:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def abandon(work: Work, lock: EnvironmentLock) -> None:
    """Free the lock of a dead holder and end its deployment as failed."""
    deployments.release_lock(work, lock.environment_id, lock.token)
    if lock.deployment_id is not None:
        interrupted = PlatformError(
            "the run was killed before it ended",
            hint="The version before it kept serving. Deploy again when you like.",
        )
        end_deployment(work, lock.deployment_id, DeploymentStatus.FAILED, interrupted)


def end_deployment(
    work: Work,
    deployment_id: UUID,
    status: DeploymentStatus,
    error: GreenroomError | None = None,
) -> None:
    """Give an unfinished deployment its end and its environment the status that is true.

    Idempotent: one that has ended stays as it is.
    """
    deployment = work.get_one(Deployment, deployment_id, with_for_update=True)
    if deployment.status in deployments.FINAL:
        return
    environment = work.get_one(Environment, deployment.environment_id)
    redact = redactor_for(work, environment)
    if deployment.cancel_requested_at is not None:
        status = DeploymentStatus.CANCELLED
    deployments.finish(deployment, status, error)
    if deployment.error is not None:
        deployment.error = {key: redact(str(value)) for key, value in deployment.error.items()}
        lines = [f"{error.__class__.__name__}: {deployment.error['detail']}"]
        deployments.append_log(work, deployment_id, status, lines)
    deployments.seal_log(work, deployment_id)
    if environment.status == EnvironmentStatus.DESTROYED:
        return
    reason = ""
    if status is DeploymentStatus.FAILED and deployment.error is not None:
        reason = f"deployment #{deployment.number} failed: {deployment.error['detail']}"
        note_failed(work, environment, deployment)
    wanted = lives.status_of(environments.serving_instance(work, environment.id))
    if wanted is EnvironmentStatus.ERROR and not reason:
        reason = f"deployment #{deployment.number} was cancelled; nothing serves"
    environments.set_status(environment, wanted, reason)


@step
def begin(request: DeployRequest) -> Held:
    """Take the environment's lock for a deployment and mark both as under way.

    Idempotent: the same process takes its own lock again.
    """
    with unit_of_work() as work:
        deployed_by = deployments.get_deployment(work, request.deployment_id).deployed_by
    token = take(
        request.environment_id, f"deploying {request.ref}", deployed_by, request.deployment_id
    )
    with unit_of_work() as work:
        deployment = work.get_one(Deployment, request.deployment_id, with_for_update=True)
        if deployment.status not in deployments.FINAL:
            deployment.started_at = deployment.started_at or now()
            deployment.status = DeploymentStatus.BUILDING
            deployment.flow_run_id = _flow_run_id() or deployment.flow_run_id
            waited = (deployment.started_at - deployment.requested_at).total_seconds()
            deployment.phases = {**deployment.phases, "queue": round(waited, 3)}
            environment = work.get_one(Environment, request.environment_id)
            environments.set_status(
                environment, EnvironmentStatus.BUILDING, f"deployment #{deployment.number}"
            )
    return Held(request.environment_id, token, request.deployment_id)


@step
def end(held: Held, status: str, error: GreenroomError | None) -> None:
    """Record how a deployment ended and give the lock back. Idempotent."""
    with unit_of_work() as work:
        if held.deployment_id is not None:
            end_deployment(work, held.deployment_id, DeploymentStatus(status), error)
            deployments.seal_log(work, held.deployment_id)
        deployments.release_lock(work, held.environment_id, held.token)


@contextmanager
def deploying(request: DeployRequest) -> Iterator[Held]:
    """Hold an environment while it is deployed; record the end, whatever it is.

    A deployment that was overtaken or cancelled ends quietly here; every other failure goes on.
    """
    held = begin(request)
    try:
        yield held
    except Overtaken as error:
        end(held, DeploymentStatus.CANCELLED, error)
    except GreenroomError as error:
        end(held, DeploymentStatus.FAILED, error)
        raise
    except BaseException as error:
        unknown = PlatformError(f"unexpected {type(error).__name__}: {error}")
        end.fn(held, DeploymentStatus.FAILED, unknown)  # the engine may be going down
        raise
    else:
        end(held, DeploymentStatus.LIVE, None)


@contextmanager
def holding(environment_id: UUID, purpose: str) -> Iterator[Held]:
    """Hold an environment for something that is no deployment."""
    held = Held(environment_id, take(environment_id, purpose, purpose, None))
    try:
        yield held
    finally:
        try:
            with unit_of_work() as work:
                deployments.release_lock(work, held.environment_id, held.token)
        except DatabaseUnavailable:
            pass  # reconcile frees it: this process will be gone
