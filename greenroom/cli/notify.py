"""``notify``: who is told of what."""

from __future__ import annotations

from typing import Any

import click

from greenroom.cli.main import actor
from greenroom.cli.output import command, json_option, out, say_json, say_table
from greenroom.cli.projects import read_secret
from greenroom.notify.sending import send, service_of
from greenroom.store import notices, projects
from greenroom.store.states import NoticeKind
from greenroom.store.work import unit_of_work


@click.group()
def notify() -> None:
    """People and rooms that are told of failures, and of what waits for them."""


@notify.command("add")
@click.argument("name")
@click.option("--project", "project_name", help="Only of this project; default: of all.")
@click.option(
    "--on", "kinds", multiple=True, type=click.Choice([*map(str, NoticeKind)]),
    help="What to tell; again for more. Default: failed, review, sync-failed.",
)  # fmt: skip
@click.option("--everything", is_flag=True, help="Tell everything.")
@click.option("--env", "environments", default="*", help="Only environments like this: feature-*")
@click.option(
    "--digest",
    type=click.Choice(["hour", "day"]),
    help="Hold what is not urgent until the full hour, or until the morning.",
)
@command
def notify_add(
    name: str, project_name: str | None, kinds: tuple[str, ...], everything: bool,
    environments: str, digest: str | None,
) -> None:  # fmt: skip
    """Tell NAME of what happens, at an address of any service that apprise knows.

    The address is asked for, or read from standard input; it is kept encrypted.
    """
    address = read_secret("Address (mailtos://…, slack://…, msteams://…, json://…)").strip()
    service = service_of(address)
    wanted = tuple(NoticeKind) if everything else tuple(map(NoticeKind, kinds)) or notices.QUIET
    with unit_of_work() as work:
        project = projects.get_project(work, project_name) if project_name else None
        notices.add_target(
            work, name, service, address, project=project, kinds=wanted,
            environments=environments, digest=digest or "", actor=actor(),
        )  # fmt: skip
    out.print(f"{name} hears of: {', '.join(wanted)}. Try it: greenroom notify test {name}")


@notify.command("list")
@json_option
@command
def notify_list(as_json: bool) -> None:
    """List who is told of what, and whose service refused the last message."""
    with unit_of_work() as work:
        rows: list[dict[str, Any]] = [
            {
                "name": target.name,
                "service": target.service,
                "project": target.project.name if target.project else None,
                "environments": target.environments,
                "kinds": list(target.kinds),
                "digest": target.digest,
                "refused": target.refused,
            }
            for target in notices.list_targets(work)
        ]
    if as_json:
        say_json(rows)
        return
    say_table(
        ["name", "service", "project", "environments", "hears of", "last message"],
        [
            (r["name"], r["service"], r["project"] or "all", r["environments"],
             ", ".join(r["kinds"]), r["refused"] or "taken")
            for r in rows
        ],
        "Nobody is told of anything. Add somebody: greenroom notify add <name>",
    )  # fmt: skip


@notify.command("test")
@click.argument("name")
@command
def notify_test(name: str) -> None:
    """Send NAME a message now."""
    with unit_of_work() as work:
        address = notices.target_address(notices.get_target(work, name))
    send(address, "Greenroom can reach you", "This is what a message looks like.")
    out.print(f"{name} was told.")


@notify.command("remove")
@click.argument("name")
@command
def notify_remove(name: str) -> None:
    """Tell NAME nothing more."""
    with unit_of_work() as work:
        notices.remove_target(work, name, actor=actor())
    out.print(f"{name} is told nothing more.")
