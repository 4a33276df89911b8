"""Copy production's data, without the people in it, for a project's staging environments."""

from __future__ import annotations

from typing import Any

from prefect import flow

from tasks.refresh import refresh
from tasks.runners import sync_runner
from tasks.sync import (
    check_before,
    copy_all,
    finish_tables,
    make_tables,
    moment,
    plan_copy,
    prove,
    publish,
    run_hooks,
    settle,
)
from tasks.sync_report import write_report
from tasks.syncing import report_sync, syncing
from tasks.values import SyncRequest


@flow(
    name="sync_database",
    flow_run_name="sync-{request.project}-{request.number}",
    task_runner=sync_runner(),
)
def sync_database(request: SyncRequest) -> Any:
    """Bring ``request.project``'s anonymized data up to date. Started again, it goes on."""
    with syncing(request) as sync:  # one of a project at a time; records the end, whatever it is
        check_before(sync)  # all that would stop it, before production is held for it
        with moment(sync) as at:  # production as it is now, held for a run that is killed
            parts = plan_copy(sync, at)  # stops at a column that nobody decided about
            make_tables(sync, at)
            copy_all(sync, at, parts)
            rows = finish_tables(sync, at)
            run_hooks(sync, at)
            proof = prove(sync, at)  # a leak stops it here: staging stays as it was
            distinct = settle(sync, at)
            write_report(sync, at, rows, proof, distinct)
            publish(sync)
        refresh(sync)
    return report_sync(request)
