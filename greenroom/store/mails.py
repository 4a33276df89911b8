"""Queries about captured mail."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, String, cast, delete, func, or_, select, text
from sqlalchemy.orm import undefer

from greenroom.errors import NotFound
from greenroom.store.models import Environment, Mail, now
from greenroom.store.work import Work, ask_right

KEPT_DAYS = 14
MOST_KEPT = 500
"""Mails kept of an environment: a loop that sends for ever fills no disk."""
MOST_LISTED = 100


def add_mail(
    work: Work, environment_id: uuid.UUID | None, sender: str, recipients: Sequence[str],
    subject: str, source: bytes,
) -> Mail:  # fmt: skip
    """Keep a mail; let go of what is old, or too many.

    Locks: one writer of an environment's mail at a time.
    """
    work.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:name, 0))"),
        {"name": f"mails {environment_id}"},
    )
    mine = _of(environment_id)
    last = work.scalar(select(func.max(Mail.number)).where(mine)) or 0
    made = Mail(
        environment_id=environment_id, number=last + 1, sender=sender,
        recipients=list(recipients), subject=subject, size_bytes=len(source), source=source,
    )  # fmt: skip
    work.add(made)
    before = now() - timedelta(days=KEPT_DAYS)
    gone = or_(Mail.number <= last + 1 - MOST_KEPT, Mail.received_at < before)
    work.execute(delete(Mail).where(mine, gone))
    return made


def list_mails(work: Work, environment: Environment | None, search: str = "") -> list[Mail]:
    """List the newest mails of an environment, or of nobody known, newest first.

    ``search`` is looked for in subject, sender and recipients, whatever its case.
    """
    query = (
        select(Mail).where(_of(_id(environment))).order_by(Mail.number.desc()).limit(MOST_LISTED)
    )
    if search:
        wanted = f"%{search.replace('%', '').replace('_', ' ')}%"
        fields = (Mail.subject, Mail.sender, cast(Mail.recipients, String))
        query = query.where(or_(*(field.ilike(wanted) for field in fields)))
    return list(work.scalars(query))


def get_mail(work: Work, environment: Environment | None, number: int) -> Mail:
    """Get a mail with its source.

    Errors: NotFound.
    """
    query = select(Mail).options(undefer(Mail.source)).where(_of(_id(environment)))
    found = work.scalar(query.where(Mail.number == number))
    if found is None:
        raise NotFound(
            f"there is no mail #{number}", hint="`greenroom mail list` lists what is kept."
        )
    return found


def delete_mails(work: Work, environment: Environment | None, number: int | None = None) -> int:
    """Delete a mail, or all of an environment; give how many. Idempotent."""
    ask_right(work, "mail.delete", environment.project_id if environment else None)
    query = delete(Mail).where(_of(_id(environment))).returning(Mail.id)
    if number is not None:
        query = query.where(Mail.number == number)
    return len(work.scalars(query).all())


def _of(environment_id: uuid.UUID | None) -> ColumnElement[bool]:
    if environment_id is None:
        return Mail.environment_id.is_(None)
    return Mail.environment_id == environment_id


def _id(environment: Environment | None) -> uuid.UUID | None:
    return environment.id if environment is not None else None
