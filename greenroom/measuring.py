"""Orders of measurements: recorded in the store, then started at Prefect."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path

from greenroom.runs import Runs
from greenroom.settings import load_settings
from greenroom.store import environments, measurements
from greenroom.store.models import EnvironmentKind, Measurement
from greenroom.store.work import platform_work, unit_of_work

BESIDE = "compare_performance/on-demand"
ALONE = "measure_production/on-demand"


def start_measurement(measurement_id: uuid.UUID, runs: Runs | None = None) -> uuid.UUID:
    """Start the run of a recorded measurement. Idempotent.

    Errors: OrchestratorUnavailable; it stays recorded, and ``reconcile`` starts it later.
    """
    with unit_of_work() as work:
        environment = measurements.get_measurement(work, measurement_id).environment
        name = f"{environment.project.name}/{environment.name}"
        is_production = environment.kind == EnvironmentKind.PRODUCTION
    run_id = (runs or Runs()).start(
        ALONE if is_production else BESIDE,
        {"request": {"measurement_id": str(measurement_id), "environment": name}},
        idempotency_key=str(measurement_id),
        tags=[name],
    )
    with platform_work() as work:
        work.get_one(Measurement, measurement_id).flow_run_id = run_id
    return run_id


def place_measurement(
    reference: str, paths: Sequence[str] = (), *, actor: str, with_lighthouse: bool = False,
    runs: Runs | None = None,
) -> uuid.UUID:  # fmt: skip
    """Record and start a measurement of an environment beside production; give its id.

    Production is measured alone.

    Errors: NotFound, InvalidInput.
    """
    with unit_of_work() as work:
        environment = environments.get_environment(work, reference)
        made = measurements.create_measurement(
            work, environment, paths, by=actor, with_lighthouse=with_lighthouse
        ).id
    start_measurement(made, runs)
    return made


def measurement_folder(measurement_id: uuid.UUID) -> Path:
    """Give the folder of a measurement's report."""
    return load_settings().path("measurements", str(measurement_id))
