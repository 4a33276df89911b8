"""Order fresh data for projects and environments: what the calendar starts every night."""

from __future__ import annotations

from prefect import flow

from tasks.nightly import order_syncs


@flow(name="sync_projects", flow_run_name="sync-projects")
def sync_projects(projects: list[str] | None = None, environments: list[str] | None = None) -> int:
    """Order a sync of ``projects`` (default: all that have an approved policy); give how many.

    ``environments`` (``<project>/<name>``) get the new data at once; the others keep theirs until
    they are synced, and new ones start with it.
    """
    return order_syncs(projects or [], environments or [])
