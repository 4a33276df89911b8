"""Files outside the code: syncs of images and uploads from production's bucket to staging's."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr

from greenroom import asset_orders, asset_setting
from greenroom.api.noun import Done, Given, Limit, Noun, Project, Short, Shown
from greenroom.api.shapes import Ordered, is_started
from greenroom.errors import OrchestratorUnavailable
from greenroom.rights import current_actor
from greenroom.store import assets as store
from greenroom.store import projects
from greenroom.store.work import unit_of_work

router = Noun("files")
_OF = "/projects/{project}/files"
Place = Annotated[str, Field(max_length=2000, examples=["s3://shop-uploads"])]
Patterns = Annotated[list[Short], Field(max_length=100)]


class FilesShape(Shown):
    """Where a project's files are, and what of them comes."""

    source: str = Field(description="Production's; only read.")
    target: str
    rules: dict[str, Any]
    base_urls: dict[str, Any]
    cdn: dict[str, Any]
    credentials: list[str] = Field(description="The sides for which some are kept.")


class Keys(Given):
    """What a side is opened with; kept encrypted, never shown."""

    key_id: SecretStr | None = None
    secret: SecretStr | None = None
    session_token: SecretStr | None = None
    token: SecretStr | None = None


class FilesWish(Given):
    """What changes; what is left out stays."""

    source: Place | None = None
    target: Place | None = None
    include: Patterns | None = None
    exclude: Patterns | None = None
    deletes: bool | None = Field(None, description="Delete what production dropped.")
    acl: Literal["bucket", "keep", "private", "public-read"] | None = None
    is_exact: bool | None = Field(None, description="Compare octets, not times.")
    not_after: bool | None = Field(None, description="Leave out what is newer than the data.")
    rate: int | None = Field(None, ge=0, le=2**40, description="Most bytes a second.")
    production_url: Short | None = None
    staging_url: Short | None = None
    variable: Short | None = None
    cdn: Literal["none", "cloudfront", "cloudflare", "fastly"] | None = None
    cdn_options: dict[Short, Short] | None = Field(None, max_length=10)
    credentials: dict[Literal["source", "target", "cdn"], Keys] = Field({}, max_length=3)


@router.reads(_OF)
def get_files(project: Project) -> FilesShape:
    """Show where a project's files are."""
    return FilesShape(**asset_setting.show_assets(project))


@router.writes("PATCH", _OF, "project.set_assets")
def set_files(project: Project, given: FilesWish) -> FilesShape:
    """Say where a project's files are. Folders are named at the machine itself."""
    wish = given.model_dump(exclude={"credentials", "cdn_options"})
    options = given.cdn_options
    wish["cdn_options"] = None if options is None else [f"{k}={v}" for k, v in options.items()]
    keys = {
        str(side): {
            name: value.get_secret_value() for name, value in one if isinstance(value, SecretStr)
        }
        for side, one in given.credentials.items()
    }
    shown = asset_setting.change_assets(project, wish, keys, actor=current_actor().name)
    return FilesShape(**shown)


@router.writes("DELETE", _OF, "project.forget_assets")
def forget_files(project: Project) -> Done:
    """Forget where a project's files are. Cleanups clear what was copied to a place of its own."""
    asset_setting.forget_assets(project, actor=current_actor().name)
    return Done(done="The files are forgotten.")


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
