"""Queries about hosts: whose Docker Engines run copies for us, and what runs where."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select, update

from greenroom.errors import AlreadyExists, InvalidInput, NotFound
from greenroom.store.audit import record_audit
from greenroom.store.crypto import seal, unseal
from greenroom.store.models import (
    Environment,
    EnvironmentStatus,
    Instance,
    InstanceState,
    Machine,
    Project,
    Release,
    now,
)
from greenroom.store.work import Work, platform_work

LOCAL = "local"
"""What this machine is called among the hosts."""
TAKES = ("all", "staging", "production")
_KEYS = "machines.keys"
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")


@dataclass(frozen=True)
class Host:
    """A host as it is reached."""

    name: str
    kind: str
    """engine, swarm or node."""
    url: str
    address: str
    swarm: str = ""
    takes: str = "all"
    projects: tuple[str, ...] = ()
    memory_bytes: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    """``ca``, ``cert`` and ``key``, as PEM; empty where none are needed."""
    is_drained: bool = False


def host_of(row: Machine) -> Host:
    """Give a row as its host is reached, its keys opened."""
    keys = json.loads(unseal(row.keys, _KEYS)) if row.keys else {}
    return Host(
        row.name, row.kind, row.url, row.address, row.swarm, row.takes, tuple(row.projects),
        row.memory_bytes, row.options, keys, row.is_drained,
    )  # fmt: skip


def list_machines(work: Work) -> list[Machine]:
    """List the hosts by name, and this machine where something was said of it."""
    return list(work.scalars(select(Machine).order_by(Machine.name)))


def list_hosts() -> list[Host]:
    """List the hosts elsewhere, as they are reached."""
    with platform_work() as work:
        return [host_of(row) for row in list_machines(work) if row.kind != LOCAL]


def get_machine(work: Work, name: str) -> Machine:
    """Get a host by its name.

    Errors: NotFound.
    """
    found = work.get(Machine, name)
    if found is None:
        raise NotFound(f"there is no host {name!r}", hint="`greenroom hosts list` lists them.")
    return found


def get_host(name: str) -> Host:
    """Give a host as it is reached.

    Errors: NotFound.
    """
    with platform_work() as work:
        return host_of(get_machine(work, name))


def add_machine(work: Work, host: Host, *, actor: str) -> Machine:
    """Add a host; one of that name is changed, if it is of the same kind.

    Errors: AlreadyExists, InvalidInput, NotFound.
    """
    check_name(host.name)
    for name in host.projects:
        if work.scalar(select(Project.id).where(Project.name == name)) is None:
            raise NotFound(f"there is no project {name!r}", hint="`greenroom project list`")
    if host.kind == "node" and getattr(work.get(Machine, host.swarm), "kind", "") != "swarm":
        raise NotFound(f"there is no swarm {host.swarm!r}", hint="Add one of its managers first.")
    row = work.get(Machine, host.name)
    if row is not None and row.kind != host.kind:
        raise AlreadyExists(f"{host.name} is a host of another kind", hint="Remove it first.")
    if row is None:
        row = Machine(name=host.name, kind=host.kind, created_by=actor)
        work.add(row)
    row.url, row.address, row.swarm = host.url, host.address, host.swarm
    row.takes, row.projects = host.takes, list(host.projects)
    row.memory_bytes, row.options = host.memory_bytes, dict(host.options)
    row.keys = seal(json.dumps(dict(host.keys)), _KEYS) if host.keys else None
    record_audit(
        work, actor, "machine.add", subject=host.name, kind=host.kind, url=host.url,
        takes=host.takes,
    )  # fmt: skip
    return row


def check_name(name: str) -> None:
    """Return if a host may be called so.

    Errors: InvalidInput.
    """
    if not _NAME.fullmatch(name) or name == LOCAL:
        raise InvalidInput(
            f"{name!r} is no name for a host",
            hint=f"Letters a to z, digits and '-', 40 at most, and not {LOCAL!r}.",
        )


def set_drained(work: Work, name: str, is_drained: bool, *, actor: str) -> None:
    """Say whether new copies are placed at a host; those that run there stay. Idempotent.

    Errors: NotFound.
    """
    row = work.get(Machine, name)
    if row is None and name == LOCAL:
        row = Machine(name=LOCAL, kind=LOCAL)
        work.add(row)
    row = row or get_machine(work, name)
    act = "machine.drain" if is_drained else "machine.undrain"
    row.is_drained = is_drained
    record_audit(work, actor, act, subject=name)


def remove_machine(work: Work, name: str, *, forced: bool = False, actor: str) -> list[str]:
    """Forget a host; give the environments that are left without what ran there.

    Errors: InvalidInput while copies run there, unless it is lost and that is said: ``forced``.
    """
    row = get_machine(work, name)
    here = copies_at(work, name)
    nodes = work.scalars(select(Machine.name).where(Machine.swarm == name)).all()
    if nodes:
        raise InvalidInput(f"{', '.join(nodes)} are nodes of it", hint="Remove those first.")
    names = sorted({f"{e.project.name}/{e.name}" for e in _environments(work, here)})
    if here and not forced:
        raise InvalidInput(
            f"{', '.join(names[:10])} run there",
            hint=f"greenroom hosts drain {name}, and deploy them anew. Is it lost for good? --lost",
        )
    for instance in here:
        instance.state, instance.stopped_at, instance.asleep = InstanceState.STOPPED, now(), ""
    work.execute(update(Environment).where(Environment.machine == name).values(machine=""))
    record_audit(work, actor, "machine.remove", subject=name, lost=forced)
    work.delete(row)
    return names


def _environments(work: Work, copies: Sequence[Instance]) -> list[Environment]:
    return [work.get_one(Environment, key) for key in {i.environment_id for i in copies}]


def copies_at(work: Work, name: str) -> list[Instance]:
    """List the copies that are not stopped, at a host."""
    living = Instance.state != InstanceState.STOPPED
    return list(work.scalars(select(Instance).where(Instance.machine == name, living)))


def count_copies(work: Work) -> dict[str, int]:
    """Count the copies that are not stopped, by host; this machine's is the empty name."""
    living = Instance.state != InstanceState.STOPPED
    query = select(Instance.machine, func.count()).where(living).group_by(Instance.machine)
    return {name: int(count) for name, count in work.execute(query)}


def machine_of_copy(name: str) -> str | None:
    """Tell at which host a copy of a name runs; None where no such copy is known."""
    with platform_work() as work:
        return work.scalar(select(Instance.machine).where(Instance.name == name))


def place_of_copy(name: str) -> tuple[str, str] | None:
    """Tell a copy's address and state, as recorded; None where no such copy is known."""
    with platform_work() as work:
        row = work.execute(
            select(Instance.address, Instance.state).where(Instance.name == name)
        ).first()
        return (row.address, row.state) if row is not None else None


def list_seen() -> list[tuple[Host, dict[str, Any]]]:
    """List the hosts elsewhere, with what their engines told of themselves."""
    with platform_work() as work:
        rows = [row for row in list_machines(work) if row.kind != LOCAL]
        return [(host_of(row), row.seen) for row in rows]


def machines_of(work: Work, environment_id: uuid.UUID) -> set[str]:
    """Tell at which hosts an environment has, or had, something."""
    found = set(
        work.scalars(
            select(Instance.machine).where(Instance.environment_id == environment_id).distinct()
        )
    )
    known = set(work.scalars(select(Machine.name)))
    found.add(work.get_one(Environment, environment_id).machine)
    return (found & known) | {""}


def record_seen(name: str, seen: Mapping[str, Any], refused: str = "") -> None:
    """Record what a host's engine told of itself, or why it did not."""
    with platform_work() as work:
        row = work.get(Machine, name)
        if row is None:
            return
        row.refused = refused
        if not refused:
            row.seen, row.seen_at = dict(seen), now()


def record_moved(name: str, address: str) -> None:
    """Record that a copy answers at another address now; the gateways hear of it."""
    with platform_work() as work:
        row = work.scalar(select(Instance).where(Instance.name == name))
        if row is not None and row.address and row.address != address:
            row.address = address


def residents_at(work: Work, name: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Give what each copy at a host uses, as measured, and its release's manifest."""
    rows = work.execute(
        select(Instance.used, Release.manifest)
        .join(Release, Release.id == Instance.release_id)
        .join(Environment, Environment.id == Instance.environment_id)
        .where(
            Instance.machine == name, Instance.state != InstanceState.STOPPED,
            Environment.status != EnvironmentStatus.DESTROYED,
        )
    )  # fmt: skip
    return [(used, manifest) for used, manifest in rows]
