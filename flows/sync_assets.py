"""Bring production's files to staging: images, uploads, whatever is not in the code."""

from __future__ import annotations

from typing import Any

from prefect import flow

from tasks.asset_sync import bringing, order_asset_syncs, report_assets
from tasks.assets import copy_assets, forget_at_cdn, list_assets
from tasks.values import AssetRequest


@flow(name="sync_assets", flow_run_name="assets-{request.project}-{request.number}")
def sync_assets(request: AssetRequest) -> Any:
    """Bring what differs of ``request.project``'s files. Started again, it goes on."""
    with bringing(request) as held:  # one of a project at a time; records the end, whatever it is
        steps = list_assets(held)  # both sides, in parallel; production is only read
        if steps and not held.is_plan:
            copy_assets(held)
            forget_at_cdn(held)
    return report_assets(request)


@flow(name="sync_all_assets", flow_run_name="sync-all-assets")
def sync_all_assets(projects: list[str] | None = None) -> int:
    """Order the files of ``projects`` (default: all that name some); give how many."""
    return order_asset_syncs(projects or [])
