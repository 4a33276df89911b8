"""Measurements of an environment's speed beside production's."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from pydantic import Field

from greenroom import measuring
from greenroom.api.noun import (
    Environment,
    Given,
    Limit,
    Noun,
    Number,
    Project,
    Short,
    Shown,
    reference,
)
from greenroom.api.shapes import Ordered, is_started
from greenroom.errors import NotFound
from greenroom.rights import current_actor
from greenroom.store import environments, measurements
from greenroom.store.work import unit_of_work

router = Noun("performance")
_OF = "/projects/{project}/environments/{environment}/measurements"
MOST = 500


class MeasurementShape(Shown):
    """One measurement."""

    id: uuid.UUID
    number: int
    status: str
    verdict: str
    paths: list[str]
    with_lighthouse: bool
    requested_by: str
    requested_at: datetime
    completed_at: datetime | None
    commit_hash: str
    production_commit: str
    pages: list[dict[str, Any]]
    error: dict[str, Any] | None


@router.reads(_OF)
def list_measurements(
    project: Project, environment: Environment, limit: Limit = 20
) -> list[MeasurementShape]:
    """List an environment's measurements, the newest first."""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference(project, environment))
        rows = measurements.list_measurements(work, found, limit=limit)
        return [MeasurementShape.model_validate(row) for row in rows]


@router.reads(_OF + "/{number}")
def get_measurement(project: Project, environment: Environment, number: Number) -> MeasurementShape:
    """Show a measurement: the verdict on each page, and its numbers."""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference(project, environment))
        for row in measurements.list_measurements(work, found, limit=MOST):
            if row.number == number:
                return MeasurementShape.model_validate(row)
    raise NotFound(f"{environment} has no measurement #{number}")


class MeasurementWish(Given):
    """What shall be measured."""

    paths: list[Short] = Field([], max_length=100, description="Default: what the front links to.")
    with_lighthouse: bool = False


@router.writes("POST", _OF, "measurement.request", status_code=202)
def measure(
    project: Project, environment: Environment, given: MeasurementWish | None = None
) -> Ordered:
    """Measure an environment's pages beside production's."""
    given = given or MeasurementWish()
    with unit_of_work() as work:
        found = environments.get_environment(work, reference(project, environment))
        made = measurements.create_measurement(
            work, found, given.paths, by=current_actor().name,
            with_lighthouse=given.with_lighthouse,
        )  # fmt: skip
        key, number = made.id, made.number
    return Ordered(
        id=key, number=number, kind="measurement", of=reference(project, environment),
        is_started=is_started(lambda: measuring.start_measurement(key)),
    )  # fmt: skip
