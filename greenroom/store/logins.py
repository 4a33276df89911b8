"""Queries about sessions: where somebody is logged in."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select

from greenroom.errors import NotFound
from greenroom.secrets import generate_token, hash_token
from greenroom.store.audit import record_audit
from greenroom.store.models import Session, User, now
from greenroom.store.work import Work, actor_of, ask_right

SESSION_DAYS = 14
SEEN_SECONDS = 60
"""How exact it is known when a session was last used."""
NUMBER_LENGTH = 12


def open_session(work: Work, user: User, way: str, client: str) -> str:
    """Open a session; give its token, which is kept nowhere."""
    token = generate_token()
    expires = now() + timedelta(days=SESSION_DAYS)
    made = Session(
        token=hash_token(token), user_id=user.id, expires_at=expires, way=way, client=client[:80],
        seen_at=now(),
    )  # fmt: skip
    work.add(made)
    work.execute(delete(Session).where(Session.expires_at < now()))
    return token


def find_session(work: Work, token: str) -> Session | None:
    """Find the session of a token, if it still holds."""
    session = work.get(Session, hash_token(token))
    return session if session is not None and session.expires_at > now() else None


def note_seen(session: Session) -> None:
    """Remember that a session was used just now."""
    if session.seen_at is None or (now() - session.seen_at).total_seconds() > SEEN_SECONDS:
        session.seen_at = now()


def list_sessions(work: Work, user: User) -> list[Session]:
    """List where somebody is logged in, the newest first."""
    if actor_of(work).user_id != user.id:
        ask_right(work, "user.read")
    query = select(Session).where(Session.user_id == user.id, Session.expires_at > now())
    return list(work.scalars(query.order_by(Session.created_at.desc())))


def number_of(session: Session) -> str:
    """Give by what people name a session: the first characters of its token's fingerprint. Pure."""
    return session.token[:NUMBER_LENGTH]


def end_session(work: Work, user: User, number: str, *, actor: str) -> None:
    """End one of somebody's sessions.

    Errors: NotFound.
    """
    is_own = actor_of(work).user_id == user.id
    act = "account.end_session" if is_own else "user.end_session"
    ask_right(work, act)
    for session in work.scalars(select(Session).where(Session.user_id == user.id)):
        if len(number) == NUMBER_LENGTH and number_of(session) == number:
            work.delete(session)
            record_audit(work, actor, act, subject=user.name, client=session.client)
            return
    raise NotFound(f"{user.name} has no session {number!r}")


def end_sessions(work: Work, user: User) -> None:
    """End all of somebody's sessions. Idempotent."""
    work.execute(delete(Session).where(Session.user_id == user.id))


def log_out(work: Work, token: str) -> None:
    """End a session. Idempotent."""
    work.execute(delete(Session).where(Session.token == hash_token(token)))
