"""Room on this machine: whether one more copy fits, and what would make room for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import psutil

MEGA = 1024**2
MOST_NAMED = 5
UNKNOWN_BYTES = 256 * MEGA
"""What a copy is expected to use of which none was measured yet."""


@dataclass(frozen=True)
class Resident:
    """A copy that lives on this machine."""

    environment: str
    """``<project>/<name>``"""
    memory_bytes: int
    is_kept: bool = False
    """It serves no more: it is there for an instant rollback."""
    is_paused: bool = False
    is_production: bool = False


def free_memory_bytes() -> int:
    """Give how much memory could be given out without swapping."""
    return int(psutil.virtual_memory().available)


def expected_bytes(limit_bytes: int, used_bytes: int | None) -> int:
    """Say what a new copy will use, by what the one that serves uses. Pure.

    Twice as much, for two versions differ; never more than its limit allows.
    """
    likely = UNKNOWN_BYTES if not used_bytes else 2 * used_bytes + 32 * MEGA
    return min(limit_bytes, likely)


def refuse_memory(
    wanted_bytes: int, free_bytes: int, reserve_bytes: int, residents: Iterable[Resident]
) -> tuple[str, str] | None:
    """Say why a copy does not fit, and what would free room; None when it does. Pure.

    What it is expected to use must be free, and the reserve beside it.
    """
    missing = wanted_bytes + reserve_bytes - free_bytes
    if missing <= 0:
        return None
    why = (
        f"it is expected to use {wanted_bytes // MEGA} MiB of memory, and"
        f" {max(0, free_bytes) // MEGA} MiB are free, of which {reserve_bytes // MEGA} stay for"
        " the machine"
    )
    ranked = sorted(
        (r for r in residents if r.memory_bytes > 0 and (r.is_kept or not r.is_production)),
        key=lambda r: (not r.is_kept, not r.is_paused, -r.memory_bytes),
    )
    named = "; ".join(f"{_way(r)} ({r.memory_bytes // MEGA} MiB)" for r in ranked[:MOST_NAMED])
    would = f"This would free memory: {named}." if named else "No copy here could be spared."
    return why, f"{would} Or give resources.size a smaller one, or the machine more."


def _way(resident: Resident) -> str:
    if resident.is_kept:
        return f"the version of {resident.environment} that is kept for rollback, soon gone"
    verb = "destroy" if not resident.is_paused else "stop or destroy (it sleeps)"
    return f"{verb} {resident.environment}"
