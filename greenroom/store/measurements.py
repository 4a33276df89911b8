"""Queries about measurements."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import joinedload

from greenroom.errors import InvalidInput, NotFound
from greenroom.store.audit import record_audit
from greenroom.store.comparisons import FINAL, MOST_PAGES, production_of
from greenroom.store.models import Environment, EnvironmentKind, Measurement, Project, now
from greenroom.store.work import Work

KEPT = 20
"""Measurements of an environment that are kept …"""
KEPT_OF_PRODUCTION = 400
"""… and of production: more than a year of nights."""


def create_measurement(
    work: Work, environment: Environment, paths: Sequence[str], *, by: str,
    with_lighthouse: bool = False,
) -> Measurement:  # fmt: skip
    """Record that an environment's pages shall be measured, beside production's or alone.

    Errors: InvalidInput (nothing to measure, a path that is none).
    """
    wrong = [path for path in paths if not path.startswith("/") or not path.isprintable()]
    if wrong:
        raise InvalidInput(f"{wrong[0]!r} is no path", hint="A path begins with a slash: /about")
    if len(paths) > MOST_PAGES:
        raise InvalidInput(f"at most {MOST_PAGES} pages are measured at once")
    if environment.release is None or production_of(work, environment.project) is None:
        raise InvalidInput(
            "there is nothing to measure: the environment or production shows nothing yet",
            hint="Deploy both first.",
        )
    work.scalar(select(Environment.id).where(Environment.id == environment.id).with_for_update())
    of = Measurement.environment_id == environment.id
    number = work.scalar(select(func.coalesce(func.max(Measurement.number), 0) + 1).where(of))
    made = Measurement(
        environment_id=environment.id, number=number, paths=list(dict.fromkeys(paths)),
        with_lighthouse=with_lighthouse, requested_by=by,
    )  # fmt: skip
    work.add(made)
    work.flush()
    record_audit(work, by, "measurement.request", environment=environment, subject=f"#{number}")
    return made


def get_measurement(work: Work, measurement_id: uuid.UUID) -> Measurement:
    """Get a measurement by id.

    Errors: NotFound.
    """
    wanted = joinedload(Measurement.environment).joinedload(Environment.project)
    found = work.get(Measurement, measurement_id, options=[wanted])
    if found is None:
        raise NotFound(f"there is no measurement {measurement_id}")
    return found


def list_measurements(
    work: Work, environment: Environment, *, limit: int = KEPT
) -> list[Measurement]:
    """List an environment's measurements, newest first."""
    return list(
        work.scalars(
            select(Measurement)
            .where(Measurement.environment_id == environment.id)
            .order_by(Measurement.number.desc())
            .limit(limit)
        )
    )


def list_trend(work: Work, environment: Environment, *, limit: int = 120) -> list[Measurement]:
    """List an environment's measurements that were done, oldest first."""
    newest = work.scalars(
        select(Measurement)
        .where(Measurement.environment_id == environment.id, Measurement.status == "done")
        .order_by(Measurement.number.desc())
        .limit(limit)
    )
    return list(newest)[::-1]


def list_unfinished_measurements(work: Work) -> list[Measurement]:
    """List every measurement that has not ended."""
    return list(work.scalars(select(Measurement).where(Measurement.status.notin_(FINAL))))


def has_unfinished(work: Work, environment: Environment) -> bool:
    """Whether a measurement of an environment waits that has not begun."""
    waiting = select(Measurement.id).where(
        Measurement.environment_id == environment.id, Measurement.status == "queued"
    )
    return work.scalar(waiting.limit(1)) is not None


def list_productions(work: Work, only: Sequence[str] = ()) -> list[Environment]:
    """List every project's production that shows something, or those of projects named."""
    query = (
        select(Environment)
        .join(Project)
        .where(
            Environment.kind == EnvironmentKind.PRODUCTION,
            Environment.release_id.is_not(None),
            Environment.status != "destroyed",
        )
        .order_by(Project.name)
    )
    if only:
        query = query.where(Project.name.in_(only))
    return list(work.scalars(query))


def finish_measurement(
    measurement: Measurement, verdict: str = "", error: dict[str, Any] | None = None
) -> bool:
    """Give a measurement its end; say whether that was news. Idempotent."""
    if measurement.status in FINAL:
        return False
    measurement.status = "failed" if error else "done"
    measurement.verdict, measurement.error = "" if error else verdict, error
    measurement.completed_at = now()
    return True


def prune_measurements(work: Work, environment: Environment) -> None:
    """Forget an environment's oldest measurements."""
    is_production = environment.kind == EnvironmentKind.PRODUCTION
    kept = KEPT_OF_PRODUCTION if is_production else KEPT
    newest = work.scalar(
        select(func.max(Measurement.number)).where(Measurement.environment_id == environment.id)
    )
    work.execute(
        delete(Measurement).where(
            Measurement.environment_id == environment.id,
            Measurement.number <= (newest or 0) - kept,
            Measurement.status.in_(FINAL),
        )
    )


def list_measurement_ids(work: Work) -> list[uuid.UUID]:
    """List the ids of all measurements."""
    return list(work.scalars(select(Measurement.id)))
