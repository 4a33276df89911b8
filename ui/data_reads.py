"""What the page about data reads, as small frozen values: no value of production is among them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from greenroom.data.policy import Policy, load_policy
from greenroom.store import environments, policies, projects, syncs
from greenroom.store.models import EnvironmentKind, Sync, SyncStatus, now
from greenroom.store.work import unit_of_work
from ui.reads import Failure

STEPS = (
    "snapshot", "plan", "tables", "data", "indexes", "hooks", "proof", "settle", "report", "swap",
    "environment",
)  # fmt: skip
"""The phases of a sync in their order."""


@dataclass(frozen=True)
class TableRow:
    """How far a table has come."""

    name: str
    rows: int
    estimated_rows: int
    octets: int
    size_bytes: int
    chunks: int
    of_chunks: int

    @property
    def is_whole(self) -> bool:
        """Whether all of it has arrived."""
        return self.chunks >= self.of_chunks > 0


@dataclass(frozen=True)
class SyncRow:
    """A sync, as the page shows it."""

    id: uuid.UUID
    number: int
    status: str
    phase: str
    environment: str
    """Its name; empty when only new environments get the data."""
    by: str
    requested_at: datetime
    snapshot_at: datetime | None
    seconds: float | None
    phases: tuple[tuple[str, float], ...]
    failure: Failure | None
    is_final: bool
    is_stopping: bool
    has_report: bool
    tables: tuple[TableRow, ...] = field(default=())

    @property
    def ratio(self) -> float:
        """How much of the rows has arrived, 0 to 1, by the size of the tables."""
        total = sum(t.size_bytes for t in self.tables) or 1
        done = sum(t.size_bytes * t.chunks / max(1, t.of_chunks) for t in self.tables)
        return min(1.0, done / total)

    @property
    def seconds_left(self) -> float | None:
        """How long the copying will go on, if it goes on as it went."""
        took = dict(self.phases).get("data") or (self.seconds or 0.0)
        if self.phase != "data" or self.ratio < 0.05:
            return None
        return took * (1 - self.ratio) / self.ratio

    @property
    def rows(self) -> int:
        """Rows that have arrived."""
        return sum(table.rows for table in self.tables)

    @property
    def octets(self) -> int:
        """Octets that have arrived."""
        return sum(table.octets for table in self.tables)


@dataclass(frozen=True)
class DataRow:
    """Where a project's data stands."""

    project: str
    has_production: bool
    policy_number: int | None
    approved_by: str
    approved_at: datetime | None
    current: SyncRow | None
    """The sync whose data new environments get."""
    newest: SyncRow | None
    staging: tuple[str, ...]
    """Names of the environments that can get it."""


def list_projects() -> tuple[str, ...]:
    """List the projects by name."""
    with unit_of_work() as work:
        return tuple(project.name for project in projects.list_projects(work))


def data_of(name: str) -> DataRow:
    """Read where a project's data stands. Errors: NotFound."""
    with unit_of_work() as work:
        project = projects.get_project(work, name)
        policy = policies.find_policy(work, project)
        current = syncs.last_done(work, project)
        newest = syncs.list_syncs(work, project, limit=1)
        staging = tuple(
            environment.name
            for environment in environments.list_environments(work, project)
            if environment.kind != EnvironmentKind.PRODUCTION
        )
        return DataRow(
            name, project.production_database_url is not None,
            policy.number if policy else None, policy.approved_by if policy else "",
            policy.approved_at if policy else None,
            _sync(current) if current else None, _sync(newest[0]) if newest else None, staging,
        )  # fmt: skip


def history(name: str) -> tuple[SyncRow, ...]:
    """Read a project's syncs, newest first."""
    with unit_of_work() as work:
        return tuple(map(_sync, syncs.list_syncs(work, projects.get_project(work, name))))


def _sync(row: Sync) -> SyncRow:
    is_final = row.status in syncs.FINAL
    seconds = None
    if row.started_at is not None:
        seconds = ((row.completed_at or now()) - row.started_at).total_seconds()
    error: Mapping[str, Any] = row.error or {}
    failure = Failure(
        str(error.get("error", "")), str(error.get("detail", "")), str(error.get("hint", "")), ""
    )
    phases = [(k, float(v)) for k, v in row.phases.items() if isinstance(v, int | float)]
    phases.sort(key=lambda pair: STEPS.index(pair[0]) if pair[0] in STEPS else len(STEPS))
    return SyncRow(
        row.id, row.number, row.status, row.phase, row.environment.name if row.environment else "",
        row.requested_by, row.requested_at, row.snapshot_at, seconds, tuple(phases),
        failure if error else None, is_final,
        row.cancel_requested_at is not None and not is_final, row.report is not None,
        tuple(_table(name, table) for name, table in sorted(row.progress.items())),
    )  # fmt: skip


def _table(name: str, row: Mapping[str, Any]) -> TableRow:
    keys = ("rows", "estimated_rows", "octets", "size_bytes", "chunks", "of_chunks")
    return TableRow(name, *(int(row.get(key, 0)) for key in keys))


def log_of(sync_id: uuid.UUID) -> tuple[str, ...]:
    """Read a sync's log, already redacted."""
    with unit_of_work() as work:
        return tuple(syncs.get_sync(work, sync_id).log_output.splitlines())


def report_of(name: str, number: int) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Read a sync's report and its signature."""
    with unit_of_work() as work:
        row = syncs.find_sync(work, projects.get_project(work, name), f"#{number}")
        return (row.report, row.signature or {}) if row.report else None


def policy_of(name: str) -> Policy | None:
    """Read the policy in force."""
    with unit_of_work() as work:
        text = policies.current_policy(work, projects.get_project(work, name))
    return load_policy(text) if text else None


def is_live(row: DataRow) -> bool:
    """Whether a sync is under way or waits."""
    return row.newest is not None and row.newest.status in (SyncStatus.RUNNING, SyncStatus.QUEUED)
