"""``mail``: what environments sent, and nobody got."""

from __future__ import annotations

import sys
from typing import Any

import click

from greenroom.cli.main import actor
from greenroom.cli.output import ago, command, json_option, out, printable, say_json, say_table
from greenroom.cli.projects import read_secret
from greenroom.mailing import read_mail
from greenroom.releasing import release_mail
from greenroom.store import environments, mails, projects
from greenroom.store import mail_release as release
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
            (
                f"#{r['number']}",
                ago(r["received_at"]),
                printable(", ".join(r["recipients"])),
                printable(r["subject"]),
            )
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
        _say(f"{name}: {value}")
    _say(f"Would have reached: {', '.join(recipients)}")
    _say(f"\n{read.text or '(it has no text part)'}")
    for part in read.attachments:
        _say(f"Attached: {part.name}, {len(part.octets):,} bytes")


def _say(text: str) -> None:
    """Print what somebody else wrote."""
    out.print(printable(text, keep="\n\t"), markup=False, highlight=False)


@mail.command("delete")
@click.argument("environment")
@click.argument("number", type=int, required=False)
@command
def mail_delete(environment: str, number: int | None) -> None:
    """Delete mail NUMBER of ENVIRONMENT, or all of it."""
    with unit_of_work() as work:
        count = mails.delete_mails(work, _of(work, environment), number)
    out.print(f"Deleted {count} mail{'' if count == 1 else 's'}.")


@mail.command("release")
@click.argument("environment")
@click.argument("number", type=int)
@click.option("--to", required=True, help="An address that the project names.")
@command
def mail_release(environment: str, number: int, to: str) -> None:
    """Let mail NUMBER of ENVIRONMENT out, to somebody whom the project names."""
    release_mail(environment, number, to, actor=actor())
    out.print(f"Sent to {to}.", markup=False)


@mail.command("allow")
@click.argument("project")
@click.argument("addresses", nargs=-1)
@command
def mail_allow(project: str, addresses: tuple[str, ...]) -> None:
    """Name the ADDRESSES that mail of PROJECT may be released to; none named is nobody.

    @agency.example is everybody there.
    """
    with unit_of_work() as work:
        found = projects.get_project(work, project)
        release.set_release_addresses(work, found, addresses, actor=actor())
        named = ", ".join(found.mail_release_to)
    out.print(f"Released to: {named or 'nobody'}.", markup=False)


@mail.command("server")
@click.argument("project")
@click.option("--forget", is_flag=True, help="Nothing is released any more.")
@command
def mail_server(project: str, forget: bool) -> None:
    """Name the server that released mail of PROJECT goes out by: smtp://user:password@host:587.

    It is asked for, or read from standard input; it is kept encrypted.
    """
    url = "" if forget else read_secret("Server")
    with unit_of_work() as work:
        found = projects.get_project(work, project)
        release.set_release_server(work, found, url, actor=actor())
    out.print("Forgotten." if forget else "Set, and kept encrypted.")
