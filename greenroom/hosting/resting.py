"""Containers that rest: paused, stopped, woken; and what one of them uses."""

from __future__ import annotations

from typing import Any

import docker
import docker.errors
from docker.models.containers import Container

from greenroom.hosting.base import Usage


def policy(name: str) -> Any:
    """Name a restart policy."""
    return {"Name": name}  # the SDK's type asks for a count that only "on-failure" has


def let_go(container: Container) -> None:
    """Let a paused container go on: it would hear nothing else."""
    container.reload()
    if container.status == "paused":
        try:
            container.unpause()
        except docker.errors.APIError as error:
            if "not paused" not in str(error):
                raise


def pause(container: Container | None) -> None:
    """Pause a container that runs. Idempotent."""
    if container is not None and container.status == "running":
        container.pause()


def park(container: Container | None, grace_seconds: int) -> None:
    """Stop a container and leave it there, also when the engine starts anew. Idempotent."""
    if container is not None:
        let_go(container)
        container.update(restart_policy=policy("no"))
        container.stop(timeout=grace_seconds)


def resume(container: Container) -> None:
    """Let a paused container go on, or start a stopped one. Idempotent."""
    let_go(container)
    if container.status not in ("running", "paused"):
        container.start()
        container.update(restart_policy=policy("always"))


def measure(client: docker.DockerClient, container: Container) -> Usage:
    """Measure a container, and read its limits as the engine holds them."""
    host = container.attrs["HostConfig"]
    limits = (host["Memory"] or None, host["NanoCpus"] / 1e9 or None, host["PidsLimit"])
    if container.status != "running":
        return Usage(memory_limit_bytes=limits[0], cpu_limit=limits[1], processes_limit=limits[2])
    now: dict[str, Any] = client.api.stats(str(container.id), stream=False, one_shot=True)
    memory = now.get("memory_stats", {})
    kinds = memory.get("stats", {})
    cache = kinds.get("total_inactive_file", 0) or kinds.get("inactive_file", 0)
    return Usage(
        memory_bytes=max(0, memory.get("usage", 0) - cache), memory_limit_bytes=limits[0],
        cpu_seconds=now.get("cpu_stats", {}).get("cpu_usage", {}).get("total_usage", 0) / 1e9,
        cpu_limit=limits[1], processes=now.get("pids_stats", {}).get("current"),
        processes_limit=limits[2], disk_bytes=_written_bytes(client, str(container.name)),
    )  # fmt: skip


def _written_bytes(client: docker.DockerClient, name: str) -> int | None:
    """Give the size of what a container wrote into its own layer."""
    for row in client.api.containers(all=True, size=True, filters={"name": f"^/{name}$"}):
        return int(row.get("SizeRw") or 0)
    return None
