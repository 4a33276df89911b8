"""What to repair: a pure comparison of what the store wants with what is there."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from greenroom.store.models import EnvironmentStatus, InstanceState
from greenroom.store.states import Asleep


class Kind(enum.StrEnum):
    """What can be done."""

    FREE_LOCK = "free_lock"
    FAIL_DEPLOYMENT = "fail_deployment"
    START_ORDER = "start_order"
    END_RUN = "end_run"
    END_LOST_RUN = "end_lost_run"
    STOP_COPY = "stop_copy"
    REVIVE_COPY = "revive_copy"
    PARK_COPY = "park_copy"
    REMOVE_ORPHAN = "remove_orphan"
    TRUE_STATUS = "true_status"
    START_TEARDOWN = "start_teardown"


@dataclass(frozen=True)
class Repair:
    """One repair; every kind is idempotent."""

    kind: Kind
    environment_id: UUID | None = None
    subject: str = ""
    """Deployment id, copy name or run id, by kind."""
    reason: str = ""


@dataclass(frozen=True)
class SeenLock:
    """A held lock, and whether its holder lives."""

    environment_id: UUID
    deployment_id: UUID | None
    is_holder_alive: bool


@dataclass(frozen=True)
class SeenDeployment:
    """An unfinished deployment."""

    id: UUID
    environment_id: UUID
    is_queued: bool
    age_seconds: float
    has_run: bool
    is_run_final: bool
    """Prefect says its run has ended, or knows no such run."""
    cancel_age_seconds: float | None
    is_run_crashed: bool = False
    """It was ended without a word of its own: it may be tried again, while nothing was done."""


@dataclass(frozen=True)
class SeenCopy:
    """An instance that is not stopped."""

    name: str
    environment_id: UUID
    state: str
    is_alive: bool
    asleep: str = ""
    kept_left_seconds: float = 0
    """How long it shall still be kept for a rollback."""


@dataclass(frozen=True)
class SeenEnvironment:
    """An environment that is not destroyed, or one whose destruction is not finished."""

    id: UUID
    status: str
    has_serving: bool
    is_serving_alive: bool
    destroy_age_seconds: float | None
    has_leftovers: bool
    is_asleep: bool = False


@dataclass(frozen=True)
class Seen:
    """Everything reconcile looks at."""

    locks: tuple[SeenLock, ...] = ()
    deployments: tuple[SeenDeployment, ...] = ()
    copies: tuple[SeenCopy, ...] = ()
    environments: tuple[SeenEnvironment, ...] = ()
    lost_runs: frozenset[UUID] = frozenset()
    """Runs that have begun, have not ended, and have no process."""
    known_names: frozenset[str] = frozenset()
    """Names of copies the store knows and has not recorded as stopped."""
    running_names: frozenset[tuple[str, str]] = frozenset()
    """``(runtime, name)`` of copies that exist at an engine."""


START_GRACE_SECONDS = 5.0
"""An order younger than this is probably being started by who placed it."""
AGAIN_SECONDS = 300.0
"""An order whose run was lost before it did anything is started again while it is younger."""
CANCEL_GRACE_SECONDS = 20.0
"""A run that has not obeyed a cancellation by then is ended from outside."""


def plan_repairs(seen: Seen) -> list[Repair]:
    """Plan what makes reality match the store, in the order it is to be done. Pure."""
    plan = [
        Repair(Kind.END_LOST_RUN, subject=str(run), reason="it has no process")
        for run in sorted(seen.lost_runs)
    ]
    held: set[UUID] = set()
    for lock in seen.locks:
        if lock.is_holder_alive:
            held.add(lock.environment_id)
        else:
            plan.append(Repair(Kind.FREE_LOCK, lock.environment_id, reason="its holder is dead"))
    freed = {lock.deployment_id for lock in seen.locks if not lock.is_holder_alive}
    plan += _repair_deployments(seen.deployments, held, freed)
    for copy in seen.copies:
        if copy.environment_id in held:
            continue
        if copy.state == InstanceState.KEPT and copy.is_alive and copy.kept_left_seconds > 0:
            continue
        if copy.state == InstanceState.SERVING:
            if copy.asleep == Asleep.STOPPED:
                if copy.is_alive:  # the machine was started anew, and all programs with it
                    where = copy.environment_id
                    plan.append(Repair(Kind.PARK_COPY, where, copy.name, "it shall sleep"))
            elif not copy.is_alive:
                plan.append(Repair(Kind.REVIVE_COPY, copy.environment_id, copy.name, "it is down"))
        else:
            plan.append(
                Repair(Kind.STOP_COPY, copy.environment_id, copy.name, f"left {copy.state}")
            )
    for runtime, name in sorted(seen.running_names):
        if name.removesuffix("-cmd") not in seen.known_names:
            plan.append(Repair(Kind.REMOVE_ORPHAN, subject=f"{runtime}:{name}", reason="unknown"))
    plan += _repair_environments(seen.environments, seen.deployments, held, freed)
    return plan


def _repair_deployments(
    unfinished: Iterable[SeenDeployment], held: set[UUID], freed: set[UUID | None]
) -> list[Repair]:
    plan = []
    for deployment in unfinished:
        subject, where = str(deployment.id), deployment.environment_id
        overdue = deployment.cancel_age_seconds
        if deployment.id in freed:
            continue  # freeing the lock ends it
        if overdue is not None and overdue > CANCEL_GRACE_SECONDS and deployment.has_run:
            plan.append(Repair(Kind.END_RUN, where, subject, "it did not obey its cancellation"))
        if deployment.is_queued:
            if deployment.age_seconds > START_GRACE_SECONDS and (
                not deployment.has_run or deployment.is_run_final
            ):
                is_fresh = deployment.age_seconds < AGAIN_SECONDS and overdue is None
                if deployment.is_run_crashed and is_fresh:
                    reason = "its run was lost before it began"
                    plan.append(Repair(Kind.START_ORDER, where, subject, reason))
                elif deployment.has_run:
                    reason = "it never took the environment"
                    plan.append(Repair(Kind.FAIL_DEPLOYMENT, where, subject, reason))
                else:
                    plan.append(Repair(Kind.START_ORDER, where, subject, "it has no run"))
        elif where not in held and (deployment.is_run_final or not deployment.has_run):
            plan.append(Repair(Kind.FAIL_DEPLOYMENT, where, subject, "its run has ended"))
    return plan


def _repair_environments(
    environments: Iterable[SeenEnvironment],
    unfinished: Iterable[SeenDeployment],
    held: set[UUID],
    freed: set[UUID | None],
) -> list[Repair]:
    busy = {d.environment_id for d in unfinished if d.id not in freed}
    plan = []
    for seen in environments:
        if seen.destroy_age_seconds is not None:
            unfinished_end = seen.status != EnvironmentStatus.DESTROYED or seen.has_leftovers
            if unfinished_end and seen.destroy_age_seconds > START_GRACE_SECONDS:
                plan.append(Repair(Kind.START_TEARDOWN, seen.id, reason="it shall go"))
            continue
        if seen.id in held:
            continue
        serves = seen.has_serving and (seen.is_serving_alive or seen.is_asleep)
        wrong = (
            (seen.status == EnvironmentStatus.BUILDING and seen.id not in busy and seen.has_serving)
            or (seen.status == EnvironmentStatus.ACTIVE and not serves)
            or (seen.status == EnvironmentStatus.ERROR and serves)
            or (seen.status == EnvironmentStatus.ACTIVE and seen.is_asleep)
            or (seen.status == EnvironmentStatus.SLEEPING and not seen.is_asleep)
        )
        if wrong:
            plan.append(Repair(Kind.TRUE_STATUS, seen.id, reason=f"recorded as {seen.status}"))
    return plan
