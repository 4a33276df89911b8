"""The nodes of a swarm: which have an image, how each is reached, where its tasks answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import docker

from greenroom.errors import HostingError, HostUnavailable
from greenroom.hosting import reach
from greenroom.hosting.base import Check, Copy, Log
from greenroom.hosting.engine import connect
from greenroom.hosting.transfer import send_image
from greenroom.store import machines
from greenroom.store.machines import Host

if TYPE_CHECKING:
    from greenroom.hosting.swarm import SwarmRuntime

REACHED = "greenroom.reached"
"""Label of the nodes that images can be brought to."""


def _known(swarm: SwarmRuntime) -> dict[str, Host]:
    """Give the hosts that are nodes of a swarm, the manager included, by the swarm's own ids."""
    found = {}
    for host, seen in machines.list_seen():
        is_node = host.kind == "node" and host.swarm == swarm.host.name
        if (is_node or host.name == swarm.host.name) and seen.get("node_id"):
            found[str(seen["node_id"])] = host
    return found


def _can_run(node: dict[str, Any]) -> bool:
    return bool(node["Status"]["State"] == "ready" and node["Spec"]["Availability"] == "active")


def client_of(swarm: SwarmRuntime, node_id: str) -> docker.DockerClient | None:
    """Give the connection to a node's engine; None where it is no host, or does not answer."""
    host = _known(swarm).get(node_id)
    try:
        return reach.connect(host, swarm.settings) if host is not None else None
    except HostUnavailable:
        return None


def addresses(swarm: SwarmRuntime, tasks: list[dict[str, Any]]) -> list[str]:
    """Give where running tasks answer: their node's address, and the port published there."""
    known, found = _known(swarm), []
    for task in tasks:
        node_id = task["NodeID"]
        at = known[node_id].address if node_id in known else ""
        if not at:
            at = swarm.client.nodes.get(node_id).attrs["Status"]["Addr"]
        port = task["Status"]["PortStatus"]["Ports"][0]["PublishedPort"]
        found.append(f"http://{at}:{port}")
    return sorted(found)


def prepare(swarm: SwarmRuntime, copy: Copy, log: Log, check: Check) -> list[str]:
    """Bring a copy's image to the nodes that may run it; give the placement constraints.

    Errors: HostingError where no node can be brought it.
    """
    known, sent, unknown = _known(swarm), [], []
    for node in swarm.client.api.nodes():
        name, host = node["Description"]["Hostname"], known.get(node["ID"])
        if not _can_run(node):
            continue
        if host is None:
            unknown.append(name)
            continue
        try:
            there = reach.connect(host, swarm.settings)
        except HostUnavailable as error:
            log(error.message)
            continue
        send_image(
            connect(swarm.settings), there, copy.artifact, copy.location, host.name, log, check
        )
        sent.append(node)
    if not sent:
        raise HostingError(
            f"no node of the swarm {swarm.host.name} can be brought the image",
            hint=f"Name its nodes: greenroom hosts add <name> <url> --node-of {swarm.host.name}",
        )
    wanted = [str(one) for one in swarm.host.options.get("constraints", [])]
    if not unknown:
        return wanted
    log(f"nothing is placed at {', '.join(unknown)}: no image can be brought to nodes not named")
    for node in sent:
        if node["Spec"].get("Labels", {}).get(REACHED) != "yes":
            spec = {**node["Spec"], "Labels": {**node["Spec"].get("Labels", {}), REACHED: "yes"}}
            swarm.client.api.update_node(node["ID"], node["Version"]["Index"], spec)
    return [*wanted, f"node.labels.{REACHED}==yes"]
