"""``share``: links by which people without an account look at an environment."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click
import segno

from greenroom import previews
from greenroom.cli.main import actor
from greenroom.cli.output import ago, command, json_option, out, say_json, say_table
from greenroom.cli.projects import read_secret
from greenroom.store import environments, links
from greenroom.store.work import unit_of_work

_USUAL_EXPIRY = "14d"


@click.group()
def share() -> None:
    """Links by which people without an account look at an environment."""


@share.command("add")
@click.argument("environment")
@click.argument("label")
@click.option(
    "--until", default=_USUAL_EXPIRY, show_default=True, help="14d, 2w, 36h, 2026-12-24 or never."
)
@click.option("--password", "asks", is_flag=True, help="Ask for a password, and set it now.")
@click.option("--approve", is_flag=True, help="Who opens it may approve, or ask for changes.")
@click.option("--no-comments", is_flag=True, help="Who opens it may not comment.")
@click.option("--pin", is_flag=True, help="Only this version: it opens no later one.")
@click.option("--page", "pages", multiple=True, help="Only pages like this: /shop/*")
@click.option("--start", default="/", show_default=True, help="The page it opens.")
@click.option("--qr", is_flag=True, help="Draw it for a phone's camera.")
@json_option
@command
def share_add(
    environment: str, label: str, until: str, asks: bool, approve: bool, no_comments: bool,
    pin: bool, pages: tuple[str, ...], start: str, qr: bool, as_json: bool,
) -> None:  # fmt: skip
    """Make a link to ENVIRONMENT for LABEL (Anna Weber). It is shown once, now."""
    password = previews.check_password(read_secret("Password")) if asks else ""
    expires_at = previews.parse_expiry(until, datetime.now(UTC))
    label, kept = previews.check_label(label), previews.check_pages(pages)
    first = previews.check_start(start)
    with unit_of_work() as work:
        found = environments.get_environment(work, environment)
        made, token = links.create_link(
            work, found, label, password=password, expires_at=expires_at, is_pinned=pin,
            pages=kept, start=first, may_comment=not no_comments, may_approve=approve, by=actor(),
        )  # fmt: skip
        url, number = previews.link_url(found.url, token), made.number
    if as_json:
        say_json({"number": number, "url": url, "label": label, "expires_at": expires_at})
        return
    out.print(url, markup=False, highlight=False, soft_wrap=True)
    if qr:
        segno.make(url, micro=False).terminal(compact=True)
    lasts = f"until {expires_at:%Y-%m-%d %H:%M} UTC" if expires_at else "until it is taken back"
    out.print(f"Link #{number} for {label} opens {lasts}. It is not shown again.", markup=False)


@share.command("list")
@click.argument("environment")
@json_option
@command
def share_list(environment: str, as_json: bool) -> None:
    """List the links to ENVIRONMENT, and how often each was opened."""
    with unit_of_work() as work:
        found = environments.get_environment(work, environment)
        views = links.count_views(work, found)
        rows: list[dict[str, Any]] = [
            {
                "number": link.number, "label": link.label,
                "state": previews.state_of(
                    link.revoked_at, link.expires_at, datetime.now(UTC)
                ),
                "expires_at": link.expires_at, "has_password": bool(link.password_hash),
                "is_pinned": link.release_id is not None, "pages": list(link.pages),
                "may_comment": link.may_comment, "may_approve": link.may_approve,
                "opened": views[link.id][0] if link.id in views else 0,
                "last_opened_at": views[link.id][1] if link.id in views else None,
                "created_by": link.created_by, "created_at": link.created_at,
            }
            for link in links.list_links(work, found)
        ]  # fmt: skip
    if as_json:
        say_json(rows)
        return
    say_table(
        ["link", "for", "state", "until", "opened", "last", "may"],
        [
            (f"#{r['number']}", r["label"], r["state"],
             f"{r['expires_at']:%Y-%m-%d}" if r["expires_at"] else "never ends", r["opened"],
             ago(r["last_opened_at"]) if r["last_opened_at"] else "never",
             ", ".join(["look", *["comment"] * r["may_comment"], *["approve"] * r["may_approve"]]))
            for r in rows
        ],
        "Nobody has a link yet. Make one: greenroom share add <environment> <for whom>",
    )  # fmt: skip


@share.command("views")
@click.argument("environment")
@click.argument("number", type=int)
@json_option
@command
def share_views(environment: str, number: int, as_json: bool) -> None:
    """List when link NUMBER to ENVIRONMENT was opened, and with what."""
    with unit_of_work() as work:
        link = links.get_link(work, environments.get_environment(work, environment), number)
        rows: list[dict[str, Any]] = [
            {"at": view.at, "client": view.client} for view in links.list_views(work, link)
        ]
    if as_json:
        say_json(rows)
        return
    say_table(["when", "with"], [(ago(r["at"]), r["client"]) for r in rows], "Never opened.")


@share.command("extend")
@click.argument("environment")
@click.argument("number", type=int)
@click.option(
    "--until", default=_USUAL_EXPIRY, show_default=True, help="14d, 2w, 36h, 2026-12-24 or never."
)
@command
def share_extend(environment: str, number: int, until: str) -> None:
    """Let link NUMBER to ENVIRONMENT hold until another time, counted from now."""
    expires_at = previews.parse_expiry(until, datetime.now(UTC))
    with unit_of_work() as work:
        link = links.get_link(work, environments.get_environment(work, environment), number)
        links.extend_link(work, link, expires_at, by=actor())
    lasts = f"until {expires_at:%Y-%m-%d %H:%M} UTC" if expires_at else "until it is taken back"
    out.print(f"Link #{number} opens {lasts}.")


@share.command("revoke")
@click.argument("environment")
@click.argument("number", type=int)
@command
def share_revoke(environment: str, number: int) -> None:
    """Take link NUMBER to ENVIRONMENT back, at once and for good."""
    with unit_of_work() as work:
        link = links.get_link(work, environments.get_environment(work, environment), number)
        links.revoke_link(work, link, by=actor())
    out.print(f"Link #{number} opens nothing any more.")
