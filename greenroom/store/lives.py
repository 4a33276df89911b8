"""Queries about the lives of environments: sleep, kept copies, lifetimes."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from sqlalchemy import select

from greenroom.errors import InvalidInput
from greenroom.manifest import Idle, Manifest
from greenroom.store import deployments, environments
from greenroom.store.audit import record_audit
from greenroom.store.life import Wishes, idle_of, lifetime_of
from greenroom.store.models import (
    Environment,
    EnvironmentKind,
    EnvironmentStatus,
    Instance,
    InstanceState,
    Project,
    now,
)
from greenroom.store.states import Asleep
from greenroom.store.work import Work

LONGEST_DAYS = 3650


def set_wishes(work: Work, project: Project, wishes: Wishes, *, actor: str) -> None:
    """Say what a project wants of sleep and lifetime otherwise than its manifest.

    Errors: InvalidInput.
    """
    said = wishes.as_json()
    for name, value in said.items():
        if not 0 <= value <= 31_536_000:
            raise InvalidInput(f"{name} is {value:g}", hint="Allowed: 0 (never) to a year.")
    project.life = said
    record_audit(work, actor, "project.set_life", project=project, said=said)


def record_asleep(work: Work, instance_id: uuid.UUID, how: Asleep) -> bool:
    """Record that the copy which serves is put to sleep; False when it must not be.

    It must not while a run holds its environment, and when it serves no more. Idempotent.
    Locks: instances, environments.
    """
    copy = work.get(Instance, instance_id, with_for_update=True)
    if copy is None or copy.state != InstanceState.SERVING:
        return False
    environment = work.get_one(Environment, copy.environment_id, with_for_update=True)
    if deployments.find_lock(work, environment.id) is not None:
        return False
    if environment.status not in (EnvironmentStatus.ACTIVE, EnvironmentStatus.SLEEPING):
        return False
    copy.asleep = how
    environments.set_status(environment, EnvironmentStatus.SLEEPING, "nobody has visited it")
    return True


def record_awake(work: Work, instance_id: uuid.UUID) -> None:
    """Record that a copy is awake. Idempotent. Locks: instances, environments."""
    copy = work.get(Instance, instance_id, with_for_update=True)
    if copy is None or not copy.asleep:
        return
    copy.asleep = Asleep.AWAKE
    environment = work.get_one(Environment, copy.environment_id, with_for_update=True)
    if environment.status == EnvironmentStatus.SLEEPING:
        environments.set_status(environment, EnvironmentStatus.ACTIVE)


def status_of(serving: Instance | None) -> EnvironmentStatus:
    """Give the status of an environment that no run holds, by what serves it. Pure."""
    if serving is None:
        return EnvironmentStatus.ERROR
    return EnvironmentStatus.SLEEPING if serving.asleep else EnvironmentStatus.ACTIVE


def idle_now(environment: Environment) -> Idle:
    """Give when an environment is put to sleep, by the manifest that it shows."""
    release = environment.release
    manifest = Manifest.from_json(release.manifest) if release else Manifest()
    return idle_of(environment.kind, manifest, environment.project.life)


def renew(environment: Environment, manifest: Manifest) -> None:
    """Give an environment its time anew, as a deployment does."""
    if environment.is_lasting:
        return
    days = lifetime_of(environment.kind, manifest, environment.project.life).days
    environment.expires_at = now() + timedelta(days=days) if days else None
    environment.expiry_told_at = None


def extend(work: Work, environment: Environment, days: float, *, actor: str) -> datetime | None:
    """Let an environment live ``days`` longer; 0 lets it stay. Give its new end.

    Errors: InvalidInput.
    """
    if environment.kind == EnvironmentKind.PRODUCTION:
        raise InvalidInput("production has no end")
    if not 0 <= days <= LONGEST_DAYS:
        raise InvalidInput(f"{days:g} days", hint=f"Allowed: 0 (it stays) to {LONGEST_DAYS}.")
    environment.is_lasting = not days
    begin = max(now(), environment.expires_at or now())
    environment.expires_at = begin + timedelta(days=days) if days else None
    environment.expiry_told_at = None
    record_audit(work, actor, "environment.extend", environment=environment, days=days)
    return environment.expires_at


def list_ending(work: Work) -> list[Environment]:
    """List the environments that have an end and are not on their way out, soonest first."""
    query = select(Environment).where(
        Environment.expires_at.is_not(None),
        Environment.destroy_requested_at.is_(None),
        Environment.status != EnvironmentStatus.DESTROYED,
    )
    return list(work.scalars(query.order_by(Environment.expires_at)))
