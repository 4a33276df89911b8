"""What the pages about files and storage read: small frozen values, no credential among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from greenroom.rights import current_actor
from greenroom.settings import load_settings
from greenroom.store import assets, cleanups, projects
from greenroom.store.models import AssetSync, Cleanup, SyncStatus, now
from greenroom.store.syncs import FINAL
from greenroom.store.work import unit_of_work
from ui.reads import Failure


@dataclass(frozen=True)
class BroughtRow:
    """A sync of files, or the plan of one."""

    number: int
    is_plan: bool
    status: str
    phase: str
    by: str
    requested_at: datetime
    listed_at: datetime | None
    snapshot_at: datetime | None
    seconds: float | None
    totals: Mapping[str, int]
    progress: Mapping[str, Any]
    sample: tuple[tuple[str, str, int], ...]
    refused: tuple[str, ...]
    cdn: str
    failure: Failure | None
    is_stopping: bool

    @property
    def is_final(self) -> bool:
        """Whether it has ended."""
        return self.status in FINAL

    @property
    def ratio(self) -> float:
        """How much has arrived, 0 to 1."""
        total = self.progress.get("bytes") or 0
        if total:
            return min(1.0, float(self.progress.get("done_bytes", 0)) / total)
        files = self.progress.get("files") or 0
        return min(1.0, self.progress.get("done_files", 0) / files) if files else 0.0


@dataclass(frozen=True)
class FilesRow:
    """Where a project's files are, and their syncs, newest first."""

    project: str
    source: str
    target: str
    rules: Mapping[str, Any]
    base_urls: Mapping[str, str]
    cdn: Mapping[str, Any]
    credentials: tuple[str, ...]
    """The sides for which some are kept."""
    syncs: tuple[BroughtRow, ...]

    @property
    def is_live(self) -> bool:
        """Whether one is under way or waits."""
        return bool(self.syncs) and not self.syncs[0].is_final


def files_of(name: str) -> FilesRow:
    """Read where a project's files are. Errors: NotFound."""
    with unit_of_work() as work:
        project = projects.get_project(work, name)
        setting = assets.find_setting(work, project)
        rows = tuple(map(_brought, assets.list_asset_syncs(work, project)))
        if setting is None:
            return FilesRow(name, "", "", {}, {}, {}, (), rows)
        return FilesRow(
            name, setting.source, setting.target, dict(setting.rules), dict(setting.base_urls),
            dict(setting.cdn), tuple(sorted(assets.credentials_of(setting))), rows,
        )  # fmt: skip


def _brought(row: AssetSync) -> BroughtRow:
    seconds = None
    if row.started_at is not None:
        seconds = ((row.completed_at or now()) - row.started_at).total_seconds()
    report = row.report or {}
    return BroughtRow(
        row.number, row.is_plan, row.status, row.phase, row.requested_by, row.requested_at,
        row.listed_at, row.snapshot_at, seconds, dict(row.totals), dict(row.progress),
        tuple((str(act), str(key), int(size)) for act, key, size in report.get("sample", ())),
        (*map(str, report.get("refused", ())), *_strange(row)), str(report.get("cdn", "")),
        _failure(row.error), row.cancel_requested_at is not None and row.status not in FINAL,
    )  # fmt: skip


def _strange(row: AssetSync) -> list[str]:
    names, count = (row.report or {}).get("strange", ()), row.totals.get("strange", 0)
    told = [f"{name}: its name is no text in UTF-8" for name in names]
    return [*told, f"and {count - len(told):,} more such"] if count > len(told) else told


def _failure(error: Mapping[str, Any] | None) -> Failure | None:
    if not error:
        return None
    return Failure(
        str(error.get("error", "")), str(error.get("detail", "")), str(error.get("hint", "")), ""
    )


@dataclass(frozen=True)
class ClearedRow:
    """A clearing, or the plan of one."""

    number: int
    is_plan: bool
    status: str
    by: str
    why: str
    requested_at: datetime
    freed_bytes: int
    free_bytes: int | None
    total_bytes: int | None
    count: int
    kinds: tuple[tuple[str, int, int], ...]
    items: tuple[tuple[str, str, str, int, str], ...]
    engine_cache_bytes: int
    """What the engine's build cache holds, where it was not asked for."""
    failure: Failure | None

    @property
    def is_final(self) -> bool:
        """Whether it has ended."""
        return self.status in (SyncStatus.DONE, SyncStatus.FAILED)


def clearings() -> tuple[ClearedRow, ...] | None:
    """Read the clearings, newest first; None for who may not see all projects."""
    if current_actor().visible() is not None:
        return None
    home = str(load_settings().home)
    with unit_of_work() as work:
        return tuple(_cleared(row, home) for row in cleanups.list_cleanups(work))


def _cleared(row: Cleanup, home: str) -> ClearedRow:
    report = row.report or {}
    return ClearedRow(
        row.number, row.is_plan, row.status, row.requested_by, row.why, row.requested_at,
        row.freed_bytes, report.get("free_bytes"), report.get("total_bytes"),
        int(report.get("count", 0)),
        tuple((kind, of["count"], of["bytes"]) for kind, of in report.get("kinds", {}).items()),
        tuple(
            (i["kind"], i["name"].removeprefix(home + "/"), i["why"], i["bytes"], i["outcome"])
            for i in report.get("items", ())
        ),
        0 if row.with_engine_cache else int(report.get("engine_cache_bytes") or 0),
        _failure(row.error),
    )  # fmt: skip
