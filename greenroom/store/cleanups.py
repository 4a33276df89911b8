"""Queries about clearings."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from greenroom.errors import NotFound
from greenroom.store.audit import record_audit
from greenroom.store.models import Cleanup, SyncStatus, now
from greenroom.store.work import Work


def create_cleanup(work: Work, *, is_plan: bool, why: str, by: str) -> Cleanup:
    """Record that storage shall be cleared, or that it shall be told what would go."""
    made = Cleanup(is_plan=is_plan, why=why, requested_by=by, report={})
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
