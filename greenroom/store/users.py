"""Queries about accounts: who may log in, what they are in which project."""

from __future__ import annotations

import re
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import func, or_, select

from greenroom.errors import AlreadyExists, InvalidInput, NotAllowed, NotFound
from greenroom.rights import Actor, Role
from greenroom.secrets import generate_token
from greenroom.store import factors
from greenroom.store.audit import record_audit
from greenroom.store.logins import SESSION_DAYS as SESSION_DAYS
from greenroom.store.logins import end_sessions, find_session, open_session
from greenroom.store.logins import log_out as log_out
from greenroom.store.models import Membership, Project, User, now
from greenroom.store.work import Work, ask_right

LOCK_AFTER = 8
"""Wrong passwords, or codes, in a row after which an account rests."""
LOCK_MINUTES = 5
MIN_PASSWORD_LENGTH = 10
"""Source: NIST SP 800-63B asks for at least 8."""
_NAME = re.compile(r"[^\s:/\\<>\"'](?:[^\x00-\x1f:/\\<>\"']{0,58}[^\s:/\\<>\"'])?")
"""No colon: ``cli:ada`` and ``link:Anna`` are other people in the audit trail."""
_EMAIL = re.compile(r"[^\s@<>]{1,64}@[^\s@<>]{1,190}")

_hasher = PasswordHasher()
_NOBODY = _hasher.hash("nobody has this password")
"""Checked for unknown names, so that both answers take the same time."""


def ensure_admin(work: Work) -> str | None:
    """Make the first user ``admin`` and give its one-time password; None when users exist."""
    if work.scalar(select(User.id).limit(1)) is not None:
        return None
    password = generate_token(12)
    work.add(User(name="admin", password_hash=_hasher.hash(password), must_change_password=True))
    record_audit(work, "greenroom", "user.add", subject="admin")
    return password


def add_user(
    work: Work, name: str, *, role: Role | None = None, email: str = "", with_password: bool = True,
    actor: str,
) -> tuple[User, str]:  # fmt: skip
    """Add an account; give it and its one-time password, empty where only an e-mail lets it in.

    Errors: InvalidInput, AlreadyExists.
    """
    ask_right(work, "user.add")
    name, email = name.strip(), email.strip()
    if not _NAME.fullmatch(name) or not name.isprintable():
        raise InvalidInput(
            f"{name[:60]!r} cannot name an account",
            hint="1 to 60 characters, without : / < > and quotes.",
        )
    if email and not _EMAIL.fullmatch(email):
        raise InvalidInput(f"{email[:80]!r} is no e-mail address")
    if not email and not with_password:
        raise InvalidInput(
            "without a password and an e-mail address nobody can log in",
            hint="Add --email for logins at an identity provider.",
        )
    same = [func.lower(User.name) == name.lower()]
    same += [func.lower(User.email) == email.lower()] if email else []
    if work.scalar(select(User.id).where(or_(*same))) is not None:
        raise AlreadyExists(f"{name!r}, or its e-mail address, has an account already")
    password = generate_token(12) if with_password else ""
    made = User(
        name=name, email=email, role=role or "", must_change_password=with_password,
        password_hash=_hasher.hash(password) if with_password else "",
    )  # fmt: skip
    work.add(made)
    work.flush()
    record_audit(work, actor, "user.add", subject=name, role=role or "none", email=email)
    return made, password


def list_users(work: Work) -> list[User]:
    """List all accounts by name."""
    ask_right(work, "user.read")
    return list(work.scalars(select(User).order_by(User.name)))


def get_user(work: Work, name: str) -> User:
    """Get an account by its name.

    Errors: NotFound.
    """
    user = work.scalar(select(User).where(User.name == name))
    if user is None:
        raise NotFound(f"there is no user {name!r}", hint="`greenroom user list` lists them.")
    return user


def find_by_email(work: Work, email: str) -> User | None:
    """Find an account by its e-mail address, whatever its case."""
    if not email:
        return None
    return work.scalar(select(User).where(func.lower(User.email) == email.lower()))


def set_role(work: Work, name: str, role: Role | None, *, actor: str) -> User:
    """Say what somebody is in every project; None: only where memberships say so.

    Errors: NotFound, NotAllowed for the last administrator.
    """
    ask_right(work, "user.set_role")
    user = get_user(work, name)
    if role is not Role.ADMIN:
        _check_not_last(work, user)
    user.role = role or ""
    record_audit(work, actor, "user.set_role", subject=name, role=role or "none")
    return user


def set_email(work: Work, name: str, email: str, *, actor: str) -> None:
    """Say by which e-mail address a login at an identity provider finds somebody.

    Errors: NotFound, InvalidInput, AlreadyExists.
    """
    ask_right(work, "user.set_role")
    user = get_user(work, name)
    if email and not _EMAIL.fullmatch(email):
        raise InvalidInput(f"{email[:80]!r} is no e-mail address")
    other = find_by_email(work, email)
    if other is not None and other.id != user.id:
        raise AlreadyExists(f"{email!r} is {other.name}'s address")
    user.email = email
    record_audit(work, actor, "user.set_email", subject=name, email=email)


def set_member(work: Work, project: Project, name: str, role: Role | None, *, actor: str) -> None:
    """Say what somebody is in one project; None: nothing of their own. Idempotent.

    Errors: NotFound.
    """
    ask_right(work, "member.set" if role else "member.remove", project.id)
    user = get_user(work, name)
    found = work.get(Membership, (user.id, project.id))
    if role is None:
        if found is not None:
            work.delete(found)
    elif found is None:
        work.add(Membership(user_id=user.id, project_id=project.id, role=role))
    else:
        found.role = role
    record_audit(
        work, actor, "member.set" if role else "member.remove", project=project, subject=name,
        role=role or "none",
    )  # fmt: skip


def list_members(work: Work, project: Project) -> list[tuple[str, str, bool]]:
    """List who sees a project: name, role, and whether it comes from their role everywhere."""
    found = {}
    for user in work.scalars(select(User).where(User.deactivated_at.is_(None))):
        role = actor_for(user).role_in(project.id)
        if role is not None:
            found[user.name] = (user.name, str(role), user.role == role)
    return [found[name] for name in sorted(found)]


def deactivate(work: Work, name: str, *, actor: str) -> None:
    """Let somebody in no more, end their sessions, and let their tokens act no more. Idempotent.

    Errors: NotFound, NotAllowed for the last administrator.
    """
    ask_right(work, "user.deactivate")
    user = get_user(work, name)
    _check_not_last(work, user)
    user.deactivated_at = user.deactivated_at or now()
    end_sessions(work, user)
    record_audit(work, actor, "user.deactivate", subject=name)


def activate(work: Work, name: str, *, actor: str) -> None:
    """Let somebody in again. Idempotent."""
    ask_right(work, "user.activate")
    get_user(work, name).deactivated_at = None
    record_audit(work, actor, "user.activate", subject=name)


def _check_not_last(work: Work, user: User) -> None:
    others = work.scalar(
        select(func.count()).where(
            User.role == Role.ADMIN, User.deactivated_at.is_(None), User.id != user.id
        )
    )
    if user.role == Role.ADMIN and user.deactivated_at is None and not others:
        raise NotAllowed(
            f"{user.name} is the last administrator", hint="Make somebody else one first."
        )


def reset_password(work: Work, name: str, *, actor: str) -> str:
    """Give a user a new one-time password and end all of its sessions.

    Errors: NotFound.
    """
    ask_right(work, "user.reset_password")
    user = get_user(work, name)
    password = generate_token(12)
    user.password_hash, user.must_change_password = _hasher.hash(password), True
    user.failed_logins, user.locked_until = 0, None
    end_sessions(work, user)
    record_audit(work, actor, "user.reset_password", subject=name)
    return password


def reset_totp(work: Work, name: str, *, actor: str) -> None:
    """Ask somebody for no code any more, who lost theirs. Idempotent."""
    ask_right(work, "user.reset_totp")
    user = get_user(work, name)
    factors.forget(user)
    end_sessions(work, user)
    record_audit(work, actor, "user.reset_totp", subject=name)


def check_password(work: Work, name: str, password: str) -> User | None:
    """Give the user whose password this is. A refusal is a return value: its count is committed.

    Errors: NotAllowed while the account rests after too many wrong passwords.
    """
    user = work.scalar(select(User).where(User.name == name).with_for_update())
    _check_rest(user)
    try:
        _hasher.verify((user.password_hash if user else "") or _NOBODY, password)
        fits = user is not None and bool(user.password_hash)
    except (VerifyMismatchError, InvalidHashError):
        fits = False
    if user is None or user.deactivated_at is not None:
        return None
    if not fits:
        _count_failure(work, user)
        return None
    return user


def check_code(work: Work, name: str, code: str) -> User | None:
    """Give the user whose code of an app, or unused recovery code, this is.

    Errors: NotAllowed while the account rests.
    """
    user = work.scalar(select(User).where(User.name == name).with_for_update())
    _check_rest(user)
    if user is None or user.deactivated_at is not None:
        return None
    if not factors.take_code(user, code):
        _count_failure(work, user)
        return None
    return user


def _check_rest(user: User | None) -> None:
    if user is not None and user.locked_until is not None and user.locked_until > now():
        raise NotAllowed("too many wrong passwords", hint=f"Try again in {LOCK_MINUTES} minutes.")


def _count_failure(work: Work, user: User) -> None:
    user.failed_logins += 1
    if user.failed_logins >= LOCK_AFTER:
        user.failed_logins = 0
        user.locked_until = now() + timedelta(minutes=LOCK_MINUTES)
        record_audit(work, user.name, "user.locked", subject=user.name)


def log_in(
    work: Work, name: str, password: str, code: str = "", *, client: str = ""
) -> str | None:  # fmt: skip
    """Check a password, and a code where one is asked for; give the token of a new session.

    A refusal is None, not an error, so that its count is committed.

    Errors: NotAllowed while the account rests after too many wrong passwords.
    """
    user = check_password(work, name, password)
    if user is None:
        return None
    way = "password"
    if user.totp_since is not None:
        if check_code(work, name, code) is None:
            return None
        way = "password and code"
    return admit(work, user, way, client=client)


def admit(work: Work, user: User, way: str, *, client: str = "") -> str:
    """Open a session for somebody who proved who they are; give its token."""
    user.failed_logins, user.locked_until = 0, None
    token = open_session(work, user, way, client)
    record_audit(work, user.name, "user.log_in", subject=user.name, way=way)
    return token


def find_session_user(work: Work, token: str) -> User | None:
    """Give the user of a session's token, if the session still holds."""
    session = find_session(work, token)
    if session is None or session.user.deactivated_at is not None:
        return None
    return session.user


def change_password(work: Work, user: User, old: str, new: str) -> None:
    """Replace a user's own password.

    Errors: NotAllowed (old one wrong), InvalidInput (new one too short).
    """
    ask_right(work, "account.change_password")
    try:
        _hasher.verify(user.password_hash, old)
    except (VerifyMismatchError, InvalidHashError) as error:
        raise NotAllowed("the old password is wrong") from error
    if len(new) < MIN_PASSWORD_LENGTH or len(new) > 1024:
        raise InvalidInput(f"a password needs {MIN_PASSWORD_LENGTH} characters or more")
    user.password_hash, user.must_change_password = _hasher.hash(new), False
    work.add(user)
    record_audit(work, user.name, "account.change_password", subject=user.name)


def actor_for(user: User) -> Actor:
    """Give somebody as an actor, with the rights of now. Pure."""
    return Actor(
        user.name,
        Role(user.role) if user.role else None,
        {one.project_id: Role(one.role) for one in user.memberships},
        user_id=user.id,
    )
