"""Queries about the console's users and their sessions."""

from __future__ import annotations

from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import delete, select

from greenroom.errors import InvalidInput, NotAllowed, NotFound
from greenroom.secrets import generate_token, hash_token
from greenroom.store.audit import record_audit
from greenroom.store.models import Session, User, now
from greenroom.store.work import Work

SESSION_DAYS = 14
LOCK_AFTER = 8
"""Wrong passwords in a row after which an account rests."""
LOCK_MINUTES = 5
MIN_PASSWORD_LENGTH = 10
"""Source: NIST SP 800-63B asks for at least 8."""

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


def reset_password(work: Work, name: str, *, actor: str) -> str:
    """Give a user a new one-time password and end all of its sessions.

    Errors: NotFound.
    """
    user = work.scalar(select(User).where(User.name == name))
    if user is None:
        raise NotFound(f"there is no user {name!r}", hint="The first one is admin.")
    password = generate_token(12)
    user.password_hash, user.must_change_password = _hasher.hash(password), True
    user.failed_logins, user.locked_until = 0, None
    work.execute(delete(Session).where(Session.user_id == user.id))
    record_audit(work, actor, "user.reset_password", subject=name)
    return password


def log_in(work: Work, name: str, password: str) -> str | None:
    """Check a password and open a session; give its token, or None when it does not fit.

    A refusal is a return value, not an error, so that its count is committed.

    Errors: NotAllowed while the account rests after too many wrong passwords.
    """
    user = work.scalar(select(User).where(User.name == name).with_for_update())
    if user is not None and user.locked_until is not None and user.locked_until > now():
        raise NotAllowed("too many wrong passwords", hint=f"Try again in {LOCK_MINUTES} minutes.")
    try:
        _hasher.verify(user.password_hash if user else _NOBODY, password)
        fits = user is not None
    except (VerifyMismatchError, InvalidHashError):
        fits = False
    if user is None:
        return None
    if not fits:
        user.failed_logins += 1
        if user.failed_logins >= LOCK_AFTER:
            user.failed_logins = 0
            user.locked_until = now() + timedelta(minutes=LOCK_MINUTES)
            record_audit(work, name, "user.locked", subject=name)
        return None
    user.failed_logins, user.locked_until = 0, None
    token = generate_token()
    expires = now() + timedelta(days=SESSION_DAYS)
    work.add(Session(token=hash_token(token), user_id=user.id, expires_at=expires))
    work.execute(delete(Session).where(Session.expires_at < now()))
    record_audit(work, name, "user.log_in", subject=name)
    return token


def find_session_user(work: Work, token: str) -> User | None:
    """Give the user of a session's token, if the session still holds."""
    session = work.get(Session, hash_token(token))
    return session.user if session is not None and session.expires_at > now() else None


def log_out(work: Work, token: str) -> None:
    """End a session. Idempotent."""
    work.execute(delete(Session).where(Session.token == hash_token(token)))


def change_password(work: Work, user: User, old: str, new: str) -> None:
    """Replace a user's own password.

    Errors: NotAllowed (old one wrong), InvalidInput (new one too short).
    """
    try:
        _hasher.verify(user.password_hash, old)
    except VerifyMismatchError as error:
        raise NotAllowed("the old password is wrong") from error
    if len(new) < MIN_PASSWORD_LENGTH or len(new) > 1024:
        raise InvalidInput(f"a password needs {MIN_PASSWORD_LENGTH} characters or more")
    user.password_hash, user.must_change_password = _hasher.hash(new), False
    work.add(user)
    record_audit(work, user.name, "user.change_password", subject=user.name)
