"""Queries about files outside the code: where they are, and their syncs."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from greenroom.errors import EnvironmentLocked, InvalidInput, NotFound, Overtaken
from greenroom.store.audit import record_audit
from greenroom.store.crypto import seal, unseal
from greenroom.store.models import (
    AssetSetting,
    AssetSync,
    LeftPlace,
    Project,
    SyncStatus,
    now,
)
from greenroom.store.syncs import FINAL, lock_project
from greenroom.store.work import Work

_CREDENTIALS = "asset_settings.credentials"
_LEFT = "left_places.credentials"


def find_setting(work: Work, project: Project) -> AssetSetting | None:
    """Find where a project's files are."""
    return work.get(AssetSetting, project.id)


def get_setting(work: Work, project: Project) -> AssetSetting:
    """Get where a project's files are.

    Errors: NotFound.
    """
    found = find_setting(work, project)
    if found is None:
        raise NotFound(
            f"{project.name} names no files of production",
            hint=f"greenroom project set-assets {project.name} --from … --to …",
        )
    return found


def record_setting(
    work: Work, project: Project, values: Mapping[str, Any],
    credentials: Mapping[str, Mapping[str, str]], *, actor: str,
) -> AssetSetting:  # fmt: skip
    """Say where a project's files are; what is not given stays. ``credentials`` are by side."""
    found = find_setting(work, project)
    if found is None:
        if not values.get("source") or not values.get("target"):
            raise InvalidInput(
                "production's files and staging's place are needed",
                hint="--from s3://shop-uploads --to s3://shop-staging",
            )
        found = AssetSetting(
            project_id=project.id, source="", target="", rules={}, base_urls={}, cdn={}
        )
        work.add(found)
    elif values.get("target", found.target) != found.target:
        _record_left(work, found)
    for name, value in values.items():
        setattr(found, name, value)
    if credentials:
        kept = {**credentials_of(found), **credentials}
        found.credentials = seal(json.dumps(kept), _CREDENTIALS)
    found.updated_at = now()
    record_audit(
        work, actor, "project.set_assets", project=project, source=found.source,
        target=found.target,
    )  # fmt: skip
    return found


def forget_setting(work: Work, project: Project, *, actor: str) -> None:
    """Forget where a project's files are; what was copied stays. Idempotent."""
    found = find_setting(work, project)
    if found is not None:
        _record_left(work, found)
        work.delete(found)
        record_audit(work, actor, "project.forget_assets", project=project)


def _record_left(work: Work, setting: AssetSetting) -> None:
    """Remember a place that its project leaves, and with what it is opened. Idempotent."""
    kept = credentials_of(setting).get("target")
    known = (place for place in list_left_places(work) if place.project_id == setting.project_id)
    left = next((place for place in known if place.target == setting.target), None)
    if left is None:
        left = LeftPlace(project_id=setting.project_id, target=setting.target)
        work.add(left)
    left.left_at, left.credentials = now(), seal(json.dumps(kept), _LEFT) if kept else None


def list_left_places(work: Work) -> list[LeftPlace]:
    """List the places that were left and are not cleared."""
    query = select(LeftPlace).where(LeftPlace.cleared_at.is_(None)).order_by(LeftPlace.left_at)
    return list(work.scalars(query))


def left_credentials(place: LeftPlace) -> dict[str, str]:
    """Give what a place that was left is opened with."""
    if place.credentials is None:
        return {}
    found: dict[str, str] = json.loads(unseal(place.credentials, _LEFT))
    return found


def list_settings(work: Work) -> list[AssetSetting]:
    """List where all projects' files are."""
    return list(work.scalars(select(AssetSetting)))


def credentials_of(setting: AssetSetting) -> dict[str, dict[str, str]]:
    """Give the credentials by side: source, target, cdn."""
    if setting.credentials is None:
        return {}
    found: dict[str, dict[str, str]] = json.loads(unseal(setting.credentials, _CREDENTIALS))
    return found


def create_asset_sync(
    work: Work, project: Project, *, is_plan: bool, deletes: bool, by: str
) -> AssetSync:
    """Record that production's files shall come, or be compared.

    Errors: NotFound.
    """
    get_setting(work, project)
    lock_project(work, project.id)
    highest = select(func.coalesce(func.max(AssetSync.number), 0) + 1)
    number = work.scalar(highest.where(AssetSync.project_id == project.id))
    made = AssetSync(
        project_id=project.id, number=number, is_plan=is_plan, deletes=deletes, requested_by=by,
        totals={}, progress={}, report={},
    )  # fmt: skip
    work.add(made)
    work.flush()
    verb = "assets.plan" if is_plan else "assets.sync"
    record_audit(work, by, verb, project=project, subject=f"#{number}")
    return made


def get_asset_sync(work: Work, sync_id: uuid.UUID) -> AssetSync:
    """Get a sync by id.

    Errors: NotFound.
    """
    found = work.get(AssetSync, sync_id, options=[joinedload(AssetSync.project)])
    if found is None:
        raise NotFound(f"there is no sync of files {sync_id}")
    return found


def list_asset_syncs(work: Work, project: Project, *, limit: int = 20) -> list[AssetSync]:
    """List a project's syncs of files, newest first."""
    query = select(AssetSync).where(AssetSync.project_id == project.id)
    return list(work.scalars(query.order_by(AssetSync.number.desc()).limit(limit)))


def list_unfinished(work: Work) -> list[AssetSync]:
    """List every sync of files that has not ended."""
    query = select(AssetSync).options(joinedload(AssetSync.project))
    return list(work.scalars(query.where(AssetSync.status.notin_(FINAL))))


def list_set_projects(work: Work) -> Sequence[Project]:
    """List the projects that name files."""
    query = select(Project).join(AssetSetting, AssetSetting.project_id == Project.id)
    return work.scalars(query.order_by(Project.name)).all()


def begin_asset_sync(
    work: Work, sync_id: uuid.UUID, host: str, process: str, run: uuid.UUID | None
) -> AssetSync:
    """Mark a sync as worked at by a process.

    Errors: Overtaken when it has ended or shall stop, EnvironmentLocked while another runs.
    """
    sync = work.get_one(AssetSync, sync_id, with_for_update=True)
    check_asset_sync(sync)
    sync.status, sync.host, sync.process = SyncStatus.RUNNING, host, process
    sync.started_at, sync.flow_run_id = sync.started_at or now(), run or sync.flow_run_id
    sync.report = {**sync.report, "attempts": int(sync.report.get("attempts", 0)) + 1}
    try:
        work.flush()
    except IntegrityError as error:
        raise EnvironmentLocked(
            "another sync of the project's files is under way",
            hint="It can be stopped, or waited for.",
        ) from error
    return sync


def check_asset_sync(sync: AssetSync) -> None:
    """Return if a sync shall go on.

    Errors: Overtaken.
    """
    if sync.status in FINAL:
        raise Overtaken(f"the sync of files #{sync.number} has ended: {sync.status}")
    if sync.cancel_requested_at is not None:
        raise Overtaken(f"the sync of files #{sync.number} was cancelled")


def finish_asset_sync(
    sync: AssetSync, status: SyncStatus, error: dict[str, Any] | None = None
) -> None:
    """Give a sync its end. Idempotent: one that has ended stays as it is."""
    if sync.status not in FINAL:
        is_asked = sync.cancel_requested_at is not None and status is SyncStatus.FAILED
        sync.status = SyncStatus.CANCELLED if is_asked else status
        sync.error, sync.completed_at = error, now()


def cancel_asset_sync(work: Work, sync: AssetSync, *, actor: str) -> None:
    """Record that a sync shall stop. Idempotent.

    Errors: InvalidInput when it has ended.
    """
    if sync.status in FINAL:
        raise InvalidInput(f"the sync of files #{sync.number} has ended: {sync.status}")
    sync.cancel_requested_at = sync.cancel_requested_at or now()
    if sync.status == SyncStatus.QUEUED:
        finish_asset_sync(sync, SyncStatus.CANCELLED)
    record_audit(work, actor, "assets.cancel", project=sync.project, subject=f"#{sync.number}")
