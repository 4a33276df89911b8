"""Switching an environment's traffic, and retiring what served before."""

from __future__ import annotations

import time
from datetime import timedelta

from prefect import get_run_logger
from sqlalchemy import select

from greenroom.errors import HostUnavailable
from greenroom.hosting.health import wait_until_routed
from greenroom.hosting.registry import builder_for, runtime_for
from greenroom.manifest import VENDORS, Manifest
from greenroom.notices import note_shown
from greenroom.promotions import what_is_missing
from greenroom.settings import load_settings
from greenroom.store import deployments, environments, lives
from greenroom.store.models import (
    Deployment,
    DeploymentStatus,
    Environment,
    EnvironmentKind,
    EnvironmentStatus,
    Instance,
    InstanceState,
    Release,
    now,
)
from greenroom.store.work import Work, unit_of_work
from tasks.log import narrate
from tasks.placing import leave_other_hosts
from tasks.policies import step
from tasks.values import Candidate, Held


@step
def switch_traffic(held: Held, candidate: Candidate) -> None:
    """Make the candidate serve, in one transaction that only the lock's holder can make.

    Compare-and-set: a deployment that was overtaken, or a run whose lock was taken over, changes
    nothing. Every gateway hears of it by NOTIFY at the commit. Idempotent.

    Errors: LockLost, Overtaken. Locks: environment_locks, instances, environments.
    """
    with narrate(held.deployment, "switch", "switch") as log, unit_of_work() as work:
        deployments.check_lock(work, held.environment_id, held.token)
        deployments.check_wanted(work, held.deployment)
        runtime_for(candidate.runtime).settle(candidate.name)  # a vendor publishes it: never before
        instance = work.get_one(Instance, candidate.instance_id, with_for_update=True)
        if instance.state == InstanceState.SERVING:
            return
        before = environments.serving_instance(work, held.environment_id)
        if before is not None:
            before.state, before.draining_since = InstanceState.DRAINING, now()
            work.flush()  # one copy serves: the unique index sees the old one leave first
        instance.state = InstanceState.SERVING
        _record_live(work, held, candidate)
        log("traffic switched" if before else "traffic opened")


def _record_live(work: Work, held: Held, candidate: Candidate) -> None:
    deployment = work.get_one(Deployment, held.deployment)
    environment = work.get_one(Environment, held.environment_id)
    for old in work.scalars(
        select(Deployment).where(
            Deployment.environment_id == held.environment_id,
            Deployment.status == DeploymentStatus.LIVE,
        )
    ):
        old.status = DeploymentStatus.RETIRED
    deployments.finish(deployment, DeploymentStatus.LIVE)
    environment.release_id = candidate.release_id
    environment.last_deployed_commit = deployment.commit_hash
    environments.set_status(environment, EnvironmentStatus.ACTIVE)
    release = work.get_one(Release, candidate.release_id)
    lives.renew(environment, Manifest.from_json(release.manifest))
    work.flush()
    work.refresh(environment, ["release"])
    note_shown(work, environment, deployment, what_is_missing(work, environment))


@step
def retire_previous(held: Held) -> None:
    """Stop the copies that served before, once no request goes there and theirs have ended.

    Production's last one is kept paused for a while, so that a rollback is instant. Then delete
    the releases beyond the number that is kept. Idempotent.
    """
    settings = load_settings()
    with unit_of_work() as work:
        environment = work.get_one(Environment, held.environment_id)
        host, kind = environment.host, environment.kind
        serving = environments.serving_instance(work, held.environment_id)
        leaving = environments.list_instances(
            work, held.environment_id, InstanceState.DRAINING, InstanceState.KEPT
        )
    if serving is not None:
        wait_until_routed(settings.gateway_port, host, serving.id)
    is_kept = kind == EnvironmentKind.PRODUCTION and settings.keep_previous_seconds > 0
    newest = max(
        (i for i in leaving if i.state == InstanceState.DRAINING and _may_be_kept(i, serving)),
        key=lambda i: i.draining_since or i.created_at,
        default=None,
    )
    for instance in leaving:
        if instance.state == InstanceState.DRAINING:
            since = instance.draining_since or now()
            left = since + timedelta(seconds=settings.drain_seconds) - now()
            time.sleep(max(0.0, left.total_seconds()))
        try:
            if is_kept and instance is newest:
                keep_copy(instance)
            else:
                stop_copy(instance)
        except HostUnavailable as error:
            get_run_logger().warning("%s; reconcile stops it there later", error.message)
    leave_other_hosts(held.environment_id, get_run_logger().info)
    prune_releases(held)


def _may_be_kept(instance: Instance, serving: Instance | None) -> bool:
    """Whether a copy can be returned to: it runs, and shows another release. Pure."""
    differs = serving is not None and serving.release_id != instance.release_id
    return differs and instance.runtime not in ("static", *VENDORS)


def keep_copy(instance: Instance) -> None:
    """Pause a copy and record that it is kept; one that is dead is stopped. Idempotent."""
    runtime = runtime_for(instance.runtime)
    if not runtime.liveness(instance.name).is_alive:
        stop_copy(instance)
        return
    with unit_of_work() as work:
        row = work.get_one(Instance, instance.id)
        row.state, row.kept_since = InstanceState.KEPT, now()
    runtime.pause(instance.name)


def stop_copy(instance: Instance) -> None:
    """Stop a copy with the grace its manifest gives, and record it. Idempotent."""
    with unit_of_work() as work:
        manifest = work.get_one(Release, instance.release_id).manifest
    runtime_for(instance.runtime).stop(instance.name, manifest["run"]["stop_seconds"])
    with unit_of_work() as work:
        row = work.get_one(Instance, instance.id)
        row.state, row.stopped_at, row.asleep = InstanceState.STOPPED, now(), ""


def prune_releases(held: Held) -> None:
    """Delete artifacts of an environment that none keeps for a rollback, runs or deploys.

    Also those that never served. Idempotent.
    """
    keep = load_settings().keep_releases
    with unit_of_work() as work:
        environment = work.get_one(Environment, held.environment_id)
        kept: set[str] = set()
        for living in environments.list_environments(work, environment.project):
            releases = deployments.list_kept_releases(work, living.id)[:keep]
            kept |= {release.artifact for release in releases}
        in_use = {i.release_id for i in environments.list_instances(work)}
        in_use |= {d.release_id for d in deployments.list_unfinished(work) if d.release_id}
        kept |= set(work.scalars(select(Release.artifact).where(Release.id.in_(in_use))))
        history = deployments.list_deployments(work, environment.id, limit=1000)
        doomed = {
            d.release.id: d.release
            for d in history
            if d.release is not None
            and d.release.removed_at is None
            and d.release.artifact not in kept
        }
    for release in doomed.values():
        builder_for(release.runtime).remove(release.artifact, release.location)
        with unit_of_work() as work:
            work.get_one(Release, release.id).removed_at = now()
