"""Queries about clearings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, update

from greenroom.errors import NotFound
from greenroom.store.audit import record_audit
from greenroom.store.models import Cleanup, Deployment, DeploymentLog, Sync, SyncStatus, now
from greenroom.store.work import Work


def create_cleanup(
    work: Work, *, is_plan: bool, why: str, by: str, with_engine_cache: bool = False
) -> Cleanup:
    """Record that storage shall be cleared, or that it shall be told what would go."""
    made = Cleanup(
        is_plan=is_plan, why=why, requested_by=by, report={}, with_engine_cache=with_engine_cache
    )
    work.add(made)
    work.flush()
    record_audit(work, by, "cleanup.request", subject=f"#{made.number}", is_plan=is_plan)
    return made


def get_cleanup(work: Work, number: int) -> Cleanup:
    """Get a clearing.

    Errors: NotFound.
    """
    found = work.get(Cleanup, number)
    if found is None:
        raise NotFound(f"there is no cleanup #{number}")
    return found


def list_cleanups(work: Work, *, limit: int = 20) -> list[Cleanup]:
    """List clearings, newest first."""
    return list(work.scalars(select(Cleanup).order_by(Cleanup.number.desc()).limit(limit)))


def list_unfinished_cleanups(work: Work) -> list[Cleanup]:
    """List clearings that have not ended."""
    return list(work.scalars(select(Cleanup).where(Cleanup.status == SyncStatus.QUEUED)))


def finish_cleanup(
    row: Cleanup, report: dict[str, Any], freed_bytes: int, error: dict[str, Any] | None = None
) -> None:
    """Give a clearing its end. Idempotent."""
    row.status = SyncStatus.FAILED if error else SyncStatus.DONE
    row.report, row.freed_bytes, row.error, row.completed_at = report, freed_bytes, error, now()


CLEARED_LOG = "[log] it was old, and is cleared"
"""Stands where a log's text was."""


@dataclass(frozen=True)
class OldLogs:
    """Logs that may go."""

    count: int
    size_bytes: int
    newest_at: datetime


def find_old_logs(work: Work, before: datetime, is_lines: bool) -> OldLogs:
    """Find the logs of what ended before a moment: the rows that were followed, or the texts.

    The text of what serves stays, however old.
    """
    if is_lines:
        counted = func.count(DeploymentLog.deployment_id.distinct())
        size = func.sum(func.pg_column_size(DeploymentLog.line) + 50)
        row = work.execute(
            select(counted, size, func.max(Deployment.completed_at))
            .join(Deployment, Deployment.id == DeploymentLog.deployment_id)
            .where(Deployment.completed_at < before)
        ).one()
        rows = [row]
    else:
        rows = [
            work.execute(
                select(func.count(), func.sum(func.pg_column_size(of.log_output)),
                       func.max(of.completed_at)).where(*_with_old_text(of, before))
            ).one()
            for of in (Deployment, Sync)
        ]  # fmt: skip
    newest = [row[2] for row in rows if row[2] is not None]
    return OldLogs(
        sum(row[0] for row in rows), sum(int(row[1] or 0) for row in rows),
        max(newest, default=before),
    )  # fmt: skip


def _with_old_text(of: type[Deployment] | type[Sync], before: datetime
                   ) -> list[ColumnElement[bool]]:  # fmt: skip
    ended = [of.completed_at < before, of.log_output.notin_(("", CLEARED_LOG))]
    return [*ended, Deployment.status != "live"] if of is Deployment else ended


def clear_old_logs(work: Work, before: datetime, is_lines: bool) -> None:
    """Clear what :func:`find_old_logs` finds. Idempotent."""
    if is_lines:
        ended = select(Deployment.id).where(Deployment.completed_at < before)
        work.execute(delete(DeploymentLog).where(DeploymentLog.deployment_id.in_(ended)))
        return
    for of in (Deployment, Sync):
        work.execute(update(of).where(*_with_old_text(of, before)).values(log_output=CLEARED_LOG))
