"""``user`` and ``member``: who may log in, and what they are in which project."""

from __future__ import annotations

from typing import Any

import click

from greenroom.cli.main import actor
from greenroom.cli.output import ago, command, json_option, out, say_json, say_table
from greenroom.rights import Role
from greenroom.store import logins, projects, users
from greenroom.store.work import unit_of_work

NONE = "none"
_role = click.Choice([*map(str, Role), NONE])


def _read(role: str) -> Role | None:
    return None if role == NONE else Role(role)


@click.group()
def user() -> None:
    """Accounts of the console."""


@user.command("add")
@click.argument("name")
@click.option("--role", type=_role, default=NONE, show_default=True, help="In every project.")
@click.option("--email", default="", help="By which an identity provider's login finds it.")
@click.option("--no-password", is_flag=True, help="Only the identity provider lets it in.")
@json_option
@command
def user_add(name: str, role: str, email: str, no_password: bool, as_json: bool) -> None:
    """Add an account NAME. Its one-time password is shown once, now."""
    with unit_of_work() as work:
        made, password = users.add_user(
            work, name, role=_read(role), email=email, with_password=not no_password, actor=actor()
        )
    if as_json:
        say_json({"name": made.name, "role": role, "email": made.email, "password": password})
        return
    out.print(f"Added [bold]{made.name}[/].")
    if password:
        out.print(f"  One-time password  [bold]{password}[/]")
    if role == NONE:
        out.print(f"  It sees nothing yet: greenroom member set <project> {made.name} <role>")


@user.command("list")
@json_option
@command
def user_list(as_json: bool) -> None:
    """List the accounts."""
    with unit_of_work() as work:
        names = {project.id: project.name for project in projects.list_projects(work)}
        rows: list[dict[str, Any]] = [
            {
                "name": row.name,
                "email": row.email,
                "role": row.role or NONE,
                "projects": {names[m.project_id]: m.role for m in row.memberships},
                "second_factor": row.totp_since is not None,
                "is_active": row.deactivated_at is None,
                "sessions": len(logins.list_sessions(work, row)),
            }
            for row in users.list_users(work)
        ]
    if as_json:
        say_json(rows)
        return
    say_table(
        ["name", "e-mail", "everywhere", "in projects", "code", "sessions", ""],
        [
            (r["name"], r["email"], r["role"],
             ", ".join(f"{k}: {v}" for k, v in r["projects"].items()),
             "yes" if r["second_factor"] else "no", r["sessions"],
             "" if r["is_active"] else "deactivated")
            for r in rows
        ],
        "No account yet: the first start of the platform makes admin.",
    )  # fmt: skip


@user.command("set-role")
@click.argument("name")
@click.argument("role", type=_role, metavar="ROLE")
@command
def user_set_role(name: str, role: str) -> None:
    """Say what NAME is in every project; none: only what `member set` says."""
    with unit_of_work() as work:
        users.set_role(work, name, _read(role), actor=actor())
    out.print(f"{name} is {role} everywhere.")


@user.command("set-email")
@click.argument("name")
@click.argument("email")
@command
def user_set_email(name: str, email: str) -> None:
    """Say by which EMAIL an identity provider's login finds NAME; - for none."""
    with unit_of_work() as work:
        users.set_email(work, name, "" if email == "-" else email, actor=actor())
    out.print("Saved.")


@user.command("deactivate")
@click.argument("name")
@command
def user_deactivate(name: str) -> None:
    """Let NAME in no more: sessions and tokens end at once."""
    with unit_of_work() as work:
        users.deactivate(work, name, actor=actor())
    out.print(f"{name} is let in no more. `greenroom user activate {name}` undoes it.")


@user.command("activate")
@click.argument("name")
@command
def user_activate(name: str) -> None:
    """Let NAME in again."""
    with unit_of_work() as work:
        users.activate(work, name, actor=actor())
    out.print(f"{name} may log in again.")


@user.command("reset-password")
@click.argument("name")
@click.option("--code", "with_code", is_flag=True, help="Forget the second factor, too.")
@command
def user_reset_password(name: str, with_code: bool) -> None:
    """Give NAME a new one-time password and end its sessions."""
    with unit_of_work() as work:
        password = users.reset_password(work, name, actor=actor())
        if with_code:
            users.reset_totp(work, name, actor=actor())
    out.print(f"One-time password of [bold]{name}[/]: [bold]{password}[/]")


@user.command("sessions")
@click.argument("name")
@click.option("--end", "ended", help="End this one; `all` ends all.")
@json_option
@command
def user_sessions(name: str, ended: str | None, as_json: bool) -> None:
    """List where NAME is logged in, or end it."""
    with unit_of_work() as work:
        found = users.get_user(work, name)
        if ended == "all":
            for session in logins.list_sessions(work, found):
                logins.end_session(work, found, logins.number_of(session), actor=actor())
        elif ended:
            logins.end_session(work, found, ended, actor=actor())
        work.flush()
        rows: list[dict[str, Any]] = [
            {
                "session": logins.number_of(row), "client": row.client, "by": row.way,
                "since": row.created_at, "last_used_at": row.seen_at, "until": row.expires_at,
            }
            for row in logins.list_sessions(work, found)
        ]  # fmt: skip
    if as_json:
        say_json(rows)
        return
    say_table(
        ["session", "with", "by", "since", "last used"],
        [
            (r["session"], r["client"], r["by"], ago(r["since"]), ago(r["last_used_at"]))
            for r in rows
        ],
        f"{name} is not logged in.",
    )


@click.group()
def member() -> None:
    """Say what people are in one project."""


@member.command("set")
@click.argument("project_name")
@click.argument("name")
@click.argument("role", type=_role, metavar="ROLE")
@command
def member_set(project_name: str, name: str, role: str) -> None:
    """Say what account NAME is in PROJECT_NAME; none takes it back."""
    with unit_of_work() as work:
        project = projects.get_project(work, project_name)
        users.set_member(work, project, name, _read(role), actor=actor())
    out.print(f"{name} is {role} in {project_name}.")


@member.command("list")
@click.argument("project_name")
@json_option
@command
def member_list(project_name: str, as_json: bool) -> None:
    """List who sees PROJECT_NAME, and what they are there."""
    with unit_of_work() as work:
        rows = users.list_members(work, projects.get_project(work, project_name))
    if as_json:
        say_json([{"name": n, "role": r, "everywhere": e} for n, r, e in rows])
        return
    say_table(
        ["name", "role", ""],
        [(n, r, "everywhere" if e else "here") for n, r, e in rows],
        "Nobody.",
    )
