"""Who may do what: one table of acts, and the question that the store asks of every change. Pure.

A process of the platform's own, or somebody at the machine's command line, acts as the platform's
owner. Console and API act for people: they name whoever asks, and nobody is the default there.
"""

from __future__ import annotations

import enum
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from greenroom.errors import NotAllowed


class Role(enum.StrEnum):
    """What somebody is in a project, or in all of them; each may what those before it may."""

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    DEVELOPER = "developer"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """Its place, from the least."""
        return list(Role).index(self)


class Scope(enum.StrEnum):
    """What an API token is for. Each includes reading; ``admin`` includes all."""

    READ = "read"
    DEPLOY = "deploy"
    REVIEW = "review"
    DATA = "data"
    ADMIN = "admin"


@dataclass(frozen=True)
class Right:
    """What an act needs."""

    role: Role
    scope: Scope
    is_own: bool = False
    """About one's own account: no project is asked for."""


def _acts(role: Role, scope: Scope, *names: str, is_own: bool = False) -> dict[str, Right]:
    return {name: Right(role, scope, is_own) for name in names}


RIGHTS: Mapping[str, Right] = {
    **_acts(Role.VIEWER, Scope.READ, "project.read"),
    **_acts(
        Role.VIEWER, Scope.ADMIN, "account.change_password", "account.set_totp",
        "account.add_token", "account.revoke_token", "account.end_session", is_own=True,
    ),
    **_acts(
        Role.REVIEWER, Scope.REVIEW, "release.approved", "release.changes", "release.withdrawn",
        "comment.create", "comment.reply", "comment.resolve", "comment.reopen",
        "comment.want_issue", "link.create",
        "link.extend", "link.revoke", "comparison.request", "comparison.approved",
        "comparison.rejected", "comparison.ignore", "comparison.heed", "measurement.request",
        "isolation.check", "environment.wake",
    ),
    **_acts(
        Role.DEVELOPER, Scope.DEPLOY, "deployment.deploy", "deployment.rollback",
        "deployment.promote", "deployment.cancel", "environment.create", "environment.destroy",
        "environment.free", "environment.extend", "environment.approve_fork", "variable.set",
        "variable.unset", "mail.delete", "mail.release",
    ),
    **_acts(
        Role.DEVELOPER, Scope.DATA, "data.look", "sync.request", "sync.cancel", "sync.back",
        "assets.plan", "assets.sync", "assets.cancel",
    ),
    **_acts(Role.ADMIN, Scope.DATA, "policy.approve", "key.make", "key.rotate"),
    **_acts(
        Role.ADMIN, Scope.ADMIN, "production.destroy", "project.add", "project.set_production",
        "project.set_production_database", "project.set_forge", "project.set_previews",
        "project.set_host", "project.forget_host",
        "project.set_access", "project.set_life", "domain.add", "domain.verify", "domain.remove",
        "project.set_mail_release", "project.set_assets", "project.forget_assets",
        "cleanup.request", "machine.add", "machine.drain", "machine.undrain", "machine.remove",
        "machine.read",
        "project.show_webhook_secret", "project.set_tracker", "project.set_tracker_secret",
        "project.forget_tracker", "project.show_tracker_secret", "backup.read", "notice_target.add",
        "notice_target.test", "notice_target.remove", "member.set", "member.remove", "user.add",
        "user.set_role", "user.set_email", "user.deactivate", "user.activate",
        "user.reset_password", "user.reset_totp", "user.read", "user.end_session",
        "token.add", "token.revoke", "platform.change",
    ),
}  # fmt: skip
"""Every act that changes something, or shows what not everybody may see, by its name in the audit
trail. An act that is not here is the administrators'."""
MACHINE_ACTS = frozenset(
    {
        "user.log_in", "user.log_in_refused", "user.locked", "link.locked", "environment.destroyed",
        "sync.done", "sync.failed", "sync.cancelled",
        "assets.done", "assets.failed", "assets.cancelled", "cleanup.done", "cleanup.failed",
    }
)  # fmt: skip
"""What the platform does by itself: nobody is asked."""
_UNKNOWN = Right(Role.ADMIN, Scope.ADMIN)


def can(role: Role | None, act: str) -> bool:
    """Whether a role is enough for an act. Pure."""
    return role is not None and role.rank >= RIGHTS.get(act, _UNKNOWN).role.rank


@dataclass(frozen=True)
class Actor:
    """Somebody who acts, and with which rights."""

    name: str
    role: Role | None = None
    """In every project, and in what belongs to none."""
    roles: Mapping[uuid.UUID, Role] = field(default_factory=dict)
    """In single projects."""
    scopes: frozenset[Scope] | None = None
    """Of a token; None is a person at the console."""
    only: frozenset[uuid.UUID] | None = None
    """Projects that a token is for; None is all of its owner's."""
    is_owner: bool = False
    """The platform itself, and whoever sits at its machine."""
    user_id: uuid.UUID | None = None
    token_id: uuid.UUID | None = None

    def role_in(self, project_id: uuid.UUID | None) -> Role | None:
        """Give the role in a project; None: in what belongs to no project."""
        if self.is_owner:
            return Role.ADMIN
        if self.only is not None and project_id not in self.only:
            return None
        own = self.roles.get(project_id) if project_id is not None else None
        return max(
            (r for r in (self.role, own) if r is not None), key=lambda r: r.rank, default=None
        )

    def visible(self) -> frozenset[uuid.UUID] | None:
        """Give the projects that may be seen; None is all, and what belongs to none."""
        if self.is_owner:
            return None
        if self.role is not None:
            return self.only
        own = frozenset(self.roles)
        return own if self.only is None else own & self.only

    def may(self, act: str, project_id: uuid.UUID | None = None) -> bool:
        """Whether an act is allowed, in a project or in what belongs to none."""
        return not self.why_not(act, project_id)

    def why_not(self, act: str, project_id: uuid.UUID | None = None) -> str:
        """Say why an act is refused; nothing when it is allowed. Pure."""
        if self.is_owner:
            return ""
        right = RIGHTS.get(act, _UNKNOWN)
        why = self.why_not_scoped(right)
        if why:
            return why
        if right.is_own:
            return "" if self.user_id is not None else "nobody's account is meant"
        role = self.role_in(project_id)
        if can(role, act):
            return ""
        if role is None:
            return f"{self.name or 'nobody'} has no role there"
        return f"{self.name} is {role}"

    def why_not_scoped(self, right: Right) -> str:
        """Say why a token is not for something; nothing when it is, and of a person. Pure."""
        held = self.scopes
        is_enough = held is None or bool({Scope.ADMIN, right.scope} & held)
        is_enough = is_enough or right.scope == Scope.READ
        return "" if is_enough else f"the token has no scope {right.scope}"


OWNER = Actor("greenroom", is_owner=True)
NOBODY = Actor("")
_acting: ContextVar[Actor | None] = ContextVar("acting", default=None)
_source: list[Callable[[], Actor]] = [lambda: OWNER]


def act_for_people(source: Callable[[], Actor] = lambda: NOBODY) -> None:
    """Make this process one that acts for people: ``source`` tells for whom, if nothing else does.

    Called once, as console or API starts. Whoever forgets to name somebody acts as nobody.
    """
    _source[:] = [source]


def act_as_owner() -> None:
    """Make this process the platform's own again."""
    _source[:] = [lambda: OWNER]


def current_actor() -> Actor:
    """Give who acts now."""
    return _acting.get() or _source[0]()


@contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """Act for somebody."""
    before = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(before)


def check_right(actor: Actor, act: str, project_id: uuid.UUID | None = None) -> None:
    """Return if somebody may do something.

    Errors: NotAllowed, saying who may.
    """
    if act in MACHINE_ACTS:
        return
    why = actor.why_not(act, project_id)
    if why:
        right = RIGHTS.get(act, _UNKNOWN)
        raise NotAllowed(f"{words_of(act)} is not allowed: {why}", hint=who_may(right))


def who_may(right: Right) -> str:
    """Say who may. Pure."""
    roles = [str(role) for role in Role if role.rank >= right.role.rank]
    who = roles[0] if len(roles) == 1 else f"{', '.join(roles[:-1])} or {roles[-1]}"
    article = "an" if who[0] in "aeiou" else "a"
    return f"It takes {article} {who} of the project; a token needs the scope {right.scope}."


def words_of(act: str) -> str:
    """Say an act in words: ``project.set_access`` is ``set access of project``. Pure."""
    noun, _, verb = act.partition(".")
    return f"{verb.replace('_', ' ')} ({noun.replace('_', ' ')})"
