"""Orders of files: recorded in the store, then started at Prefect.

``reconcile`` starts recorded ones that have no run.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from greenroom.errors import GreenroomError, InvalidInput
from greenroom.runs import Runs
from greenroom.store import assets, projects
from greenroom.store.models import AssetSetting, AssetSync, Environment, EnvironmentKind, SyncStatus
from greenroom.store.work import Work, platform_work, unit_of_work

SYNC = "sync_assets/on-demand"
VARIABLE = "ASSET_BASE_URL"
"""The variable that tells an environment where its files are, unless another is named."""


@dataclass(frozen=True)
class AssetOrder:
    """A recorded sync of files."""

    sync_id: uuid.UUID
    project: str
    number: int
    is_plan: bool
    after: uuid.UUID | None = None
    """The run that was killed at it, if one was."""


def order_of(sync: AssetSync) -> AssetOrder:
    """Give a recorded sync's order."""
    return AssetOrder(sync.id, sync.project.name, sync.number, sync.is_plan, sync.flow_run_id)


def start_asset_sync(order: AssetOrder, runs: Runs | None = None) -> uuid.UUID:
    """Start the run of a recorded sync, or one that goes on after a killed one. Idempotent.

    Errors: OrchestratorUnavailable; it stays recorded, and ``reconcile`` starts it later.
    """
    request = {"sync_id": str(order.sync_id), "project": order.project, "number": order.number}
    run_id = (runs or Runs()).start(
        SYNC,
        {"request": request},
        idempotency_key=f"{order.sync_id}-{order.after}",
        tags=[order.project],
    )
    with platform_work() as work:
        work.get_one(AssetSync, order.sync_id).flow_run_id = run_id
    return run_id


def place_asset_sync(
    project: str, *, is_plan: bool = False, deletes: bool | None = None, actor: str,
    runs: Runs | None = None,
) -> AssetOrder:  # fmt: skip
    """Record and start a sync of a project's files, or the plan of one.

    ``deletes`` None is as the project's rules say.

    Errors: NotFound.
    """
    with unit_of_work() as work:
        found = projects.get_project(work, project)
        setting = assets.get_setting(work, found)
        wanted = bool(setting.rules.get("deletes")) if deletes is None else deletes
        made = assets.create_asset_sync(work, found, is_plan=is_plan, deletes=wanted, by=actor)
        work.refresh(made, ["project"])
        order = order_of(made)
    start_asset_sync(order, runs)
    return order


def place_cancel_assets(project: str, *, actor: str, runs: Runs | None = None) -> int:
    """Record that the newest sync of a project's files shall stop; give its number.

    Errors: NotFound, InvalidInput when it has ended.
    """
    with unit_of_work() as work:
        rows = assets.list_asset_syncs(work, projects.get_project(work, project), limit=1)
        if not rows:
            raise InvalidInput("no sync of files was asked for")
        assets.cancel_asset_sync(work, rows[0], actor=actor)
        run_id, number = rows[0].flow_run_id, rows[0].number
        waits = rows[0].status == SyncStatus.CANCELLED
    if run_id is not None and waits:
        try:
            (runs or Runs()).cancel(run_id)
        except GreenroomError:
            pass  # its first step sees the wish
    return number


def asset_variables(work: Work, environment: Environment) -> dict[str, str]:
    """Give the variable that tells a staging environment where its files are."""
    setting = assets.find_setting(work, environment.project)
    if setting is None or environment.kind == EnvironmentKind.PRODUCTION:
        return {}
    address = str(setting.base_urls.get("staging", ""))
    return {str(setting.base_urls.get("variable") or VARIABLE): address} if address else {}


def address_pairs(work: Work, project_id: uuid.UUID) -> list[tuple[str, str]]:
    """Give the addresses that are rewritten in a project's data: production's, staging's."""
    setting = work.get(AssetSetting, project_id)
    if setting is None:
        return []
    before, after = setting.base_urls.get("production", ""), setting.base_urls.get("staging", "")
    return [(str(before), str(after))] if before and after else []
