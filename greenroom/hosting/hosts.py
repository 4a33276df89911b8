"""Hosts: added once their engine has answered, looked at, and forgotten."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from greenroom.errors import HostUnavailable, InvalidInput
from greenroom.hosting.tunnel import close_tunnels
from greenroom.rights import check_right, current_actor
from greenroom.settings import Settings, load_settings
from greenroom.sizes import SIZE, bytes_of
from greenroom.store import machines
from greenroom.store.machines import TAKES, Host
from greenroom.store.work import unit_of_work

_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}|[0-9A-Fa-f:.]{2,45}")
_USER, _PATH = (
    re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}"),
    re.compile(r"[A-Za-z0-9_./-]{0,200}"),
)
KINDS = ("engine", "swarm", "node")
UNGUARDED = (
    "Staging there is not guarded: the egress guard and the capture of mail are the firewall of"
    " Greenroom's own machine. What runs there reaches the world, and can send mail."
)
"""Said wherever a host elsewhere that takes staging is shown."""


@dataclass(frozen=True)
class HostRow:
    """A host as it is shown: never its keys."""

    name: str
    kind: str
    url: str
    address: str
    swarm: str
    takes: str
    projects: tuple[str, ...]
    memory_bytes: int | None
    options: Mapping[str, Any]
    is_drained: bool
    seen: Mapping[str, Any]
    seen_at: datetime | None
    refused: str
    copies: int


def read_url(url: str, *, has_keys: bool) -> str:
    """Give the host name of an engine's address. Pure.

    Errors: InvalidInput: an engine is root on its machine, so no open port is taken.
    """
    try:
        parts = urlsplit(url)
        fits = parts.port != 0  # reading it tells whether it is a number
    except ValueError:
        parts, fits = urlsplit(""), False
    if fits and parts.scheme == "tcp" and not has_keys:
        raise InvalidInput(
            "an engine at tcp:// needs certificates: whoever reaches it is root there",
            hint="Give --ca, --cert and --key, or use ssh://user@host.",
        )
    if parts.password:
        raise InvalidInput("no password belongs in an address", hint="SSH asks for a key.")
    is_unix = parts.scheme == "unix"
    fits &= parts.scheme in ("tcp", "ssh", "unix") and has_keys == (parts.scheme == "tcp")
    fits &= is_unix or bool(_HOST.fullmatch(parts.hostname or ""))
    fits &= bool(_USER.fullmatch(parts.username or "x")) and bool(_PATH.fullmatch(parts.path))
    if not fits or (is_unix and (parts.netloc or not parts.path)):
        raise InvalidInput(
            "that is no address of an engine",
            hint="ssh://user@host, unix:///path, or tcp://host:2376 with certificates.",
        )
    if is_unix:
        return "127.0.0.1"
    return str(parts.hostname)


def add_host(
    name: str, url: str, *, kind: str = "engine", address: str = "", swarm: str = "",
    takes: str = "all", projects: Sequence[str] = (), memory: str = "",
    options: Mapping[str, Any] | None = None, keys: Mapping[str, str] | None = None, actor: str,
) -> dict[str, Any]:  # fmt: skip
    """Add a host, or change one, once its engine has answered; give what it told.

    Errors: InvalidInput, AlreadyExists, NotFound, NotAllowed, HostUnavailable.
    """
    check_right(current_actor(), "machine.add")
    machines.check_name(name)
    if kind not in KINDS or takes not in TAKES:
        raise InvalidInput(f"{kind!r} hosts that take {takes!r} are not known")
    given = {key: value for key, value in (keys or {}).items() if value.strip()}
    if given and set(given) != {"ca", "cert", "key"}:
        raise InvalidInput("three files belong together", hint="--ca, --cert and --key.")
    reached = read_url(url, has_keys=bool(given))
    if address.strip() and not _HOST.fullmatch(address.strip()):
        raise InvalidInput(f"{address!r} is no name and no number of a machine")
    host = Host(
        name, kind, url, address.strip() or reached, swarm, takes, tuple(projects),
        _bytes(memory), options or {}, given,
    )  # fmt: skip
    seen = _ask_anew(host)
    if not seen["is_linux"]:
        raise InvalidInput(f"{name} runs no Linux containers")
    if kind == "swarm" and not seen["is_manager"]:
        raise InvalidInput(
            f"{name} is no manager of a swarm",
            hint="`docker swarm init` there, or name a manager. An engine alone: without --swarm.",
        )
    if kind == "node" and not seen["node_id"]:
        raise InvalidInput(f"{name} is in no swarm", hint="`docker swarm join` there first.")
    with unit_of_work() as work:
        machines.add_machine(work, host, actor=actor)
    machines.record_seen(name, seen)
    return seen


def _bytes(memory: str) -> int | None:
    if memory.strip() and not SIZE.fullmatch(memory.strip()):
        raise InvalidInput(f"{memory!r} is no amount of memory", hint="Like: 16g, 900m.")
    return bytes_of(memory.strip()) if memory.strip() else None


def look_at(host: Host, settings: Settings) -> dict[str, Any]:
    """Ask a host's engine what it is, and record what it told, or that it did not.

    Errors: HostUnavailable.
    """
    from greenroom.hosting import reach  # the SDK loads only where it is used

    try:
        seen = reach.describe(host, settings)
    except HostUnavailable as error:
        machines.record_seen(host.name, {}, error.message)
        raise
    machines.record_seen(host.name, seen)
    return seen


def list_rows() -> list[HostRow]:
    """List the hosts, as they are shown; this machine only where it is drained."""
    check_right(current_actor(), "machine.read")
    with unit_of_work() as work:
        copies = machines.count_copies(work)
        return [
            HostRow(
                row.name, row.kind, row.url, row.address, row.swarm, row.takes,
                tuple(row.projects), row.memory_bytes, row.options, row.is_drained, row.seen,
                row.seen_at, row.refused,
                copies.get("" if row.kind == machines.LOCAL else row.name, 0),
            )
            for row in machines.list_machines(work)
        ]  # fmt: skip


def check_host(name: str) -> dict[str, Any]:
    """Ask a host now.

    Errors: NotFound, HostUnavailable, NotAllowed.
    """
    check_right(current_actor(), "machine.read")
    return _ask_anew(machines.get_host(name))


def _ask_anew(host: Host) -> dict[str, Any]:
    """Ask a host as if nobody had before: a moment ago it may have been silent."""
    from greenroom.hosting import reach  # the SDK loads only where it is used

    reach.forget(host)
    return look_at(host, load_settings())


def drain_host(name: str, is_drained: bool, *, actor: str) -> None:
    """Place nothing new at a host, or place there again. Idempotent."""
    with unit_of_work() as work:
        machines.set_drained(work, name, is_drained, actor=actor)


def remove_host(name: str, *, forced: bool = False, actor: str) -> list[str]:
    """Forget a host and its keys; give the environments that lose what ran there.

    Errors: InvalidInput while copies run there and it is not said to be lost.
    """
    with unit_of_work() as work:
        names = machines.remove_machine(work, name, forced=forced, actor=actor)
    settings = load_settings()
    close_tunnels(settings, name)
    shutil.rmtree(settings.path("run", "hosts", name), ignore_errors=True)
    settings.path("run", "hosts", f"{name}.sock").unlink(missing_ok=True)
    return names


def examine_hosts(settings: Settings) -> Iterator[tuple[str, str, str, str]]:
    """Ask every host; give for each what doctor says: subject, grade, text and hint."""
    unguarded = []
    for host in machines.list_hosts():
        try:
            seen = look_at(host, settings)
        except HostUnavailable as error:
            yield (f"host {host.name}", "bad", error.message, error.hint)
            continue
        drained = ", drained" if host.is_drained else ""
        yield (f"host {host.name}", "ok", f"{host.kind}, {describe_seen(seen)}{drained}", "")
        if host.kind != "node" and host.takes != "production":
            unguarded.append(host.name)
    if unguarded:
        yield (
            "staging elsewhere", "note", f"{', '.join(unguarded)}: {UNGUARDED}",
            "Let them take production only, or set GREENROOM_EGRESS_GUARD=required.",
        )  # fmt: skip


def describe_seen(seen: Mapping[str, Any]) -> str:
    """Say what a host is. Pure."""
    if not seen:
        return "never seen"
    words = f"engine {seen['engine']}, {seen['cpus']} CPU, {seen['memory_bytes'] / 1024**3:.1f} GiB"
    return words + (f", {seen['nodes']} nodes" if seen.get("is_manager") else "")
