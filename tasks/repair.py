"""Reconcile's steps: look, then repair. Each repair is idempotent and may fail alone."""

from __future__ import annotations

import shutil
from datetime import datetime
from uuid import UUID

from prefect import get_run_logger
from sqlalchemy import or_, select

from greenroom import orders
from greenroom.errors import GreenroomError, HostUnavailable, PlatformError
from greenroom.hosting import health
from greenroom.hosting.base import Runtime
from greenroom.hosting.leftovers import clear_leftovers
from greenroom.hosting.registry import has_engine, runtime_for
from greenroom.hosting.repairs import (
    Kind,
    Repair,
    Seen,
    SeenCopy,
    SeenDeployment,
    SeenEnvironment,
    SeenLock,
    plan_repairs,
)
from greenroom.manifest import VENDORS
from greenroom.runs import Runs
from greenroom.settings import load_settings
from greenroom.store import deployments, environments, lives, machines, webhooks
from greenroom.store.models import (
    Deployment,
    DeploymentStatus,
    Environment,
    EnvironmentStatus,
    Instance,
    InstanceState,
    Release,
    now,
)
from greenroom.store.states import Asleep
from greenroom.store.work import Work, unit_of_work
from tasks.copies import copy_of
from tasks.hold import abandon, end_deployment, is_holder_alive
from tasks.policies import step
from tasks.surroundings import surround
from tasks.traffic import stop_copy


def _runtimes() -> dict[str, Runtime]:
    settings = load_settings()
    found = {name: runtime_for(name, settings) for name in ("static", "process", *VENDORS)}
    if has_engine(settings) or machines.list_hosts():
        found["docker"] = runtime_for("docker", settings)
    return found


@step
def look() -> list[Repair]:
    """Compare the store with engines and Prefect, and plan. Changes nothing."""
    runtimes, runs, moment = _runtimes(), Runs(), now()
    lost = {run.id for run in runs.list_unfinished() if run.is_lost(moment)}
    with unit_of_work() as work:
        locks = deployments.list_locks(work)
        unfinished = deployments.list_unfinished(work)
        copies = environments.list_instances(work)
        rows = list(
            work.scalars(
                select(Environment).where(
                    or_(
                        Environment.status != EnvironmentStatus.DESTROYED,
                        Environment.database_url.is_not(None),
                    )
                )
            )
        )
    lost -= {k.flow_run_id for k in locks if is_holder_alive(k)}  # its engine died, it did not
    alive = {c.id: _is_alive(runtimes, c) for c in copies}
    serving = {c.environment_id: alive[c.id] for c in copies if c.state == InstanceState.SERVING}
    asleep = {c.environment_id for c in copies if c.state == InstanceState.SERVING and c.asleep}
    keep_seconds = load_settings().keep_previous_seconds
    with_copies = {c.environment_id for c in copies}
    # Engines are asked last: whatever the store knew by then has been recorded before it was made.
    seen_running = {(name, copy) for name, runtime in runtimes.items() for copy in runtime.names()}
    with unit_of_work() as work:
        known = {c.name for c in environments.list_instances(work)}
    return plan_repairs(
        Seen(
            locks=tuple(
                SeenLock(k.environment_id, k.deployment_id, is_holder_alive(k)) for k in locks
            ),
            deployments=tuple(_seen_deployment(d, runs, lost) for d in unfinished),
            lost_runs=frozenset(lost),
            copies=tuple(
                SeenCopy(
                    c.name,
                    c.environment_id,
                    c.state,
                    alive[c.id],
                    c.asleep,
                    keep_seconds - _age(c.kept_since),
                )
                for c in copies
            ),
            environments=tuple(
                SeenEnvironment(
                    e.id,
                    e.status,
                    e.id in serving,
                    serving.get(e.id, False),
                    _age(e.destroy_requested_at) if e.destroy_requested_at else None,
                    e.database_url is not None or e.id in with_copies,
                    e.id in asleep,
                )
                for e in rows
            ),
            known_names=frozenset(known),
            running_names=frozenset(seen_running),
        )
    )


def _is_alive(runtimes: dict[str, Runtime], copy: Instance) -> bool:
    runtime = runtimes.get(copy.runtime)
    if runtime is None:
        return False
    try:
        return runtime.liveness(copy.name).is_alive
    except HostUnavailable:  # its engine says nothing: does the copy itself?
        return health.listens(copy.address)
    except GreenroomError:
        return False


def _age(moment: datetime | None) -> float:
    return (now() - moment).total_seconds() if moment else 0.0


def _seen_deployment(deployment: Deployment, runs: Runs, lost: set[UUID]) -> SeenDeployment:
    run = runs.find(deployment.flow_run_id) if deployment.flow_run_id else None
    is_lost = deployment.flow_run_id in lost
    return SeenDeployment(
        id=deployment.id,
        environment_id=deployment.environment_id,
        is_queued=deployment.status == DeploymentStatus.QUEUED,
        age_seconds=_age(deployment.requested_at),
        has_run=deployment.flow_run_id is not None,
        is_run_final=run is None or run.is_final or is_lost,
        is_run_crashed=is_lost or (run is not None and run.state == "CRASHED"),
        cancel_age_seconds=(
            _age(deployment.cancel_requested_at) if deployment.cancel_requested_at else None
        ),
    )


@step
def repair(wanted: Repair) -> None:
    """Carry out one repair. Idempotent; one that fails is told and tried again next time."""
    log = get_run_logger()
    log.info("%s %s: %s", wanted.kind, wanted.subject or wanted.environment_id, wanted.reason)
    try:
        _repair(wanted)
    except GreenroomError as error:
        log.warning("%s failed: %s", wanted.kind, error.message)


def _repair(wanted: Repair) -> None:
    match wanted.kind:
        case Kind.FREE_LOCK:
            _free_lock(_environment_id(wanted))
        case Kind.FAIL_DEPLOYMENT:
            _fail(UUID(wanted.subject), wanted.reason)
        case Kind.START_ORDER:
            _start_order(UUID(wanted.subject))
        case Kind.END_RUN:
            _end_run(UUID(wanted.subject))
        case Kind.END_LOST_RUN:
            Runs().end(UUID(wanted.subject), "CRASHED", "it has no process")
        case Kind.STOP_COPY:
            _stop(wanted.subject)
        case Kind.REVIVE_COPY:
            _revive(wanted.subject)
        case Kind.PARK_COPY:
            _park(wanted.subject)
        case Kind.REMOVE_ORPHAN:
            runtime, _, name = wanted.subject.partition(":")
            runtime_for(runtime).stop(name, 5)
        case Kind.TRUE_STATUS:
            _true_status(_environment_id(wanted))
        case Kind.START_TEARDOWN:
            _start_teardown(_environment_id(wanted))


def _environment_id(wanted: Repair) -> UUID:
    if wanted.environment_id is None:
        raise PlatformError(f"{wanted.kind} names no environment")
    return wanted.environment_id


def _free_lock(environment_id: UUID) -> None:
    with unit_of_work() as work:
        lock = deployments.find_lock(work, environment_id)
        if lock is None or is_holder_alive(lock):
            return
        run_id = lock.flow_run_id
        abandon(work, lock)
    if run_id is not None:
        run = Runs().find(run_id)
        if run is not None and not run.is_final:
            Runs().end(run_id, "CRASHED", "its process was killed")


def _fail(deployment_id: UUID, reason: str) -> None:
    with unit_of_work() as work:
        error = PlatformError(f"the run ended early: {reason}", hint="Deploy again when you like.")
        end_deployment(work, deployment_id, DeploymentStatus.FAILED, error)


def _start_order(deployment_id: UUID) -> None:
    with unit_of_work() as work:
        deployment = deployments.get_deployment(work, deployment_id)
        if deployment.status != DeploymentStatus.QUEUED:
            return
        environment = work.get_one(Environment, deployment.environment_id)
        order = orders.Order(
            environment.id,
            f"{environment.project.name}/{environment.name}",
            environment.url,
            deployment.id,
            deployment.number,
            deployment.kind,
            deployment.ref,
        )
        lost = deployment.flow_run_id
    orders.start_order(order, lost=lost)


def _end_run(deployment_id: UUID) -> None:
    with unit_of_work() as work:
        run_id = deployments.get_deployment(work, deployment_id).flow_run_id
    if run_id is not None:
        Runs().cancel(run_id)


def _instance(work: Work, name: str) -> Instance | None:
    return work.scalar(select(Instance).where(Instance.name == name))


def _stop(name: str) -> None:
    with unit_of_work() as work:
        instance = _instance(work, name)
        if instance is None or deployments.find_lock(work, instance.environment_id):
            return  # a run holds the environment now: it decides
    stop_copy(instance)


def _nothing() -> None:
    """Check nothing: a repair is not overtaken."""


def _revive(name: str) -> None:
    with unit_of_work() as work:
        instance = _instance(work, name)
        if instance is None or instance.state != InstanceState.SERVING:
            return
        copy = copy_of(work, instance)
    if instance.runtime == "docker":
        log = get_run_logger().info
        key, release, machine = instance.environment_id, instance.release_id, instance.machine
        surround(key, release, machine, log, _nothing)
    address = runtime_for(instance.runtime).start(copy)
    runtime_for(instance.runtime).settle(name)
    with unit_of_work() as work:
        found = work.get_one(Instance, instance.id)
        if found.state == InstanceState.SERVING and found.address != address:
            found.address = address


def _park(name: str) -> None:
    with unit_of_work() as work:
        instance = _instance(work, name)
        if instance is None or instance.asleep != Asleep.STOPPED:
            return  # somebody has come meanwhile
        grace = work.get_one(Release, instance.release_id).manifest["run"]["stop_seconds"]
    runtime_for(instance.runtime).park(name, grace)


def _true_status(environment_id: UUID) -> None:
    with unit_of_work() as work:
        environment = work.get_one(Environment, environment_id, with_for_update=True)
        if deployments.find_lock(work, environment_id) or environment.status == "destroyed":
            return
        serving = environments.serving_instance(work, environment_id)
        alive = serving is not None and (serving.asleep or _is_alive(_runtimes(), serving))
        if alive:
            environments.set_status(environment, lives.status_of(serving))
        else:
            reason = "what served has died and does not come back" if serving else "nothing serves"
            if serving is not None and serving.machine:
                reason += f"; it was placed at the host {serving.machine}"
            environments.set_status(environment, EnvironmentStatus.ERROR, reason)


def _start_teardown(environment_id: UUID) -> None:
    with unit_of_work() as work:
        environment = work.get_one(Environment, environment_id)
        name = f"{environment.project.name}/{environment.name}"
    minute = now().strftime("%Y%m%d%H%M")
    orders.start_teardown(environment_id, name, key=minute)


@step
def tidy() -> None:
    """Forget old deliveries, leftover checkouts and what killed runs had begun. Idempotent."""
    with unit_of_work() as work:
        webhooks.prune_deliveries(work)
        busy = {str(d.id) for d in deployments.list_unfinished(work)}
    clear_leftovers(load_settings())
    sources = load_settings().path("sources")
    if sources.is_dir():
        for folder in sources.iterdir():
            if folder.name not in busy:
                shutil.rmtree(folder, ignore_errors=True)
