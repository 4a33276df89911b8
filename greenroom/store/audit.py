"""The audit trail: one event a change, in the change's own transaction."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select

from greenroom.store.models import AuditEvent, Environment, Project
from greenroom.store.work import Work, ask_right


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
    """Ask whether ``action`` (``<noun>.<verb>``) is allowed, and write that ``actor`` did it.

    ``detail`` holds no secret. Errors: NotAllowed; the transaction is undone.
    """
    project_id = project.id if project else (environment.project_id if environment else None)
    ask_right(work, action, project_id)
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
    work: Work,
    *,
    environment_id: uuid.UUID | None = None,
    project: Project | None = None,
    actor: str = "",
    action: str = "",
    since: datetime | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[AuditEvent]:
    """List the newest events, newest first: of somebody, of actions that begin so, since then.

    ``before`` is an event's id: the older ones.
    """
    query = select(AuditEvent).order_by(AuditEvent.id.desc()).limit(limit)
    if environment_id is not None:
        query = query.where(AuditEvent.environment_id == environment_id)
    if project is not None:
        query = query.where(AuditEvent.project_id == project.id)
    if actor:
        query = query.where(or_(AuditEvent.actor == actor, AuditEvent.actor.endswith(f":{actor}")))
    if action:
        query = query.where(AuditEvent.action.startswith(action, autoescape=True))
    if since is not None:
        query = query.where(AuditEvent.at >= since)
    if before is not None:
        query = query.where(AuditEvent.id < before)
    return list(work.scalars(query))
