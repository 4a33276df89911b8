"""Backups of production's databases: that they are there. They hold people, and stay here."""

from __future__ import annotations

from datetime import datetime

from greenroom.api.noun import Noun, Project, Shown
from greenroom.store import approvals, projects
from greenroom.store.work import unit_of_work

router = Noun("backups")


class BackupShape(Shown):
    """A backup."""

    before: int
    """The number of production's deployment that it was made for."""
    commit_hash: str
    created_at: datetime
    tables: int
    size_bytes: int
    digest: str


@router.reads("/projects/{project}/backups")
def list_backups(project: Project) -> list[BackupShape]:
    """List the backups of production. `greenroom backup write` decrypts one, on the machine."""
    with unit_of_work() as work:
        return [
            BackupShape(
                before=row.deployment.number, commit_hash=row.deployment.commit_hash,
                created_at=row.created_at, tables=row.tables, size_bytes=row.size_bytes,
                digest=row.digest,
            )
            for row in approvals.list_backups(work, projects.get_project(work, project))
        ]  # fmt: skip
