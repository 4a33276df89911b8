"""Orders of comparisons: recorded in the store, then started at Prefect."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path

from greenroom.runs import Runs
from greenroom.settings import load_settings
from greenroom.store import comparisons, environments
from greenroom.store.models import Comparison
from greenroom.store.work import platform_work, unit_of_work

COMPARE = "compare_visual/on-demand"


def start_comparison(comparison_id: uuid.UUID, runs: Runs | None = None) -> uuid.UUID:
    """Start the run of a recorded comparison. Idempotent.

    Errors: OrchestratorUnavailable; it stays recorded, and ``reconcile`` starts it later.
    """
    with unit_of_work() as work:
        row = comparisons.get_comparison(work, comparison_id)
        name = f"{row.environment.project.name}/{row.environment.name}"
    run_id = (runs or Runs()).start(
        COMPARE,
        {"request": {"comparison_id": str(comparison_id), "environment": name}},
        idempotency_key=str(comparison_id),
        tags=[name],
    )
    with platform_work() as work:
        work.get_one(Comparison, comparison_id).flow_run_id = run_id
    return run_id


def place_comparison(
    reference: str, paths: Sequence[str] = (), *, actor: str, runs: Runs | None = None
) -> uuid.UUID:
    """Record and start a comparison of an environment with production; give its id.

    Errors: NotFound, InvalidInput.
    """
    with unit_of_work() as work:
        environment = environments.get_environment(work, reference)
        made = comparisons.create_comparison(work, environment, paths, by=actor).id
    start_comparison(made, runs)
    return made


def folder_of(comparison_id: uuid.UUID) -> Path:
    """Give the folder of a comparison's pictures."""
    return load_settings().path("comparisons", str(comparison_id))
