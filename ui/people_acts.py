"""Accounts, members, sessions, codes, tokens: reading them, and doing what was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from greenroom import previews
from greenroom.rights import Role, Scope, current_actor
from greenroom.secrets import hash_token
from greenroom.store import factors, logins, projects, tokens, users
from greenroom.store.models import ApiToken, Session, User
from greenroom.store.work import Work, unit_of_work


@dataclass(frozen=True)
class PersonRow:
    """An account."""

    name: str
    email: str
    role: str
    projects: tuple[tuple[str, str], ...]
    has_code: bool
    is_active: bool


@dataclass(frozen=True)
class SessionRow:
    """Where somebody is logged in."""

    number: str
    client: str
    way: str
    since: datetime
    seen_at: datetime | None
    is_this: bool


@dataclass(frozen=True)
class TokenRow:
    """A token; never its secret."""

    number: int
    name: str
    scopes: tuple[str, ...]
    whose: str
    project: str
    state: str
    expires_at: datetime | None
    used_at: datetime | None


@dataclass(frozen=True)
class Own:
    """The viewer's own account."""

    role: str
    projects: tuple[tuple[str, str], ...]
    has_password: bool
    code_since: datetime | None
    codes_left: int
    pending: str
    """The address for an app's camera, while it is not proved."""
    sessions: tuple[SessionRow, ...]
    tokens: tuple[TokenRow, ...]


def _me(work: Work) -> User:
    return work.get_one(User, current_actor().user_id)


def _roles(work: Work, user: User) -> tuple[tuple[str, str], ...]:
    names = {project.id: project.name for project in projects.list_projects(work)}
    held = ((names.get(one.project_id, ""), one.role) for one in user.memberships)
    return tuple(sorted((name, role) for name, role in held if name))


def own(session_token: str) -> Own:
    """Read the viewer's own account."""
    with unit_of_work() as work:
        user, this = _me(work), hash_token(session_token)
        return Own(
            user.role, _roles(work, user), bool(user.password_hash), user.totp_since,
            len(user.recovery_codes), factors.pending_address(user) or "",
            tuple(_session(row, this) for row in logins.list_sessions(work, user)),
            tuple(_token(work, row) for row in tokens.list_tokens(work, user)),
        )  # fmt: skip


def _session(row: Session, this: str) -> SessionRow:
    return SessionRow(
        logins.number_of(row), row.client or "a browser", row.way, row.created_at, row.seen_at,
        row.token == this,
    )  # fmt: skip


def _token(work: Work, row: ApiToken) -> TokenRow:
    names = {project.id: project.name for project in projects.list_projects(work)}
    state = previews.state_of(row.revoked_at, row.expires_at, datetime.now(UTC))
    return TokenRow(
        row.number, row.name, tuple(row.scopes), row.user.name if row.user else "",
        names.get(row.project_id, "?") if row.project_id else "", state, row.expires_at,
        row.used_at,
    )  # fmt: skip


def people() -> tuple[PersonRow, ...]:
    """Read all accounts. Only for administrators."""
    with unit_of_work() as work:
        return tuple(
            PersonRow(
                row.name, row.email, row.role, _roles(work, row), row.totp_since is not None,
                row.deactivated_at is None,
            )
            for row in users.list_users(work)
        )  # fmt: skip


def members(project: str) -> tuple[tuple[str, str, bool], ...]:
    """Read who sees a project: name, role, and whether it is theirs everywhere."""
    with unit_of_work() as work:
        return tuple(users.list_members(work, projects.get_project(work, project)))


def all_tokens() -> tuple[TokenRow, ...]:
    """Read all tokens. Only for administrators."""
    with unit_of_work() as work:
        return tuple(_token(work, row) for row in tokens.list_tokens(work))


def add(name: str, email: str, role: Role | None, has_password: bool, actor: str) -> str:
    """Add an account; give its one-time password."""
    with unit_of_work() as work:
        made, password = users.add_user(
            work, name, role=role, email=email, with_password=has_password, actor=actor
        )
        return password or f"{made.name} is added, and logs in at the identity provider."


def set_role(name: str, role: Role | None, actor: str) -> str:
    """Say what somebody is in every project."""
    with unit_of_work() as work:
        users.set_role(work, name, role, actor=actor)
    return f"{name} is {role or 'nothing'} everywhere."


def set_member(project: str, name: str, role: Role | None, actor: str) -> str:
    """Say what somebody is in one project."""
    with unit_of_work() as work:
        users.set_member(work, projects.get_project(work, project), name, role, actor=actor)
    return f"{name} is {role or 'nothing'} in {project}."


def set_active(name: str, is_active: bool, actor: str) -> str:
    """Let somebody in again, or no more."""
    with unit_of_work() as work:
        (users.activate if is_active else users.deactivate)(work, name, actor=actor)
    return f"{name} may log in again." if is_active else f"{name} is let in no more."


def reset_password(name: str, actor: str) -> str:
    """Give somebody a one-time password, and ask for no code; give it."""
    with unit_of_work() as work:
        users.reset_totp(work, name, actor=actor)
        return users.reset_password(work, name, actor=actor)


def end_session(number: str, actor: str) -> str:
    """End one of the viewer's own sessions."""
    with unit_of_work() as work:
        logins.end_session(work, _me(work), number, actor=actor)
    return "That session is ended."


def begin_code(actor: str) -> str:
    """Make a secret for the viewer's app."""
    with unit_of_work() as work:
        factors.begin_totp(work, _me(work), actor=actor)
    return "Scan the code, then type what the app shows."


def prove_code(code: str, actor: str) -> list[str]:
    """Ask for codes from now on; give the recovery codes."""
    with unit_of_work() as work:
        return factors.prove_totp(work, _me(work), code, actor=actor)


def end_code(code: str, actor: str) -> str:
    """Ask for codes no more."""
    with unit_of_work() as work:
        factors.end_totp(work, _me(work), code, actor=actor)
    return "No code is asked for any more."


def add_token(name: str, scopes: Sequence[Scope], project: str, until: str, actor: str) -> str:
    """Make a token of the viewer's own; give it."""
    expires_at = previews.parse_expiry(until, datetime.now(UTC))
    with unit_of_work() as work:
        _, secret = tokens.add_token(
            work, name, scopes, user=_me(work), expires_at=expires_at, actor=actor,
            project=projects.get_project(work, project) if project else None,
        )  # fmt: skip
        return secret


def revoke_token(number: int, actor: str) -> str:
    """Take a token back."""
    with unit_of_work() as work:
        tokens.revoke_token(work, number, actor=actor)
    return f"Token #{number} opens nothing any more."
