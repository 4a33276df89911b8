"""Files outside the code: syncs of images and uploads from production's bucket to staging's."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from greenroom import asset_orders
from greenroom.api.noun import Done, Given, Limit, Noun, Project, Shown
from greenroom.api.shapes import Ordered, is_started
from greenroom.errors import OrchestratorUnavailable
from greenroom.rights import current_actor
from greenroom.store import assets as store
from greenroom.store import projects
from greenroom.store.work import unit_of_work

router = Noun("files")
_OF = "/projects/{project}/files"


class FileSync(Shown):
    """One sync of files, or the plan of one."""

    number: int
    is_plan: bool
    deletes: bool
    status: str
    phase: str
    requested_by: str
    requested_at: datetime
    completed_at: datetime | None
    totals: dict[str, Any]
    progress: dict[str, Any]
    error: dict[str, Any] | None


@router.reads(_OF + "/syncs")
def list_file_syncs(project: Project, limit: Limit = 20) -> list[FileSync]:
    """List a project's syncs of files, the newest first."""
    with unit_of_work() as work:
        found = projects.get_project(work, project)
        rows = store.list_asset_syncs(work, found, limit=limit)
        return [FileSync.model_validate(row) for row in rows]


class FileWish(Given):
    """How files shall be brought over."""

    is_plan: bool = Field(False, description="Only tell what would be done.")
    deletes: bool | None = Field(None, description="Default: as the project's rules say.")


@router.writes("POST", _OF + "/syncs", "assets.sync", status_code=202)
def sync_files(project: Project, given: FileWish | None = None) -> Ordered:
    """Bring production's files to staging, or tell what would be done."""
    given = given or FileWish()
    with unit_of_work() as work:
        found = projects.get_project(work, project)
        setting = store.get_setting(work, found)
        deletes = bool(setting.rules.get("deletes")) if given.deletes is None else given.deletes
        made = store.create_asset_sync(
            work, found, is_plan=given.is_plan, deletes=deletes, by=current_actor().name
        )
        work.refresh(made, ["project"])
        order = asset_orders.order_of(made)
    return Ordered(
        id=order.sync_id, number=order.number, kind="files", of=project,
        is_started=is_started(lambda: asset_orders.start_asset_sync(order)),
    )  # fmt: skip


@router.writes("POST", _OF + "/cancel", "assets.cancel", status_code=202)
def cancel_files(project: Project) -> Done:
    """Stop the newest sync of files; what has arrived stays."""
    try:
        asset_orders.place_cancel_assets(project, actor=current_actor().name)
    except OrchestratorUnavailable:
        pass  # recorded: its first step sees the wish
    return Done(done="It is being stopped.")
