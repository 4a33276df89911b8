"""Hosts: reading them, and doing what somebody asked for."""

from __future__ import annotations

from collections.abc import Mapping

from greenroom.hosting import hosts
from greenroom.hosting.hosts import HostRow, describe_seen


def rows() -> list[HostRow]:
    """Give the hosts; never their keys."""
    return hosts.list_rows()


def add(
    name: str, url: str, address: str, kind: str, swarm: str, replicas: int, takes: str,
    memory: str, keys: Mapping[str, str], actor: str,
) -> str:  # fmt: skip
    """Add a host, once its engine has answered."""
    seen = hosts.add_host(
        name.strip(), url.strip(), kind=kind, swarm=swarm.strip() if kind == "node" else "",
        options={"replicas": replicas, "constraints": []} if kind == "swarm" else {},
        address=address, takes=takes, memory=memory, keys=keys,
        actor=actor,
    )  # fmt: skip
    return f"{name.strip()} is there: {describe_seen(seen)}."


def check(name: str, actor: str) -> str:
    """Ask a host's engine now."""
    return f"{name} answers: {describe_seen(hosts.check_host(name))}."


def drain(name: str, is_drained: bool, actor: str) -> str:
    """Place nothing new at a host, or place there again."""
    hosts.drain_host(name, is_drained, actor=actor)
    return f"{name} takes {'nothing new' if is_drained else 'environments'}."


def remove(name: str, actor: str) -> str:
    """Forget a host that runs nothing."""
    hosts.remove_host(name, actor=actor)
    return f"{name} is forgotten."
