"""``user``: who may log in to the console."""

from __future__ import annotations

import click

from greenroom.cli.main import actor
from greenroom.cli.output import command, out
from greenroom.store import users
from greenroom.store.work import unit_of_work


@click.group()
def user() -> None:
    """Accounts of the console."""


@user.command("reset-password")
@click.argument("name")
@command
def user_reset_password(name: str) -> None:
    """Give NAME a new one-time password and end its sessions."""
    with unit_of_work() as work:
        password = users.reset_password(work, name, actor=actor())
    out.print(f"One-time password of [bold]{name}[/]: [bold]{password}[/]")
