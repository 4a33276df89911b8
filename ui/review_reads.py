"""What the page of an environment tells about its review."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from greenroom import promotions
from greenroom.approving import said_by
from greenroom.store import approvals, environments
from greenroom.store.models import EnvironmentKind
from greenroom.store.work import unit_of_work


@dataclass(frozen=True)
class SaidRow:
    """What somebody said about the artifact that is shown."""

    by: str
    verdict: str
    page: str
    """Empty: the whole."""
    note: str
    at: datetime


@dataclass(frozen=True)
class BackupRow:
    """A backup of production's database."""

    before: int
    commit: str
    at: datetime
    tables: int
    size_bytes: int


@dataclass(frozen=True)
class Review:
    """Where the review of an environment stands."""

    is_production: bool
    commit: str
    artifact: str
    is_open: bool
    is_live: bool
    """Whether production shows this artifact already."""
    words: str
    rule: str
    pages: tuple[str, ...]
    """Those that are approved one by one."""
    said: tuple[SaidRow, ...]
    held_by: str
    held_at: datetime | None
    backups: tuple[BackupRow, ...]


def review(reference: str) -> Review:
    """Read where the review of an environment stands.

    Errors: NotFound.
    """
    with unit_of_work() as work:
        row = environments.get_environment(work, reference)
        release, project = row.release, row.project
        judgement = promotions.judge_environment(work, row)
        production = environments.find_environment(work, project, EnvironmentKind.PRODUCTION)
        is_production = row.kind == EnvironmentKind.PRODUCTION
        said = approvals.list_approvals(work, release) if release else []
        kept = approvals.list_backups(work, project) if is_production else []
        return Review(
            is_production=is_production,
            commit=release.commit_hash if release else "",
            artifact=release.artifact if release else "",
            is_open=judgement is not None and judgement.is_open,
            is_live=bool(release and production and production.release_id == release.id),
            words=judgement.words if judgement else "",
            rule=promotions.describe_rule(project),
            pages=tuple(project.review_pages),
            said=tuple(
                SaidRow(
                    said_by(one.decided_by), one.verdict, one.page, one.note, one.decided_at
                )
                for one in reversed(said)
            ),
            held_by=row.held_by,
            held_at=row.held_at,
            backups=tuple(
                BackupRow(b.deployment.number, b.deployment.commit_hash, b.created_at, b.tables,
                          b.size_bytes)
                for b in kept
            ),
        )  # fmt: skip
