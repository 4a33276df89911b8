"""Hosts: machines elsewhere that run environments."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import Field, SecretStr

from greenroom.api.noun import Done, Given, Noun, Short, Shown
from greenroom.hosting import hosts
from greenroom.rights import current_actor

router = Noun("hosts")
Name = Annotated[str, Path(max_length=40, pattern="^[a-z0-9][a-z0-9-]*$", examples=["alpha"])]


class HostShape(Shown):
    """A host; never its keys."""

    name: str
    kind: str
    url: str
    address: str
    swarm: str
    takes: str
    projects: list[str]
    memory_bytes: int | None
    options: dict[str, Any]
    is_drained: bool
    seen: dict[str, Any] = Field(description="What its engine told when it was last asked.")
    seen_at: datetime | None
    refused: str = Field(description="Why it did not answer when it was last asked.")
    copies: int


@router.reads("/hosts", "machine.read")
def list_hosts() -> list[HostShape]:
    """List the hosts."""
    return [HostShape.model_validate(row) for row in hosts.list_rows()]


class NewHost(Given):
    """A host to add or to change."""

    url: Short = Field(description="ssh://user@host, or tcp://host:2376 with certificates.")
    address: Short = Field("", description="Where the gateway reaches its published ports.")
    takes: Literal["all", "staging", "production"] = "all"
    projects: list[Short] = Field([], max_length=100)
    memory: Short = Field("", description="What environments may use of it.", examples=["12g"])
    kind: Literal["engine", "swarm", "node"] = "engine"
    swarm: Short = Field("", description="Of a node: the name of its swarm.")
    replicas: int = Field(1, ge=1, le=50, description="Of a swarm: tasks of each copy.")
    constraints: list[Short] = Field([], max_length=20, examples=[["node.labels.zone==eu"]])
    ca: SecretStr = Field(SecretStr(""), description="PEM; kept encrypted, never shown.")
    cert: SecretStr = SecretStr("")
    key: SecretStr = SecretStr("")


@router.writes("PUT", "/hosts/{name}", "machine.add")
def add_host(name: Name, given: NewHost) -> Done:
    """Add or change a host; its engine is asked at once."""
    keys = {
        "ca": given.ca.get_secret_value(), "cert": given.cert.get_secret_value(),
        "key": given.key.get_secret_value(),
    }  # fmt: skip
    is_swarm = given.kind == "swarm"
    options = {"replicas": given.replicas, "constraints": given.constraints} if is_swarm else {}
    seen = hosts.add_host(
        name, given.url, kind=given.kind, swarm=given.swarm, options=options,
        address=given.address, takes=given.takes, projects=given.projects,
        memory=given.memory, keys=keys, actor=current_actor().name,
    )  # fmt: skip
    return Done(done=f"{name} is there: {hosts.describe_seen(seen)}.")


@router.writes("POST", "/hosts/{name}/check", "machine.read")
def check_host(name: Name) -> Done:
    """Ask a host's engine now."""
    return Done(done=f"{name}: {hosts.describe_seen(hosts.check_host(name))}.")


class Draining(Given):
    """Whether a host takes new copies."""

    is_drained: bool


@router.writes("PUT", "/hosts/{name}/drained", "machine.drain")
def drain_host(name: Name, given: Draining) -> Done:
    """Place nothing new at a host, or place there again; `local` is Greenroom's own machine."""
    hosts.drain_host(name, given.is_drained, actor=current_actor().name)
    said = "takes nothing new" if given.is_drained else "takes environments"
    return Done(done=f"{name} {said}.")


@router.writes("DELETE", "/hosts/{name}", "machine.remove")
def remove_host(name: Name, is_lost: bool = False) -> Done:
    """Forget a host. What runs there must have gone, unless the host is lost."""
    gone = hosts.remove_host(name, forced=is_lost, actor=current_actor().name)
    return Done(done=f"{name} is forgotten." + (f" Without: {', '.join(gone)}." if gone else ""))
