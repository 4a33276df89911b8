"""Storage: what nobody needs any more is cleared."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from greenroom import cleaning
from greenroom.api.noun import Given, Limit, Noun, Number, Shown
from greenroom.api.shapes import is_started
from greenroom.rights import current_actor
from greenroom.store import cleanups as store
from greenroom.store.work import unit_of_work

router = Noun("storage")


class CleanupShape(Shown):
    """A clearing, or the plan of one."""

    number: int
    is_plan: bool
    with_engine_cache: bool
    status: str
    why: str
    requested_by: str
    requested_at: datetime
    completed_at: datetime | None
    freed_bytes: int
    report: dict[str, Any]
    error: dict[str, Any] | None


@router.reads("/cleanups", "cleanup.request")
def list_cleanups(limit: Limit = 20) -> list[CleanupShape]:
    """List clearings, the newest first."""
    with unit_of_work() as work:
        rows = store.list_cleanups(work, limit=limit)
        return [CleanupShape.model_validate(row) for row in rows]


@router.reads("/cleanups/{number}", "cleanup.request")
def get_cleanup(number: Number) -> CleanupShape:
    """Show a clearing, and what it removed."""
    with unit_of_work() as work:
        return CleanupShape.model_validate(store.get_cleanup(work, number))


class CleanupWish(Given):
    """Whether to remove, or only to tell."""

    is_plan: bool = Field(False, description="Tell what would go; remove nothing.")
    with_engine_cache: bool = Field(
        False, description="Also the engine's build cache: everybody's who builds with it."
    )


class CleanupOrdered(Shown):
    """A clearing is recorded."""

    number: int
    is_started: bool


@router.writes("POST", "/cleanups", "cleanup.request", status_code=202)
def clean_up(given: CleanupWish | None = None) -> CleanupOrdered:
    """Remove what nobody needs any more, or tell what would go."""
    given = given or CleanupWish(is_plan=False, with_engine_cache=False)
    with unit_of_work() as work:
        number = store.create_cleanup(
            work, is_plan=given.is_plan, why="asked for", by=current_actor().name,
            with_engine_cache=given.with_engine_cache,
        ).number  # fmt: skip
    return CleanupOrdered(
        number=number, is_started=is_started(lambda: cleaning.start_cleanup(number))
    )
