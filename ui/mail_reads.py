"""What an environment sent and nobody got: reading it, deleting it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from greenroom.mailing import ReadMail, read_mail
from greenroom.releasing import release_mail
from greenroom.store import environments, mails
from greenroom.store.work import unit_of_work


@dataclass(frozen=True)
class MailRow:
    """A mail in the list."""

    number: int
    sender: str
    recipients: tuple[str, ...]
    subject: str
    size_bytes: int
    at: datetime


def listed(reference: str, search: str) -> tuple[MailRow, ...]:
    """Give the newest mails of an environment, newest first."""
    with unit_of_work() as work:
        environment = environments.get_environment(work, reference)
        return tuple(
            MailRow(
                row.number, row.sender, tuple(row.recipients), row.subject, row.size_bytes,
                row.received_at,
            )
            for row in mails.list_mails(work, environment, search.strip())
        )  # fmt: skip


def read(reference: str, number: int) -> tuple[ReadMail, bytes]:
    """Give a mail as people read it, and its source."""
    with unit_of_work() as work:
        environment = environments.get_environment(work, reference)
        source = bytes(mails.get_mail(work, environment, number).source)
    return read_mail(source), source


def releasable(reference: str) -> tuple[str, ...]:
    """Give whom mail of an environment's project may be released to."""
    with unit_of_work() as work:
        return tuple(environments.get_environment(work, reference).project.mail_release_to)


def release(reference: str, number: int, to: str, actor: str) -> str:
    """Let a mail out to somebody who is named."""
    release_mail(reference, number, to, actor=actor)
    return f"Mail #{number} is on its way to {to}."


def empty(reference: str, actor: str) -> str:
    """Delete an environment's mail."""
    with unit_of_work() as work:
        count = mails.delete_mails(work, environments.get_environment(work, reference))
    return f"{count} mails of {reference} are deleted."
