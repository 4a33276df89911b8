"""People: accounts, members of projects, tokens, and the audit trail."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import AwareDatetime, Field

from greenroom import previews
from greenroom.api.noun import Done, Given, Limit, Noun, Number, Project, Short, Shown
from greenroom.errors import NotAllowed
from greenroom.rights import Role, Scope, current_actor
from greenroom.store import audit, environments, logins, projects, tokens, users
from greenroom.store.models import ApiToken, User
from greenroom.store.work import Work, unit_of_work

router = Noun("people")
Name = Annotated[str, Path(max_length=60, examples=["bea"])]


class Me(Shown):
    """Whom the token acts for."""

    name: str
    role: str | None
    scopes: list[str]
    projects: dict[str, str]
    """Role by project."""


@router.reads("/me")
def get_me() -> Me:
    """Show whom the token acts for, and with which rights."""
    actor = current_actor()
    with unit_of_work() as work:
        seen = {p.name: actor.role_in(p.id) for p in projects.list_projects(work)}
    return Me(
        name=actor.name, role=actor.role, scopes=sorted(actor.scopes or ()),
        projects={name: str(role) for name, role in seen.items() if role},
    )  # fmt: skip


class UserShape(Shown):
    """An account."""

    name: str
    email: str
    role: str
    projects: dict[str, str]
    has_second_factor: bool
    is_active: bool
    created_at: datetime

    @classmethod
    def of(cls, row: User, names: dict[uuid.UUID, str]) -> UserShape:
        """Show a row."""
        roles = {names.get(one.project_id, ""): one.role for one in row.memberships}
        return cls(
            name=row.name, email=row.email, role=row.role or "none", created_at=row.created_at,
            projects={name: role for name, role in roles.items() if name},
            has_second_factor=row.totp_since is not None, is_active=row.deactivated_at is None,
        )  # fmt: skip


def _names(work: Work) -> dict[uuid.UUID, str]:
    return {project.id: project.name for project in projects.list_projects(work)}


@router.reads("/users", "user.read")
def list_users() -> list[UserShape]:
    """List the accounts."""
    with unit_of_work() as work:
        names = _names(work)
        return [UserShape.of(row, names) for row in users.list_users(work)]


class NewUser(Given):
    """An account to add."""

    name: Short
    email: Short = ""
    role: Role | None = Field(None, description="In every project.")
    with_password: bool = True


class Added(UserShape):
    """An account that was just added."""

    password: str = Field(description="For one login. Shown once; empty without a password.")


@router.writes("POST", "/users", "user.add", status_code=201)
def add_user(given: NewUser) -> Added:
    """Add an account. Its one-time password is in this answer, and in no other."""
    with unit_of_work() as work:
        made, password = users.add_user(
            work, given.name, role=given.role, email=given.email,
            with_password=given.with_password, actor=current_actor().name,
        )  # fmt: skip
        return Added(**UserShape.of(made, {}).model_dump(), password=password)


class RoleGiven(Given):
    """What somebody is; null takes it back."""

    role: Role | None


@router.writes("PUT", "/users/{name}/role", "user.set_role")
def set_role(name: Name, given: RoleGiven) -> UserShape:
    """Say what somebody is in every project."""
    with unit_of_work() as work:
        row = users.set_role(work, name, given.role, actor=current_actor().name)
        return UserShape.of(row, _names(work))


class EmailGiven(Given):
    """An address; empty takes it back."""

    email: Short


@router.writes("PUT", "/users/{name}/email", "user.set_email")
def set_email(name: Name, given: EmailGiven) -> Done:
    """Say by which address a login at an identity provider finds somebody."""
    with unit_of_work() as work:
        users.set_email(work, name, given.email, actor=current_actor().name)
    return Done(done="It is saved.")


@router.writes("POST", "/users/{name}/deactivate", "user.deactivate")
def deactivate_user(name: Name) -> Done:
    """Let somebody in no more: sessions and tokens end at once."""
    with unit_of_work() as work:
        users.deactivate(work, name, actor=current_actor().name)
    return Done(done=f"{name} is let in no more.")


@router.writes("POST", "/users/{name}/activate", "user.activate")
def activate_user(name: Name) -> Done:
    """Let somebody in again."""
    with unit_of_work() as work:
        users.activate(work, name, actor=current_actor().name)
    return Done(done=f"{name} may log in again.")


class OneTime(Shown):
    """A password for one login."""

    password: str


@router.writes("POST", "/users/{name}/password", "user.reset_password")
def reset_password(name: Name) -> OneTime:
    """Give somebody a new one-time password, and end their sessions."""
    with unit_of_work() as work:
        return OneTime(password=users.reset_password(work, name, actor=current_actor().name))


class SessionShape(Shown):
    """Where somebody is logged in."""

    number: str
    client: str
    way: str
    created_at: datetime
    seen_at: datetime | None
    expires_at: datetime


@router.reads("/users/{name}/sessions", "user.read")
def list_sessions(name: Name) -> list[SessionShape]:
    """List where somebody is logged in."""
    with unit_of_work() as work:
        return [
            SessionShape(
                number=logins.number_of(row), client=row.client, way=row.way, seen_at=row.seen_at,
                created_at=row.created_at, expires_at=row.expires_at,
            )
            for row in logins.list_sessions(work, users.get_user(work, name))
        ]  # fmt: skip


@router.writes("DELETE", "/users/{name}/sessions/{session}", "user.end_session")
def end_session(
    name: Name, session: Annotated[str, Path(pattern="^[0-9a-f]{12}$")]
) -> Done:  # fmt: skip
    """End one of somebody's sessions."""
    with unit_of_work() as work:
        found = users.get_user(work, name)
        logins.end_session(work, found, session, actor=current_actor().name)
    return Done(done="It is ended.")


class Member(Shown):
    """Somebody in a project."""

    name: str
    role: str
    is_everywhere: bool


@router.reads("/projects/{project}/members")
def list_members(project: Project) -> list[Member]:
    """List who sees a project, and what they are there."""
    with unit_of_work() as work:
        return [
            Member(name=name, role=role, is_everywhere=everywhere)
            for name, role, everywhere in users.list_members(
                work, projects.get_project(work, project)
            )
        ]


@router.writes("PUT", "/projects/{project}/members/{name}", "member.set")
def set_member(project: Project, name: Name, given: RoleGiven) -> Done:
    """Say what somebody is in one project."""
    with unit_of_work() as work:
        found = projects.get_project(work, project)
        users.set_member(work, found, name, given.role, actor=current_actor().name)
    return Done(done=f"{name} is {given.role or 'nothing'} in {project}.")


class TokenShape(Shown):
    """A token; never its secret."""

    number: int
    name: str
    scopes: list[str]
    user: str | None
    project: str | None
    state: str
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None

    @classmethod
    def of(cls, row: ApiToken, names: dict[uuid.UUID, str]) -> TokenShape:
        """Show a row."""
        return cls(
            number=row.number, name=row.name, scopes=row.scopes, created_by=row.created_by,
            user=row.user.name if row.user else None, expires_at=row.expires_at,
            project=names.get(row.project_id) if row.project_id else None, used_at=row.used_at,
            created_at=row.created_at,
            state=previews.state_of(row.revoked_at, row.expires_at, datetime.now(UTC)),
        )  # fmt: skip


@router.reads("/tokens", "user.read")
def list_tokens() -> list[TokenShape]:
    """List the tokens, and when each was last used."""
    with unit_of_work() as work:
        names = _names(work)
        return [TokenShape.of(row, names) for row in tokens.list_tokens(work)]


class NewToken(Given):
    """A token to make."""

    name: Short
    scopes: list[Scope] = Field(min_length=1, max_length=10)
    project: Short = Field("", description="Default: every project.")
    user: Short = Field("", description="It may no more than this account; default: its own.")
    until: Annotated[str, Field(max_length=20)] = "90d"


class MadeToken(TokenShape):
    """A token that was just made. Its secret is shown once."""

    token: str


@router.writes("POST", "/tokens", "token.add", status_code=201)
def add_token(given: NewToken) -> MadeToken:
    """Make a token. Its secret is in this answer, and in no other."""
    expires_at = previews.parse_expiry(given.until, datetime.now(UTC))
    asks = current_actor()
    with unit_of_work() as work:
        owner = projects.get_project(work, given.project) if given.project else None
        whose = users.get_user(work, given.user) if given.user else None
        if whose is None and asks.user_id is not None:
            raise NotAllowed(
                "a person's token makes no program's own", hint="Name whose it is: user."
            )
        made, secret = tokens.add_token(
            work, given.name, given.scopes, project=owner, user=whose, expires_at=expires_at,
            actor=asks.name,
        )  # fmt: skip
        return MadeToken(**TokenShape.of(made, _names(work)).model_dump(), token=secret)


@router.writes("DELETE", "/tokens/{number}", "token.revoke")
def revoke_token(number: Number) -> Done:
    """Take a token back, at once and for good."""
    with unit_of_work() as work:
        tokens.revoke_token(work, number, actor=current_actor().name)
    return Done(done=f"Token #{number} opens nothing any more.")


class Event(Shown):
    """Who did what."""

    id: int
    at: datetime
    actor: str
    act: str
    subject: str
    detail: dict[str, Any]


@router.reads("/audit")
def list_audit(
    project: Annotated[str, Query(max_length=100)] = "",
    environment: Annotated[str, Query(max_length=100, description="<project>/<name>")] = "",
    by: Annotated[str, Query(max_length=100)] = "",
    act: Annotated[str, Query(max_length=100, description="Acts that begin so.")] = "",
    since: AwareDatetime | None = None,
    before: Annotated[int | None, Query(ge=1, le=2**62, description="An event's id.")] = None,
    limit: Limit = 50,
) -> list[Event]:
    """Show who did what, the newest first."""
    with unit_of_work() as work:
        key = environments.get_environment(work, environment).id if environment else None
        rows = audit.list_audit(
            work, environment_id=key, actor=by, action=act, before=before, limit=limit,
            project=projects.get_project(work, project) if project else None, since=since,
        )  # fmt: skip
        return [
            Event(
                id=row.id, at=row.at, actor=row.actor, act=row.action, subject=row.subject,
                detail=row.detail,
            )
            for row in rows
        ]  # fmt: skip
