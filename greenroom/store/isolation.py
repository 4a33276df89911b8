"""Queries about attempts to get out of environments."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload

from greenroom.errors import InvalidInput, NotFound
from greenroom.store.audit import record_audit
from greenroom.store.models import Environment, EnvironmentKind, IsolationCheck, now
from greenroom.store.work import Work

FINAL = frozenset({"done", "failed"})
KEPT = 20
"""Checks kept of an environment."""
LOST_MINUTES = 10
"""A check that has not ended by then was killed."""


def create_check(work: Work, environment: Environment, *, by: str) -> IsolationCheck:
    """Record that it shall be tried to get out of an environment.

    Errors: InvalidInput for production, and where nothing runs.
    """
    if environment.kind == EnvironmentKind.PRODUCTION:
        raise InvalidInput("production is not kept in: it is meant to reach the world")
    if environment.release is None:
        raise InvalidInput("it shows nothing yet: there is nothing to get out of", hint="Deploy.")
    made = IsolationCheck(environment_id=environment.id, requested_by=by)
    work.add(made)
    work.flush()
    record_audit(work, by, "isolation.check", environment=environment)
    old = list_checks(work, environment, limit=1000)[KEPT:]
    work.execute(delete(IsolationCheck).where(IsolationCheck.id.in_([one.id for one in old])))
    return made


def get_check(work: Work, check_id: uuid.UUID) -> IsolationCheck:
    """Get a check by id.

    Errors: NotFound.
    """
    found = work.get(IsolationCheck, check_id)
    if found is None:
        raise NotFound(f"there is no isolation check {check_id}")
    return found


def environment_of(work: Work, check: IsolationCheck) -> Environment:
    """Give the environment of a check, with its project."""
    return work.get_one(
        Environment, check.environment_id, options=[joinedload(Environment.project)]
    )


def list_checks(work: Work, environment: Environment, *, limit: int = 10) -> list[IsolationCheck]:
    """List an environment's checks, newest first."""
    return list(
        work.scalars(
            select(IsolationCheck)
            .where(IsolationCheck.environment_id == environment.id)
            .order_by(IsolationCheck.requested_at.desc())
            .limit(limit)
        )
    )


def finish_check(
    check: IsolationCheck, verdict: str, probes: list[dict[str, Any]], packets: int | None
) -> None:
    """Give a check its end. Idempotent."""
    if check.status not in FINAL:
        check.status, check.completed_at = "done", now()
        check.verdict, check.probes, check.packets = verdict, probes, packets


def fail_check(check: IsolationCheck, error: dict[str, Any]) -> None:
    """Record that a check could not be made. Idempotent."""
    if check.status not in FINAL:
        check.status, check.completed_at, check.error = "failed", now(), error


def list_lost(work: Work) -> list[IsolationCheck]:
    """List checks whose run was killed, or never came."""
    before = now() - timedelta(minutes=LOST_MINUTES)
    return list(
        work.scalars(
            select(IsolationCheck).where(
                IsolationCheck.status.notin_(FINAL), IsolationCheck.requested_at < before
            )
        )
    )
