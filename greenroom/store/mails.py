"""Queries about captured mail."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import ColumnElement, String, cast, delete, func, insert, or_, select
from sqlalchemy.orm import undefer

from greenroom.errors import NotFound
from greenroom.store.models import Environment, Mail, now
from greenroom.store.work import Work, ask_right, take_turn

KEPT_DAYS = 14
MOST_KEPT = 500
"""Mails kept of an environment: a loop that sends for ever fills no disk."""
MOST_OCTETS = 200_000_000
"""Of an environment's mails together."""
MOST_LISTED = 100


@dataclass(frozen=True)
class NewMail:
    """A mail that was taken."""

    environment_id: uuid.UUID | None
    """Empty where nobody knows whose it is."""
    sender: str
    recipients: tuple[str, ...]
    subject: str
    source: bytes

    def without_owner(self) -> NewMail:
        """Give it as nobody's."""
        return replace(self, environment_id=None)


def add_mails(work: Work, taken: Sequence[NewMail]) -> None:
    """Keep mails; let go of what is old, or too many, or too much.

    Locks: one writer of an environment's mail at a time.
    """
    owners = sorted({mail.environment_id for mail in taken}, key=str)
    for owner in owners:
        take_turn(work, f"mails {owner}")
        mine = _of(owner)
        last = work.scalar(select(func.max(Mail.number)).where(mine)) or 0
        rows = [
            {
                "id": uuid.uuid4(), "environment_id": owner, "number": number,
                "sender": mail.sender, "recipients": list(mail.recipients),
                "subject": mail.subject, "size_bytes": len(mail.source), "source": mail.source,
            }
            for number, mail in enumerate(
                (mail for mail in taken if mail.environment_id == owner), last + 1
            )
        ]  # fmt: skip
        work.execute(insert(Mail), rows)
        _forget_old(work, mine, last + len(rows))


def _forget_old(work: Work, mine: ColumnElement[bool], last: int) -> None:
    before = now() - timedelta(days=KEPT_DAYS)
    sums = select(
        Mail.number, func.sum(Mail.size_bytes).over(order_by=Mail.number.desc()).label("octets")
    )
    counted = sums.where(mine, Mail.number > last - MOST_KEPT).subquery()
    too_much = select(func.max(counted.c.number)).where(counted.c.octets > MOST_OCTETS)
    first = max(last - MOST_KEPT, work.scalar(too_much) or 0)
    first = min(first, last - 1)  # the newest stays, whatever its size
    work.execute(delete(Mail).where(mine, or_(Mail.number <= first, Mail.received_at < before)))


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
