"""What the pages know of comparisons, and ordering one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from greenroom.comparing import folder_of, place_comparison
from greenroom.store import comparisons, environments
from greenroom.store.work import unit_of_work


@dataclass(frozen=True)
class ComparisonRow:
    """A comparison."""

    number: int
    status: str
    by: str
    at: datetime
    commit: str
    production_commit: str
    pages: tuple[dict[str, Any], ...]
    failure: str
    folder: Path


def listed(reference: str) -> tuple[ComparisonRow, ...]:
    """Give an environment's comparisons, newest first."""
    with unit_of_work() as work:
        environment = environments.get_environment(work, reference)
        return tuple(
            ComparisonRow(
                row.number, row.status, row.requested_by, row.requested_at, row.commit_hash,
                row.production_commit, tuple(row.pages),
                str((row.error or {}).get("detail", "")), folder_of(row.id),
            )
            for row in comparisons.list_comparisons(work, environment)
        )  # fmt: skip


def order(reference: str, paths: Sequence[str], actor: str) -> str:
    """Order a comparison of an environment with production."""
    place_comparison(reference, paths, actor=actor)
    return "The comparison is on its way; it takes some seconds a page."
