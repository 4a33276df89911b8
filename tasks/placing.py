"""At which host an environment's copies run, and what is left where they ran before."""

from __future__ import annotations

from urllib.parse import urlsplit
from uuid import UUID

from greenroom.errors import GreenroomError, HostUnavailable
from greenroom.hosting import room
from greenroom.hosting.base import Log
from greenroom.hosting.placement import Offer, Wish, choose_host
from greenroom.manifest import Manifest
from greenroom.settings import load_settings
from greenroom.store import environments, machines, projects
from greenroom.store.machines import LOCAL, Host
from greenroom.store.models import Environment, EnvironmentKind, Machine, Release
from greenroom.store.work import Work, unit_of_work

HERE = frozenset({"localhost", "127.0.0.1", "::1", ""})


def place_environment(environment_id: UUID, release_id: UUID, log: Log) -> str:
    """Choose the host of an environment's next copies, record it and give its name. Idempotent.

    The empty name is this machine.

    Errors: LimitReached, HostUnavailable.
    """
    with unit_of_work() as work:
        rows = machines.list_machines(work)
        if not rows:
            return ""
        wish = _wish(work, environment_id, release_id)
        hosts = [machines.host_of(row) for row in rows if row.kind in ("engine", "swarm")]
        promised = {host.name: _promised_bytes(work, host.name) for host in hosts}
        local = work.get(Machine, LOCAL)
    offers = [
        Offer(
            "", room.free_memory_bytes() - load_settings().least_free_memory_bytes,
            is_drained=local is not None and local.is_drained,
        ),
        *(_ask(host, promised[host.name]) for host in hosts),
    ]  # fmt: skip
    name, lines = choose_host(offers, wish)
    for line in lines:
        log(line)
    with unit_of_work() as work:
        work.get_one(Environment, environment_id).machine = name
    return name


def _ask(host: Host, promised_bytes: int) -> Offer:
    from greenroom.hosting.hosts import look_at

    try:
        seen = look_at(host, load_settings())
    except HostUnavailable as error:
        return Offer(host.name, 0, host, host.is_drained, error.message)
    has = min(seen["memory_bytes"], host.memory_bytes or seen["memory_bytes"])
    free = has - promised_bytes - load_settings().least_free_memory_bytes
    return Offer(host.name, free, host, host.is_drained)


def _promised_bytes(work: Work, name: str) -> int:
    """Add up what the copies at a host are expected to use; each may use its limit's worth."""
    return sum(
        room.expected_bytes(
            Manifest.from_json(manifest).resources.memory_bytes, used.get("memory_bytes")
        )
        for used, manifest in machines.residents_at(work, name)
    )


def _wish(work: Work, environment_id: UUID, release_id: UUID) -> Wish:
    environment = work.get_one(Environment, environment_id)
    manifest = Manifest.from_json(work.get_one(Release, release_id).manifest)
    serving = environments.serving_instance(work, environment_id)
    used = serving.used.get("memory_bytes") if serving is not None else None
    is_production = environment.kind == EnvironmentKind.PRODUCTION
    return Wish(
        project=environment.project.name, is_production=is_production,
        memory_bytes=room.expected_bytes(manifest.resources.memory_bytes, used),
        before=serving.machine if serving is not None else environment.machine,
        has_before=serving is not None or bool(environment.machine),
        why_here=_why_here(environment), has_services=bool(manifest.services),
        needs_guard=not is_production and load_settings().egress_guard == "required",
    )  # fmt: skip


def _why_here(environment: Environment) -> str:
    """Say why an environment's copies must run on this machine; empty where they need not."""
    if environment.database_url is None:
        return ""
    if environment.kind == EnvironmentKind.PRODUCTION and projects.production_database_url(
        environment.project
    ):
        return ""
    given = load_settings().database_url
    host = urlsplit(given.get_secret_value()).hostname if given is not None else ""
    return "its database is on this machine" if (host or "") in HERE else ""


def leave_other_hosts(environment_id: UUID, log: Log) -> None:
    """Remove network and services of an environment where none of its copies is. Idempotent.

    A host that does not answer keeps them until the clearing finds them.
    """
    with unit_of_work() as work:
        if not machines.list_machines(work):
            return
        stay = {i.machine for i in environments.list_instances(work, environment_id)}
        stay.add(work.get_one(Environment, environment_id).machine)
        left = machines.machines_of(work, environment_id) - stay
    for name in left:
        try:
            remove_surroundings(environment_id, name)
        except GreenroomError as error:
            log(f"{name or LOCAL} keeps network and services: {error.message}")


def remove_surroundings(environment_id: UUID, machine: str) -> None:
    """Remove network and services of an environment at a host. Idempotent.

    Errors: HostingError, HostUnavailable.
    """
    from greenroom.hosting.placed import runtime_at
    from greenroom.hosting.services import Services
    from greenroom.hosting.swarm import SwarmRuntime

    runtime = runtime_at(load_settings(), machine)
    if not isinstance(runtime, SwarmRuntime):
        Services(runtime).remove(str(environment_id))
    runtime.remove_network(str(environment_id))
