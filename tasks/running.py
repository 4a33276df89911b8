"""A candidate: started beside the version that serves, and discarded if anything goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

from greenroom.errors import (
    GreenroomError,
    Overtaken,
)
from greenroom.hosting import health, limits
from greenroom.hosting.registry import runtime_for
from greenroom.isolation.payments import refuse_live_keys
from greenroom.manifest import VENDORS
from greenroom.names import instance_name
from greenroom.store import deployments, environments
from greenroom.store.models import (
    Deployment,
    DeploymentKind,
    DeploymentStatus,
    Environment,
    Instance,
    InstanceState,
    Release,
    now,
)
from greenroom.store.work import Work, unit_of_work
from tasks.copies import copy_of
from tasks.log import narrate
from tasks.policies import step
from tasks.values import Candidate, Held

FAILED_LOG_LINES = 200
"""Lines of a failed candidate's own log that are kept with its deployment."""


@step
def create_candidate(held: Held, release_id: UUID) -> Candidate:
    """Record the copy that shall be started, so that it is known before it exists.

    A copy of that release that is kept from before is taken, as it is: nothing is started then.

    Idempotent: a deployment's candidate of before is taken up again.
    """
    with unit_of_work() as work:
        deployments.check_lock(work, held.environment_id, held.token)
        for known in work.query(Instance).filter_by(
            deployment_id=held.deployment, state=InstanceState.STARTING
        ):
            return Candidate(known.id, known.name, known.runtime, known.release_id)
        for kept in environments.list_instances(work, held.environment_id, InstanceState.KEPT):
            if kept.release_id == release_id and _may_take(work, held, kept):
                kept.state, kept.deployment_id = InstanceState.STARTING, held.deployment
                kept.kept_since = None
                work.get_one(Environment, held.environment_id).machine = kept.machine
                return Candidate(kept.id, kept.name, kept.runtime, kept.release_id)
        environment = work.get_one(Environment, held.environment_id)
        release, key = work.get_one(Release, release_id), uuid4()
        instance = Instance(
            id=key,
            environment_id=held.environment_id,
            deployment_id=held.deployment,
            release_id=release_id,
            runtime=release.runtime,
            machine=environment.machine if release.runtime == "docker" else "",
            name=instance_name(environment.project.name, environment.name, str(key)),
            address="",
        )
        work.add(instance)
        return Candidate(key, instance.name, instance.runtime, release_id)


def _may_take(work: Work, held: Held, kept: Instance) -> bool:
    """Whether a kept copy may serve again: only a rollback wants it just as it was."""
    deployment = work.get_one(Deployment, held.deployment)
    return (
        deployment.kind == DeploymentKind.ROLLBACK
        and runtime_for(kept.runtime).liveness(kept.name).is_alive
    )


def owner_of(work: Work, held: Held) -> tuple[str, str]:
    """Give the kind of an environment and its project's name."""
    environment = work.get_one(Environment, held.environment_id)
    return environment.kind, environment.project.name


def set_status(held: Held, status: DeploymentStatus) -> None:
    """Record how far a deployment is, as only the lock's holder can."""
    with unit_of_work() as work:
        deployments.check_lock(work, held.environment_id, held.token)
        work.get_one(Deployment, held.deployment).status = status


@step
def start_candidate(held: Held, candidate: Candidate) -> None:
    """Start the copy. Idempotent: one that runs already is left running."""
    set_status(held, DeploymentStatus.STARTING)
    with narrate(held.deployment, "start", "start") as log:
        with unit_of_work() as work:
            copy = copy_of(work, work.get_one(Instance, candidate.instance_id))
            refuse_live_keys(*owner_of(work, held), copy.variables)
            known = work.get_one(Instance, candidate.instance_id).address
        runtime = runtime_for(candidate.runtime, log=log, check=log.check)
        if known:  # it was kept paused
            runtime.resume(candidate.name)
        address = known or runtime.start(copy)
        with unit_of_work() as work:
            work.get_one(Instance, candidate.instance_id).address = address
        verb = "was kept paused, and goes on" if known else "started"
        held_by = "" if candidate.runtime in VENDORS else limits.describe(copy.manifest.resources)
        log(f"{candidate.name} {verb}" + (f": {held_by}" if held_by else ""))
        for line in limits.compare(copy.manifest.resources, runtime.usage(candidate.name)):
            log(line)


@step
def wait_until_healthy(held: Held, candidate: Candidate) -> None:
    """Probe the copy from outside until it is healthy. Idempotent.

    Errors: HealthCheckFailed, with the copy's last lines.
    """
    with narrate(held.deployment, "health", "health") as log:
        with unit_of_work() as work:
            instance = work.get_one(Instance, candidate.instance_id)
            host = work.get_one(Environment, held.environment_id).host
            manifest = copy_of(work, instance).manifest
            address = instance.address
        runtime = runtime_for(candidate.runtime)
        probes = health.wait_until_healthy(
            candidate.name, address, host, manifest.health, runtime, log, log.check
        )
        log(f"healthy after {probes} probe{'s' if probes > 1 else ''} of {manifest.health.path}")


@step
def discard(held: Held, candidate: Candidate) -> None:
    """Keep the candidate's last lines, then stop and forget it. Idempotent."""
    runtime = runtime_for(candidate.runtime)
    with unit_of_work() as work:
        instance = work.get_one(Instance, candidate.instance_id)
        if instance.state != InstanceState.STARTING:
            return
    lines = runtime.log_tail(candidate.name, FAILED_LOG_LINES)
    try:
        with narrate(held.deployment, "app") as log:
            for line in lines:
                log(line)
    except Overtaken:
        pass  # it is being discarded because of that
    runtime.stop(candidate.name, 1)
    with unit_of_work() as work:
        instance = work.get_one(Instance, candidate.instance_id)
        instance.state, instance.stopped_at = InstanceState.STOPPED, now()


@contextmanager
def candidate(held: Held, release_id: UUID) -> Iterator[Candidate]:
    """Have a candidate of a release; it is discarded if anything inside raises."""
    made = create_candidate(held, release_id)
    try:
        yield made
    except GreenroomError:
        discard(held, made)
        raise
    except BaseException:
        discard.fn(held, made)
        raise
