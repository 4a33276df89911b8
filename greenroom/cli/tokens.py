"""``token``: by which programs use the API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from greenroom import previews
from greenroom.cli.main import actor
from greenroom.cli.output import ago, command, json_option, out, say_json, say_table
from greenroom.rights import Scope
from greenroom.settings import load_settings
from greenroom.store import projects, tokens, users
from greenroom.store.work import unit_of_work


@click.group()
def token() -> None:
    """Tokens by which programs use the API."""


@token.command("add")
@click.argument("name")
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice([*map(str, Scope)]),
    help="What it is for; again for more. Each includes reading.",
)  # fmt: skip
@click.option("--project", "project_name", help="Only in this project; default: in all.")
@click.option("--user", "user_name", help="It may no more than this account; default: its own.")
@click.option("--until", default="90d", show_default=True, help="14d, 2w, 2026-12-24 or never.")
@json_option
@command
def token_add(
    name: str, scopes: tuple[str, ...], project_name: str | None, user_name: str | None,
    until: str, as_json: bool,
) -> None:  # fmt: skip
    """Make a token for NAME (deploy from CI). It is shown once, now."""
    expires_at = previews.parse_expiry(until, datetime.now(UTC))
    with unit_of_work() as work:
        made, secret = tokens.add_token(
            work, name, [*map(Scope, scopes)], expires_at=expires_at, actor=actor(),
            project=projects.get_project(work, project_name) if project_name else None,
            user=users.get_user(work, user_name) if user_name else None,
        )  # fmt: skip
        number = made.number
    if as_json:
        say_json({"number": number, "token": secret, "expires_at": expires_at})
        return
    out.print(secret, markup=False, highlight=False, soft_wrap=True)
    lasts = f"until {expires_at:%Y-%m-%d %H:%M} UTC" if expires_at else "until it is taken back"
    where = load_settings().api_url
    out.print(f"Token #{number} holds {lasts}. It is not shown again.", markup=False)
    out.print(
        f'  curl -H "Authorization: Bearer $TOKEN" {where}/projects', markup=False, soft_wrap=True
    )


@token.command("list")
@click.option("--user", "user_name", help="Only this account's.")
@json_option
@command
def token_list(user_name: str | None, as_json: bool) -> None:
    """List the tokens, and when each was last used."""
    with unit_of_work() as work:
        names = {project.id: project.name for project in projects.list_projects(work)}
        whose = users.get_user(work, user_name) if user_name else None
        rows: list[dict[str, Any]] = [
            {
                "number": row.number, "name": row.name, "scopes": row.scopes,
                "user": row.user.name if row.user else None,
                "project": names.get(row.project_id) if row.project_id else None,
                "state": previews.state_of(row.revoked_at, row.expires_at, datetime.now(UTC)),
                "expires_at": row.expires_at, "last_used_at": row.used_at,
                "created_by": row.created_by,
            }
            for row in tokens.list_tokens(work, whose)
        ]  # fmt: skip
    if as_json:
        say_json(rows)
        return
    say_table(
        ["token", "for", "may", "of", "project", "state", "last used"],
        [
            (f"#{r['number']}", r["name"], ", ".join(r["scopes"]), r["user"] or "itself",
             r["project"] or "all", "holds" if r["state"] == "open" else r["state"],
             ago(r["last_used_at"]))
            for r in rows
        ],
        "No token yet. Make one: greenroom token add <for what> --scope deploy",
    )  # fmt: skip


@token.command("revoke")
@click.argument("number", type=int)
@command
def token_revoke(number: int) -> None:
    """Take token NUMBER back, at once and for good."""
    with unit_of_work() as work:
        tokens.revoke_token(work, number, actor=actor())
    out.print(f"Token #{number} opens nothing any more.")
