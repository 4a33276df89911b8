"""Orders of data: a sync is recorded in the store, then started at Prefect.

First the order is committed, then its run is started with the order's id as idempotency key. A
death in between loses nothing: ``reconcile`` starts recorded syncs that have no run.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from greenroom.errors import GreenroomError, InvalidInput
from greenroom.names import sync_queue_name
from greenroom.runs import Runs
from greenroom.store import environments, policies, projects, syncs
from greenroom.store.models import Environment, Project, Sync, SyncStatus
from greenroom.store.work import Work, platform_work, unit_of_work

SYNC = "sync_database/on-demand"


@dataclass(frozen=True)
class SyncOrder:
    """A recorded sync."""

    sync_id: uuid.UUID
    project_id: uuid.UUID
    project: str
    environment: str | None
    """``<project>/<name>``, None when only the project's template is made anew."""
    number: int
    after: uuid.UUID | None = None
    """The run that was killed at it, if one was."""


def order_of(sync: Sync) -> SyncOrder:
    """Give a recorded sync's order."""
    environment = f"{sync.project.name}/{sync.environment.name}" if sync.environment else None
    return SyncOrder(
        sync.id, sync.project_id, sync.project.name, environment, sync.number, sync.flow_run_id
    )


def record_sync(
    work: Work, project: Project, environment: Environment | None, *, tables: Sequence[str] = (),
    actor: str,
) -> SyncOrder:  # fmt: skip
    """Record that production's data shall come.

    Errors: InvalidInput (no production database, no approved policy, production itself).
    """
    made = syncs.create_sync(work, project, environment, tables=tables, requested_by=actor)
    if policies.find_policy(work, project) is None:
        raise InvalidInput(
            f"nobody has approved what becomes of {project.name}'s data",
            hint=f"greenroom data discover {project.name}, read anonymization.yaml, then"
            f" greenroom data approve {project.name}",
        )
    work.refresh(made, ["project", "environment"])
    return order_of(made)


def start_sync(order: SyncOrder, runs: Runs | None = None) -> uuid.UUID:
    """Start the run of a recorded sync, or the one that goes on after a killed one. Idempotent.

    Errors: OrchestratorUnavailable; the sync stays recorded, and ``reconcile`` starts it later.
    """
    request = {"sync_id": str(order.sync_id), "project": order.project, "number": order.number}
    run_id = (runs or Runs()).start(
        SYNC,
        {"request": request},
        idempotency_key=f"{order.sync_id}-{order.after}",
        queue=sync_queue_name(str(order.project_id)),
        tags=[order.environment or order.project],
    )
    with platform_work() as work:
        work.get_one(Sync, order.sync_id).flow_run_id = run_id
    return run_id


def place_sync(
    target: str, *, tables: Sequence[str] = (), actor: str, runs: Runs | None = None
) -> SyncOrder:
    """Record and start a sync of ``<project>/<environment>``, or of a project's template.

    Errors: NotFound, InvalidInput.
    """
    with unit_of_work() as work:
        project = projects.find_project(work, target)
        environment = None
        if project is None:
            environment = environments.get_environment(work, target)
            project = environment.project
        order = record_sync(work, project, environment, tables=tables, actor=actor)
    start_sync(order, runs)
    return order


def place_cancel_sync(
    project: str, reference: str = "", *, actor: str, runs: Runs | None = None
) -> int:
    """Record that a sync shall stop, by default the newest; give its number.

    Errors: NotFound, InvalidInput when it has ended.
    """
    with unit_of_work() as work:
        sync = syncs.find_sync(work, projects.get_project(work, project), reference)
        syncs.request_cancel(work, sync, actor=actor)
        run_id, waits, number = sync.flow_run_id, sync.status == SyncStatus.CANCELLED, sync.number
    if run_id is not None and waits:
        try:
            (runs or Runs()).cancel(run_id)
        except GreenroomError:
            pass  # its first step sees the wish
    return number
