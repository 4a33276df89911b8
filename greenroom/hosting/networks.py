"""Environments' networks at the engine: one each, guarded or open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import docker
import docker.errors

from greenroom import names as name_of

LABEL = "greenroom.copy"
"""On every container and image of ours; its value on a container is the copy's name."""
ENVIRONMENT_LABEL = "greenroom.environment"
HOME_LABEL = "greenroom.home"
"""Which platform made it: two platforms may share one engine."""


@dataclass(frozen=True)
class Network:
    """An environment's network at the engine."""

    name: str
    subnet: str
    gateway: str
    """The host's address in it."""
    bridge: str


def ensure_network(
    client: docker.DockerClient, environment_id: str, home: str, *, guarded: bool
) -> Network:
    """Give an environment's own network, made on first use. Idempotent.

    A guarded one has the interface name that the egress guard keeps, and no address translation:
    what would slip by the guard has no way back.
    """
    wanted = name_of.network_name(environment_id, guarded=guarded)
    bridge = name_of.bridge_name(environment_id, home, guarded=guarded)
    options = {"com.docker.network.bridge.name": bridge}
    if guarded:
        options["com.docker.network.bridge.enable_ip_masquerade"] = "false"
    if not client.networks.list(names=[f"^{wanted}$"]):
        try:
            client.networks.create(
                wanted,
                driver="bridge",
                check_duplicate=True,
                labels={ENVIRONMENT_LABEL: environment_id, HOME_LABEL: home},
                options=options,
            )
        except docker.errors.APIError as error:
            if error.status_code != 409:  # another was faster
                raise
    (found,) = client.networks.list(names=[f"^{wanted}$"])
    settings = next(one for one in found.attrs["IPAM"]["Config"] if ":" not in one["Subnet"])
    return Network(wanted, settings["Subnet"], settings["Gateway"], bridge)


def remove_networks(client: docker.DockerClient, environment_id: str) -> None:
    """Delete an environment's networks, also those that older versions made. Idempotent."""
    mine = {"label": [f"{ENVIRONMENT_LABEL}={environment_id}"]}
    for network in client.networks.list(filters=mine):
        network.remove()


def guarded_options(network: Network | None) -> dict[str, Any]:
    """Give what a container in a guarded network has besides: our names, and no IPv6."""
    if network is None:
        return {}
    return {
        "dns": [network.gateway],
        "dns_search": ["."],
        "sysctls": {"net.ipv6.conf.all.disable_ipv6": "1"},
    }


def describe_place(
    client: docker.DockerClient, name: str, environment_id: str, home: str
) -> tuple[int, list[tuple[str, int]]]:
    """Give a process of a container, and where other environments' containers listen."""
    pid = int(client.containers.get(name).attrs["State"]["Pid"])
    siblings = []
    for one in client.containers.list(filters={"label": [f"{HOME_LABEL}={home}"]}):
        if one.labels.get(ENVIRONMENT_LABEL, environment_id) == environment_id:
            continue
        exposed = one.attrs["Config"].get("ExposedPorts") or {}
        ports = [int(port.partition("/")[0]) for port in exposed]
        for network in one.attrs["NetworkSettings"]["Networks"].values():
            siblings += [(network["IPAddress"], port) for port in ports or [80]]
    return pid, siblings
