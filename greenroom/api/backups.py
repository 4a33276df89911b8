"""Backups of production's databases. They hold people: only an administrator reads one, audited."""

from __future__ import annotations

from datetime import datetime
from itertools import chain

from fastapi.responses import StreamingResponse

from greenroom.api.noun import Noun, Number, Project, Shown
from greenroom.data.backup import open_backup
from greenroom.errors import BackupFailed
from greenroom.rights import current_actor
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
    """List the backups of production."""
    with unit_of_work() as work:
        return [
            BackupShape(
                before=row.deployment.number, commit_hash=row.deployment.commit_hash,
                created_at=row.created_at, tables=row.tables, size_bytes=row.size_bytes,
                digest=row.digest,
            )
            for row in approvals.list_backups(work, projects.get_project(work, project))
        ]  # fmt: skip


@router.reads(
    "/projects/{project}/backups/{number}/download", "backup.read",
    response_class=StreamingResponse,
)  # fmt: skip
def download_backup(project: Project, number: Number) -> StreamingResponse:
    """Give the backup from before production's deployment, decrypted, for `pg_restore`.

    The connection breaks off where it does not read to its end.
    """
    parts = open_backup(project, number, actor=current_actor().name)
    first = next(parts, None)
    if first is None:
        raise BackupFailed("the backup is empty")
    name = f'attachment; filename="{project}-before-{number}.dump"'
    headers = {"Content-Disposition": name, "Cache-Control": "no-store"}
    return StreamingResponse(
        chain([first], parts), media_type="application/octet-stream", headers=headers
    )
