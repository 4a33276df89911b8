"""The audit trail: one event a change, in the change's own transaction."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import select

from greenroom.store.models import AuditEvent, Environment, Project
from greenroom.store.work import Work


def record_audit(
    work: Work,
    actor: str,
    action: str,
    *,
    project: Project | None = None,
    environment: Environment | None = None,
    subject: str = "",
    **detail: Any,
) -> None:
    """Write that ``actor`` did ``action`` (``<noun>.<verb>``). ``detail`` holds no secret."""
    project_id = project.id if project else (environment.project_id if environment else None)
    work.add(
        AuditEvent(
            actor=actor,
            action=action,
            project_id=project_id,
            environment_id=environment.id if environment else None,
            subject=subject or getattr(environment or project, "name", ""),
            detail=detail,
        )
    )


def list_audit(
    work: Work, *, environment_id: uuid.UUID | None = None, limit: int = 100
) -> list[AuditEvent]:
    """List the newest events, newest first."""
    query = select(AuditEvent).order_by(AuditEvent.id.desc()).limit(limit)
    if environment_id is not None:
        query = query.where(AuditEvent.environment_id == environment_id)
    return list(work.scalars(query))
