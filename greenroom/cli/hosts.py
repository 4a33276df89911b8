"""``hosts``: machines elsewhere that run environments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from greenroom.cli.main import actor
from greenroom.cli.output import ago, command, err, json_option, out, say_json, say_table
from greenroom.errors import GreenroomError, InvalidInput
from greenroom.hosting import hosts as rooms
from greenroom.store.machines import LOCAL, TAKES


@click.group()
def hosts() -> None:
    """Machines elsewhere whose Docker Engine, or Docker Swarm, runs environments."""


@hosts.command("add")
@click.argument("name")
@click.argument("url")
@click.option("--address", default="", help="Where the gateway reaches its ports; default: URL's.")
@click.option("--ca", type=click.Path(exists=True, dir_okay=False), help="PEM file of its CA.")
@click.option("--cert", type=click.Path(exists=True, dir_okay=False), help="Our certificate.")
@click.option("--key", type=click.Path(exists=True, dir_okay=False), help="Our key.")
@click.option("--takes", type=click.Choice(TAKES), default="all", show_default=True)
@click.option("--project", "projects", multiple=True, help="Only this project; again for more.")
@click.option("--memory", default="", help="What environments may use of it, like 12g.")
@click.option("--swarm", "is_swarm", is_flag=True, help="It is a manager of a Docker Swarm.")
@click.option("--node-of", default="", metavar="SWARM", help="It is a node of that swarm.")
@click.option("--replicas", type=click.IntRange(1, 50), default=1, help="Of a swarm: tasks each.")
@click.option("--constraint", "constraints", multiple=True, help="Like node.labels.zone==eu.")
@command
def hosts_add(
    name: str, url: str, address: str, ca: str | None, cert: str | None, key: str | None,
    takes: str, projects: tuple[str, ...], memory: str, is_swarm: bool, node_of: str,
    replicas: int, constraints: tuple[str, ...],
) -> None:  # fmt: skip
    """Add, or change, the host NAME whose engine is at URL.

    URL is ssh://user@host, or tcp://host:2376 with the certificates of a client. The engine is
    asked at once. Certificates are kept encrypted.
    """
    files = {"ca": ca, "cert": cert, "key": key}
    keys = {part: Path(file).read_text() for part, file in files.items() if file}
    kind = "swarm" if is_swarm else "node" if node_of else "engine"
    seen = rooms.add_host(
        name, url, kind=kind, address=address, swarm=node_of, takes=takes, projects=projects,
        memory=memory, keys=keys, actor=actor(),
        options={"replicas": replicas, "constraints": list(constraints)} if is_swarm else {},
    )  # fmt: skip
    out.print(f"{name} is there: {rooms.describe_seen(seen)}.", markup=False)
    if takes != "production" and kind != "node":
        err.print(f"Note: {rooms.UNGUARDED}", markup=False)


@hosts.command("list")
@json_option
@command
def hosts_list(as_json: bool) -> None:
    """List the hosts, and what they were when last seen."""
    rows = rooms.list_rows()
    if as_json:
        say_json([vars(row) for row in rows])
        return
    say_table(
        ["name", "kind", "engine at", "takes", "copies", "seen", ""],
        [
            (r.name, r.kind, r.url or "here", ", ".join([r.takes, *r.projects]), r.copies,
             f"{rooms.describe_seen(r.seen)}, {ago(r.seen_at)}" if r.url else "",
             "drained" if r.is_drained else r.refused or "")
            for r in rows
        ],
        "Everything runs on this machine. Add another: greenroom hosts add <name> ssh://user@host",
    )  # fmt: skip


@hosts.command("check")
@click.argument("name", default="")
@json_option
@command
def hosts_check(name: str, as_json: bool) -> None:
    """Ask host NAME, or each, whether its engine answers."""
    names = [name] if name else [r.name for r in rooms.list_rows() if r.kind != LOCAL]
    told: dict[str, Any] = {}
    for one in names:
        try:
            told[one] = rooms.check_host(one)
        except GreenroomError as error:
            if name:
                raise
            told[one] = error.as_json()
    if as_json:
        say_json(told)
        return
    for one, seen in told.items():
        answer = seen["detail"] if "error" in seen else rooms.describe_seen(seen)
        out.print(f"{one}: {answer}", markup=False)
    if not told:
        out.print("There is no host but this machine.")


@hosts.command("drain")
@click.argument("name")
@click.option("--back", is_flag=True, help="Place environments there again.")
@command
def hosts_drain(name: str, back: bool) -> None:
    """Place nothing new at host NAME; `local` is this machine. What runs there goes on."""
    rooms.drain_host(name, not back, actor=actor())
    said = "takes environments again" if back else "takes nothing new. Deploy what runs there anew"
    out.print(f"{name} {said}.", markup=False)


@hosts.command("remove")
@click.argument("name")
@click.option("--lost", is_flag=True, help="It will never answer again: what ran there is lost.")
@command
def hosts_remove(name: str, lost: bool) -> None:
    """Forget host NAME and its certificates."""
    if name == LOCAL:
        raise InvalidInput("this machine stays", hint="greenroom hosts drain local --back")
    for gone in rooms.remove_host(name, forced=lost, actor=actor()):
        err.print(f"{gone} ran there: deploy it anew.", markup=False)
    out.print(f"{name} is forgotten.", markup=False)
