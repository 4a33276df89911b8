"""Reconcile's step for data: syncs that nobody works at go on or end; what they left goes."""

from __future__ import annotations

from uuid import UUID

from prefect import get_run_logger

from greenroom import data_orders
from greenroom.data.clones import reopen
from greenroom.data.keeper import release
from greenroom.data.place import Place, discard_next
from greenroom.data.repairs import Mend, SeenSync, plan_mends
from greenroom.errors import GreenroomError, PlatformError
from greenroom.names import database_name, template_name
from greenroom.runs import Runs
from greenroom.settings import load_settings
from greenroom.store import projects, syncs
from greenroom.store.models import Sync, SyncStatus, now
from greenroom.store.work import database_url, unit_of_work
from tasks.hold import is_process_alive
from tasks.policies import step


@step
def repair_syncs() -> int:
    """Mend every sync that nobody works at; give how many. Idempotent."""
    log, runs = get_run_logger(), Runs()
    with unit_of_work() as work:
        unfinished = syncs.list_unfinished(work)
    plan = plan_mends([_seen(row, runs) for row in unfinished])
    for sync_id, mend in plan:
        log.info("sync %s: %s", sync_id, mend)
        try:
            _mend(sync_id, mend, runs)
        except GreenroomError as error:
            log.warning("sync %s: %s failed: %s", sync_id, mend, error.message)
    _drop_leftovers()
    return len(plan)


def _seen(row: Sync, runs: Runs) -> SeenSync:
    run = runs.find(row.flow_run_id) if row.flow_run_id else None
    return SeenSync(
        id=row.id,
        is_running=row.status == SyncStatus.RUNNING,
        is_alive=is_process_alive(row.host, row.process),
        has_run=row.flow_run_id is not None,
        is_run_final=run is None or run.is_final,
        age_seconds=(now() - row.requested_at).total_seconds(),
        attempts=row.attempts,
        is_cancelled=row.cancel_requested_at is not None,
        is_run_on_its_way=run is not None and run.is_on_its_way(now()),
    )


def _mend(sync_id: UUID, mend: Mend, runs: Runs) -> None:
    with unit_of_work() as work:
        row = syncs.get_sync(work, sync_id)
        order, run_id, database = data_orders.order_of(row), row.flow_run_id, _database_of(row)
        if mend is Mend.END:
            error = PlatformError(
                "the run was killed before it ended", hint="Staging stays as it was. Sync again."
            )
            syncs.finish(row, SyncStatus.FAILED, error.as_json())
        elif mend is Mend.RESUME:
            syncs.append_log(work, sync_id, ["the run was killed; another goes on"])
    if mend is not Mend.START and run_id is not None:
        run = runs.find(run_id)
        if run is not None and not run.is_final:
            runs.end(run_id, "CRASHED", "its process was killed")
    if mend is Mend.END:
        release(load_settings(), str(sync_id))
        if database:
            reopen(database_url(), database)
    else:
        data_orders.start_sync(order, runs)


def _database_of(row: Sync) -> str:
    """Name the database whose place a sync's data takes; empty where it is for new ones."""
    found = row.environment
    return database_name(row.project.name, found.name, str(found.id)) if found else ""


def _drop_leftovers() -> None:
    """Drop databases whose filling ended without anybody to drop them."""
    with unit_of_work() as work:
        synced = {p.id for p in projects.list_projects(work) if syncs.list_syncs(work, p, limit=1)}
    for project_id in synced:
        with unit_of_work() as work:
            project = syncs.lock_project(work, project_id)  # no sync begins meanwhile
            if not any(row.project_id == project_id for row in syncs.list_unfinished(work)):
                name = template_name(project.name, str(project_id))
                discard_next(Place(database_url(), name))
