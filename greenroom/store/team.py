"""Who of the team is logged in: what the gateway knows of them, and asks before each write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from greenroom.rights import Role, can
from greenroom.store.models import Project, Session, User, now
from greenroom.store.work import Work


@dataclass(frozen=True)
class Member:
    """One of the team, by a session at the console."""

    name: str
    expires_at: datetime
    role: Role | None = None
    """In every project."""
    roles: Mapping[str, Role] = field(default_factory=dict)
    """In single projects, by their names."""

    def may(self, act: str, project: str) -> bool:
        """Whether they may do something in a project."""
        return can(self.role, act) or can(self.roles.get(project), act)


def list_members(work: Work) -> dict[str, Member]:
    """Give everybody who is logged in, by their session's fingerprint."""
    return _read(work, None)


def find_member(work: Work, session: str) -> Member | None:
    """Find who a session belongs to, if it still holds and they may still come in."""
    return _read(work, session).get(session)


def _read(work: Work, session: str | None) -> dict[str, Member]:
    query = (
        select(Session)
        .options(joinedload(Session.user))
        .join(User, User.id == Session.user_id)
        .where(Session.expires_at > now(), User.deactivated_at.is_(None))
    )
    if session is not None:
        query = query.where(Session.token == session)
    rows = list(work.scalars(query))
    names = {row.id: row.name for row in work.scalars(select(Project))} if rows else {}
    return {
        row.token: Member(
            row.user.name, row.expires_at, Role(row.user.role) if row.user.role else None,
            {names[m.project_id]: Role(m.role) for m in row.user.memberships
             if m.project_id in names},
        )
        for row in rows
    }  # fmt: skip
