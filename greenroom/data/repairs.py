"""What becomes of syncs that nobody works at. Pure."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

START_GRACE_SECONDS = 5.0
"""An order younger than this is probably being started by who placed it."""
MOST_ATTEMPTS = 3
"""Times that a sync is taken up, the first included."""


class Mend(enum.StrEnum):
    """What is done about a sync."""

    START = "start"
    """It was recorded, and its run was not started."""
    RESUME = "resume"
    """Its process was killed: another goes on."""
    END = "end"
    """It was killed too often, or shall not go on."""


@dataclass(frozen=True)
class SeenSync:
    """An unfinished sync, as it was found."""

    id: UUID
    is_running: bool
    is_alive: bool
    """Whether the process that works at it lives."""
    has_run: bool
    is_run_final: bool
    age_seconds: float
    attempts: int
    is_cancelled: bool = False
    is_run_on_its_way: bool = False
    """Whether the run that shall go on with it has not begun."""


def plan_mends(seen: Iterable[SeenSync]) -> list[tuple[UUID, Mend]]:
    """Plan what makes unfinished syncs go on, or end. Pure."""
    plan = []
    for sync in seen:
        if sync.is_run_on_its_way:
            continue
        if sync.is_running and not sync.is_alive:
            is_over = sync.is_cancelled or sync.attempts >= MOST_ATTEMPTS
            plan.append((sync.id, Mend.END if is_over else Mend.RESUME))
        elif not sync.is_running and sync.age_seconds > START_GRACE_SECONDS:
            if not sync.has_run:
                plan.append((sync.id, Mend.START))
            elif sync.is_run_final:
                plan.append((sync.id, Mend.END))
    return plan
