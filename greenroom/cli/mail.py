"""``mail``: what environments sent, and nobody got."""

from __future__ import annotations

import sys
from typing import Any

import click

from greenroom.cli.output import ago, command, json_option, out, say_json, say_table
from greenroom.mailing import read_mail
from greenroom.store import environments, mails
from greenroom.store.models import Environment
from greenroom.store.work import Work, unit_of_work

UNKNOWN = "-"


@click.group()
def mail() -> None:
    """Read what environments sent, and nobody got. ENVIRONMENT - is mail without a known sender."""


def _of(work: Work, reference: str) -> Environment | None:
    return None if reference == UNKNOWN else environments.get_environment(work, reference)


@mail.command("list")
@click.argument("environment")
@click.option("--search", default="", help="Only with this in subject, sender or recipients.")
@json_option
@command
def mail_list(environment: str, search: str, as_json: bool) -> None:
    """List the newest mails that ENVIRONMENT sent."""
    with unit_of_work() as work:
        rows: list[dict[str, Any]] = [
            {
                "number": row.number, "received_at": row.received_at, "sender": row.sender,
                "recipients": list(row.recipients), "subject": row.subject,
                "size_bytes": row.size_bytes,
            }
            for row in mails.list_mails(work, _of(work, environment), search)
        ]  # fmt: skip
    if as_json:
        say_json(rows)
        return
    say_table(
        ["mail", "when", "to", "subject"],
        [
            (f"#{r['number']}", ago(r["received_at"]), ", ".join(r["recipients"]), r["subject"])
            for r in rows
        ],
        "It sent no mail yet.",
    )


@mail.command("show")
@click.argument("environment")
@click.argument("number", type=int)
@click.option("--source", is_flag=True, help="As it was sent, octet for octet.")
@command
def mail_show(environment: str, number: int, source: bool) -> None:
    """Show mail NUMBER of ENVIRONMENT."""
    with unit_of_work() as work:
        row = mails.get_mail(work, _of(work, environment), number)
        octets, recipients = bytes(row.source), list(row.recipients)
    if source:
        sys.stdout.buffer.write(octets)
        return
    read = read_mail(octets)
    for name, value in read.headers:
        out.print(f"{name}: {value}", markup=False, highlight=False)
    out.print(f"Would have reached: {', '.join(recipients)}", markup=False, highlight=False)
    out.print(f"\n{read.text or '(it has no text part)'}", markup=False, highlight=False)
    for part in read.attachments:
        out.print(f"Attached: {part.name}, {len(part.octets):,} bytes", markup=False)


@mail.command("delete")
@click.argument("environment")
@click.argument("number", type=int, required=False)
@command
def mail_delete(environment: str, number: int | None) -> None:
    """Delete mail NUMBER of ENVIRONMENT, or all of it."""
    with unit_of_work() as work:
        count = mails.delete_mails(work, _of(work, environment), number)
    out.print(f"Deleted {count} mail{'' if count == 1 else 's'}.")
