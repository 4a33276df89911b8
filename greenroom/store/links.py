"""Queries about preview links: made, opened, extended, taken back."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import delete, func, select
from sqlalchemy.orm import joinedload

from greenroom.errors import InvalidInput, NotAllowed, NotFound
from greenroom.secrets import generate_token, hash_token
from greenroom.store.audit import record_audit
from greenroom.store.models import (
    Environment,
    EnvironmentKind,
    EnvironmentStatus,
    PreviewLink,
    PreviewView,
    now,
)
from greenroom.store.work import Work

LOCK_AFTER = 8
"""Wrong passwords in a row, from whichever addresses, after which a link rests."""
LOCK_MINUTES = 5
VIEWS_KEPT_DAYS = 90
TOKEN_OCTETS = 24
"""192 bits. Source: OWASP asks for at least 128 of a token that nobody can guess."""
_hasher = PasswordHasher()


@dataclass(frozen=True)
class Door:
    """A link as the gateway knows it."""

    id: uuid.UUID
    environment_id: uuid.UUID
    token_hash: str
    label: str
    has_password: bool
    release_id: uuid.UUID | None
    pages: tuple[str, ...]
    start: str
    may_comment: bool
    may_approve: bool
    expires_at: datetime | None
    revoked_at: datetime | None


def create_link(
    work: Work, environment: Environment, label: str, *, password: str = "",
    expires_at: datetime | None = None, is_pinned: bool = False, pages: Sequence[str] = (),
    start: str = "/", may_comment: bool = True, may_approve: bool = False, by: str,
) -> tuple[PreviewLink, str]:  # fmt: skip
    """Make a link; give it and its token, which is kept nowhere.

    Errors: InvalidInput for production, and for a pin where nothing is shown.
    """
    if environment.kind == EnvironmentKind.PRODUCTION:
        raise InvalidInput(
            f"{environment.name} is open to everybody", hint="Share a staging environment."
        )
    if is_pinned and environment.release_id is None:
        raise InvalidInput(f"{environment.name} shows nothing yet", hint="Deploy it first.")
    work.scalar(select(Environment.id).where(Environment.id == environment.id).with_for_update())
    last = work.scalar(
        select(func.max(PreviewLink.number)).where(PreviewLink.environment_id == environment.id)
    )
    token = generate_token(TOKEN_OCTETS)
    made = PreviewLink(
        environment_id=environment.id, number=(last or 0) + 1, label=label,
        token_hash=hash_token(token), password_hash=_hasher.hash(password) if password else "",
        release_id=environment.release_id if is_pinned else None, pages=list(pages), start=start,
        may_comment=may_comment, may_approve=may_approve, expires_at=expires_at, created_by=by,
    )  # fmt: skip
    work.add(made)
    work.flush()
    record_audit(
        work, by, "link.create", environment=environment, subject=label, number=made.number,
        expires_at=str(expires_at or "never"), may_approve=may_approve,
    )  # fmt: skip
    return made, token


def list_links(work: Work, environment: Environment) -> list[PreviewLink]:
    """List an environment's links, newest first."""
    query = select(PreviewLink).where(PreviewLink.environment_id == environment.id)
    return list(work.scalars(query.order_by(PreviewLink.number.desc())))


def get_link(work: Work, environment: Environment, number: int) -> PreviewLink:
    """Get an environment's link by its number.

    Errors: NotFound.
    """
    query = select(PreviewLink).options(joinedload(PreviewLink.environment))
    found = work.scalar(
        query.where(PreviewLink.environment_id == environment.id, PreviewLink.number == number)
    )
    if found is None:
        raise NotFound(
            f"{environment.name} has no link #{number}", hint="`greenroom share list` lists them."
        )
    return found


def revoke_link(work: Work, link: PreviewLink, *, by: str) -> None:
    """Take a link back, at once and for good. Idempotent."""
    if link.revoked_at is None:
        link.revoked_at = now()
        record_audit(
            work, by, "link.revoke", environment=link.environment, subject=link.label,
            number=link.number,
        )  # fmt: skip


def extend_link(work: Work, link: PreviewLink, expires_at: datetime | None, *, by: str) -> None:
    """Let a link hold until another time; an expired one holds again.

    Errors: InvalidInput when it was taken back.
    """
    if link.revoked_at is not None:
        raise InvalidInput(f"link #{link.number} was taken back", hint="Make a new one.")
    link.expires_at = expires_at
    record_audit(
        work, by, "link.extend", environment=link.environment, subject=link.label,
        number=link.number, expires_at=str(expires_at or "never"),
    )  # fmt: skip


def find_open(work: Work, link_id: uuid.UUID) -> PreviewLink | None:
    """Find a link, if it still opens."""
    found = work.get(PreviewLink, link_id)
    if found is None or found.revoked_at is not None:
        return None
    return found if found.expires_at is None or found.expires_at > now() else None


def list_doors(work: Work) -> list[Door]:
    """List the links of all living environments, those too that open no more."""
    rows = work.scalars(
        select(PreviewLink)
        .join(Environment, Environment.id == PreviewLink.environment_id)
        .where(Environment.status != EnvironmentStatus.DESTROYED)
    )
    return [
        Door(
            row.id, row.environment_id, row.token_hash, row.label, bool(row.password_hash),
            row.release_id, tuple(row.pages), row.start, row.may_comment, row.may_approve,
            row.expires_at, row.revoked_at,
        )
        for row in rows
    ]  # fmt: skip


def check_link_password(work: Work, link_id: uuid.UUID, password: str) -> bool:
    """Check a link's password. A refusal is a return value: its count is committed.

    Errors: NotAllowed while the link rests after too many wrong ones.
    """
    link = work.scalar(select(PreviewLink).where(PreviewLink.id == link_id).with_for_update())
    if link is None:
        return False
    if link.locked_until is not None and link.locked_until > now():
        raise NotAllowed("too many wrong passwords", hint=f"Try again in {LOCK_MINUTES} minutes.")
    try:
        _hasher.verify(link.password_hash, password)
    except VerifyMismatchError:
        link.failed_passwords += 1
        if link.failed_passwords >= LOCK_AFTER:
            link.failed_passwords = 0
            link.locked_until = now() + timedelta(minutes=LOCK_MINUTES)
            record_audit(
                work, "greenroom", "link.locked", environment=link.environment, subject=link.label,
                number=link.number,
            )  # fmt: skip
        return False
    link.failed_passwords, link.locked_until = 0, None
    return True


def record_view(work: Work, link_id: uuid.UUID, client: str) -> None:
    """Record that a link was opened; forget what is long ago."""
    work.add(PreviewView(link_id=link_id, client=client))
    before = now() - timedelta(days=VIEWS_KEPT_DAYS)
    work.execute(delete(PreviewView).where(PreviewView.link_id == link_id, PreviewView.at < before))


def list_views(work: Work, link: PreviewLink, limit: int = 50) -> list[PreviewView]:
    """List a link's openings, newest first."""
    query = select(PreviewView).where(PreviewView.link_id == link.id)
    return list(work.scalars(query.order_by(PreviewView.id.desc()).limit(limit)))


def count_views(work: Work, environment: Environment) -> dict[uuid.UUID, tuple[int, datetime]]:
    """Count the openings of an environment's links, with the last of each."""
    rows = work.execute(
        select(PreviewView.link_id, func.count(), func.max(PreviewView.at))
        .join(PreviewLink, PreviewLink.id == PreviewView.link_id)
        .where(PreviewLink.environment_id == environment.id)
        .group_by(PreviewView.link_id)
    )
    return {link: (count, last) for link, count, last in rows}
