"""Make reality match what is wanted."""

from __future__ import annotations

from prefect import flow

from tasks.asset_sync import repair_assets
from tasks.cleanup import repair_cleanups
from tasks.comparing import repair_comparisons
from tasks.expiring import end_lifetimes
from tasks.following import follow_sources
from tasks.isolation import end_lost_checks
from tasks.measuring import measure_copies
from tasks.notifying import remind_people, tell_people
from tasks.publishing import publish_what_serves
from tasks.remarks import follow_up
from tasks.repair import look, repair, tidy
from tasks.sync_repair import repair_syncs
from tasks.timing import repair_measurements


@flow(name="reconcile", flow_run_name="reconcile")
def reconcile() -> int:
    """Repair what killed runs, dead processes and lost messages left behind; give how much."""
    repairs = look()
    for wanted in repairs:
        repair(wanted)
    mended = repair_syncs() + publish_what_serves()
    brought = repair_assets()
    repair_cleanups()
    repair_comparisons()
    end_lifetimes()
    measure_copies()
    repair_measurements()
    end_lost_checks()
    remind_people()
    tell_people()
    follow_up()
    tidy()
    follow_sources()  # at the end: a forge may be slow
    return len(repairs) + mended + brought
