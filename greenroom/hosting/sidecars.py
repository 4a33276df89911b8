"""Services that rest with their environment, and answer again before it wakes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import docker
from docker.models.containers import Container

from greenroom.errors import HostingError
from greenroom.hosting import resting
from greenroom.hosting.networks import ENVIRONMENT_LABEL, LABEL
from greenroom.surroundings import Service

SERVICE_LABEL = "greenroom.service"
HEALTH_LABEL = "greenroom.service-health"
"""JSON of port, health command and most seconds: how it is told that a service answers."""
POLL_SECONDS = 0.2


def wake_services(client: docker.DockerClient, environment_id: str) -> None:
    """Have an environment's services up, in the order in which they were made. Idempotent.

    One that was stopped must answer before the next is started.

    Errors: HostingError.
    """
    for service in _services(client, environment_id):
        if service.status == "running":
            continue
        was_stopped = service.status != "paused"
        resting.resume(service)
        if was_stopped:
            _wait_until_healthy(service)


def rest_services(
    client: docker.DockerClient, environment_id: str, rest: Callable[[Container], None]
) -> None:
    """Let an environment's services rest, the last first, unless a copy of it runs. Idempotent.

    One that starts meanwhile, as a deployment's does, finds them awake: whoever acts looks again
    after it has acted, here and where a copy starts.
    """
    if _has_running_copy(client, environment_id):
        return
    for service in reversed(_services(client, environment_id)):
        rest(service)
    if _has_running_copy(client, environment_id):
        wake_services(client, environment_id)


def _services(client: docker.DockerClient, environment_id: str) -> list[Container]:
    mine = [f"{ENVIRONMENT_LABEL}={environment_id}", SERVICE_LABEL]
    found = client.containers.list(all=True, filters={"label": mine})
    return sorted(found, key=lambda one: str(one.attrs["Created"]))


def _has_running_copy(client: docker.DockerClient, environment_id: str) -> bool:
    mine = [f"{ENVIRONMENT_LABEL}={environment_id}", LABEL]
    running = {"label": mine, "status": ["running", "restarting"]}
    rows = client.api.containers(filters=running)
    return any(SERVICE_LABEL not in row["Labels"] for row in rows)  # an image may bear ours, too


def health_of(service: Service) -> str:
    """Give what the label keeps. Pure."""
    return json.dumps([service.port, service.health.strip(), service.timeout_seconds])


def _wait_until_healthy(container: Container) -> None:
    port, health, seconds = json.loads(container.labels.get(HEALTH_LABEL) or '[0, "", 30]')
    deadline = time.monotonic() + seconds
    while not is_healthy(container, port, health):
        if time.monotonic() > deadline:
            name = container.labels[SERVICE_LABEL]
            raise HostingError(f"the service {name} does not answer after its rest")
        time.sleep(POLL_SECONDS)


def is_healthy(container: Container, port: int, health: str) -> bool:
    """Whether a service answers: by its own command, else by its port, else by running."""
    if health:
        code, _ = container.exec_run(["/bin/sh", "-c", health])
        return code == 0
    if not port:
        return True
    code, told = container.exec_run(["cat", "/proc/net/tcp", "/proc/net/tcp6"])
    table = told.decode("ascii", "replace") if isinstance(told, bytes) else ""
    return code in (126, 127) or is_listening(table, port)


def is_listening(table: str, port: int) -> bool:
    """Whether something listens on a port for others than itself, by the kernel's table. Pure.

    An image without `cat` is taken at its word. Source: proc_net_tcp, Linux documentation.
    """
    for line in table.splitlines():
        words = line.split()
        is_ours = len(words) > 3 and words[3] == "0A" and words[1].endswith(f":{port:04X}")
        if is_ours and not words[1].startswith("0100007F:"):
            return True
    return False
