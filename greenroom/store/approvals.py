"""Queries about approvals of artifacts and backups of production's databases."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from greenroom.errors import NotFound
from greenroom.store.audit import record_audit
from greenroom.store.models import Approval, Backup, Deployment, Environment, Project, Release
from greenroom.store.states import Verdict
from greenroom.store.work import Work


def add_approval(
    work: Work, environment: Environment, release: Release, verdict: Verdict, note: str, *,
    by: str, page: str = "",
) -> Approval:  # fmt: skip
    """Record what somebody says about what an environment shows."""
    made = Approval(
        project_id=environment.project_id, environment_id=environment.id, release_id=release.id,
        artifact=release.artifact, verdict=verdict, page=page, note=note,
        decided_by=by,
    )  # fmt: skip
    work.add(made)
    work.flush()
    record_audit(
        work, by, f"release.{verdict}", environment=environment,
        subject=f"{environment.name} {release.commit_hash[:12]} {page}".rstrip(),
        artifact=release.artifact,
    )  # fmt: skip
    return made


def list_approvals(work: Work, release: Release) -> list[Approval]:
    """List what was said about a release's present artifact, oldest first."""
    return list(
        work.scalars(
            select(Approval)
            .where(Approval.release_id == release.id, Approval.artifact == release.artifact)
            .order_by(Approval.decided_at, Approval.id)
        )
    )


def list_deployers(work: Work, release: Release) -> set[str]:
    """Give who asked for the first deployment of a release, in each environment."""
    rows = work.scalars(
        select(Deployment)
        .distinct(Deployment.environment_id)
        .where(Deployment.release_id == release.id, Deployment.kind == "deploy")
        .order_by(Deployment.environment_id, Deployment.number)
    )
    return {row.deployed_by for row in rows}


def find_backup(work: Work, deployment_id: uuid.UUID) -> Backup | None:
    """Find the backup that was made for a deployment."""
    return work.scalar(select(Backup).where(Backup.deployment_id == deployment_id))


def list_backups(work: Work, project: Project) -> list[Backup]:
    """List a project's kept backups, newest first."""
    return list(
        work.scalars(
            select(Backup)
            .options(joinedload(Backup.deployment))
            .where(Backup.project_id == project.id, Backup.removed_at.is_(None))
            .order_by(Backup.created_at.desc())
        )
    )


def get_backup(work: Work, project: Project, number: int) -> Backup:
    """Get the backup of production's deployment ``#number``.

    Errors: NotFound.
    """
    known: Iterable[Backup] = list_backups(work, project)
    for backup in known:
        if backup.deployment.number == number:
            return backup
    raise NotFound(
        f"there is no backup of {project.name}'s production before #{number}",
        hint=f"`greenroom backup list {project.name}` lists them.",
    )
