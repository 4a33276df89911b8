"""Holding a sync of files: one of a project at a time; how it ended, and killed ones."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from prefect import get_run_logger, runtime
from prefect.client.schemas.objects import State
from prefect.states import Cancelled

from greenroom import asset_orders
from greenroom.errors import EnvironmentLocked, GreenroomError, Overtaken, PlatformError
from greenroom.redaction import redactor_for_project
from greenroom.runs import Runs
from greenroom.store import assets
from greenroom.store.audit import record_audit
from greenroom.store.models import AssetSync, SyncStatus
from greenroom.store.work import unit_of_work
from tasks.hold import HOST, LOCK_WAIT_SECONDS, is_process_alive, this_process
from tasks.policies import step
from tasks.values import AssetRequest, AssetsHeld

MOST_ATTEMPTS = 5
"""Runs of one sync that may be killed before it is given up."""


@step
def begin_assets(request: AssetRequest) -> AssetsHeld:
    """Take up a sync of files, waiting for another of the project's to end. Idempotent.

    Errors: EnvironmentLocked, Overtaken.
    """
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    run = runtime.flow_run.id
    while True:
        try:
            with unit_of_work() as work:
                run_id = UUID(str(run)) if run else None
                sync = assets.begin_asset_sync(work, request.sync_id, HOST, this_process(), run_id)
                return AssetsHeld(sync.id, sync.project_id, sync.is_plan, sync.deletes)
        except EnvironmentLocked:
            if not _end_dead(request.sync_id) and time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def _end_dead(sync_id: UUID) -> bool:
    with unit_of_work() as work:
        project_id = work.get_one(AssetSync, sync_id).project_id
        for other in assets.list_unfinished(work):
            if other.project_id != project_id or other.id == sync_id:
                continue
            if other.status == SyncStatus.RUNNING and not is_process_alive(
                other.host, other.process
            ):
                error = PlatformError("the run was killed before it ended")
                assets.finish_asset_sync(other, SyncStatus.FAILED, error.as_json())
                return True
    return False


@step
def end_assets(sync_id: UUID, status: str, error: GreenroomError | None) -> None:
    """Record how a sync of files ended. Idempotent."""
    with unit_of_work() as work:
        sync = work.get_one(AssetSync, sync_id, with_for_update=True)
        described = None
        if error is not None:
            redact = redactor_for_project(sync.project)
            described = {key: redact(value) for key, value in error.as_json().items()}
        assets.finish_asset_sync(sync, SyncStatus(status), described)
        record_audit(
            work, "sync", f"assets.{sync.status}", project=sync.project, subject=f"#{sync.number}"
        )


@contextmanager
def bringing(request: AssetRequest) -> Iterator[AssetsHeld]:
    """Hold a project's files while they are brought; record the end, whatever it is."""
    try:
        held = begin_assets(request)
        yield held
    except Overtaken as error:
        end_assets(request.sync_id, SyncStatus.CANCELLED, error)
    except GreenroomError as error:
        end_assets(request.sync_id, SyncStatus.FAILED, error)
        raise
    except BaseException as error:
        unknown = PlatformError(f"unexpected {type(error).__name__}")
        end_assets.fn(request.sync_id, SyncStatus.FAILED, unknown)  # the engine may go down
        raise
    else:
        end_assets(request.sync_id, SyncStatus.DONE, None)


@step
def assets_outcome(request: AssetRequest) -> dict[str, Any]:
    """Read how a sync of files ended. Idempotent."""
    with unit_of_work() as work:
        sync = assets.get_asset_sync(work, request.sync_id)
        return {"status": sync.status, **sync.totals, **sync.progress}


def report_assets(request: AssetRequest) -> dict[str, Any] | State[Any]:
    """Give the flow's result: a sync that was cancelled ends *cancelled*."""
    result = assets_outcome(request)
    if result["status"] == SyncStatus.CANCELLED:
        return Cancelled(message=f"the sync of files #{request.number} was cancelled")
    return result


@step
def repair_assets() -> int:
    """Start what was recorded and has no run; go on where a run was killed. Idempotent."""
    with unit_of_work() as work:
        unfinished = assets.list_unfinished(work)
    mended, runs = 0, Runs()
    for sync in unfinished:
        run = runs.find(sync.flow_run_id) if sync.flow_run_id else None
        if sync.status == SyncStatus.RUNNING and is_process_alive(sync.host, sync.process):
            continue
        if run is not None and not run.is_final:
            if sync.status != SyncStatus.RUNNING:
                continue  # it waits for its turn
            runs.end(run.id, "CRASHED", "its process was killed")
        if sync.cancel_requested_at is not None:
            end_assets.fn(sync.id, SyncStatus.CANCELLED, Overtaken("it was cancelled"))
        elif int(sync.report.get("attempts", 0)) >= MOST_ATTEMPTS:
            error = PlatformError(f"its run was killed {MOST_ATTEMPTS} times")
            end_assets.fn(sync.id, SyncStatus.FAILED, error)
        else:
            asset_orders.start_asset_sync(asset_orders.order_of(sync), runs)
        mended += 1
    return mended


@step
def order_asset_syncs(only: list[str]) -> int:
    """Order a sync of files of each project that names some, or of those named; give how many."""
    log, count = get_run_logger(), 0
    with unit_of_work() as work:
        names = [p.name for p in assets.list_set_projects(work) if not only or p.name in only]
    for name in names:
        try:
            asset_orders.place_asset_sync(name, actor="schedule")
        except GreenroomError as error:
            log.warning("%s: %s", name, error.message)
        else:
            count += 1
    return count
