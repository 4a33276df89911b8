"""Services beside an environment: containers on its own network, found there by their names."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Collection
from dataclasses import asdict
from typing import Any

import docker.errors
from docker.models.containers import Container
from docker.types import EndpointConfig, LogConfig, Ulimit

from greenroom import names as name_of
from greenroom.errors import HostingError
from greenroom.hosting.base import Check, Log
from greenroom.hosting.engine import CAPABILITIES, DockerRuntime, explained
from greenroom.hosting.networks import ENVIRONMENT_LABEL, HOME_LABEL, Network, guarded_options
from greenroom.hosting.resting import let_go, policy
from greenroom.hosting.sidecars import (
    HEALTH_LABEL,
    POLL_SECONDS,
    SERVICE_LABEL,
    health_of,
    is_healthy,
)
from greenroom.surroundings import Service

DIGEST_LABEL = "greenroom.service-digest"


class Services:
    """Starts, checks and removes the services of environments."""

    def __init__(self, runtime: DockerRuntime) -> None:
        self._runtime = runtime

    def _find(self, name: str) -> Container | None:
        try:
            return self._runtime.client.containers.get(name)
        except docker.errors.NotFound:
            return None

    def ensure(
        self, environment_id: str, name: str, service: Service, network: Network, guarded: bool,
        log: Log, check: Check,
    ) -> None:  # fmt: skip
        """Have a service run as it is described, and answer. Idempotent: one that does is left.

        Errors: HostingError (its image, its health), LimitReached.
        """
        container_name = name_of.service_name(environment_id, name)
        digest = _digest(service, network, guarded)
        with explained(f"the service {name}"):
            found = self._find(container_name)
            if found is not None and found.labels.get(DIGEST_LABEL) != digest:
                log(f"{name}: described otherwise than it runs; it is made anew")
                found.remove(force=True)
                found = None
            if found is None:
                self._ensure_image(name, service.image, log)
                found = self._create(
                    environment_id, name, container_name, service, network, guarded, digest
                )
            let_go(found)  # it may rest with its environment
            found.start()
        self._wait_until_healthy(name, found, service, check)
        with explained(f"the service {name}"):
            found.update(restart_policy=policy("always"))
        log(f"{name}: {service.image} answers")

    def _ensure_image(self, name: str, image: str, log: Log) -> None:
        try:
            self._runtime.client.images.get(image)
        except docker.errors.ImageNotFound:
            log(f"{name}: fetching {image}")
            try:
                repository, _, tag = image.rpartition(":")
                known = (repository, tag) if repository and "/" not in tag else (image, "latest")
                self._runtime.client.images.pull(*known)
            except docker.errors.APIError as error:
                raise HostingError(
                    f"the service {name}: {image} cannot be fetched: {str(error)[:200]}",
                    hint="Is the image's name right, and may this machine read it?",
                ) from error

    def _create(
        self, environment_id: str, name: str, container_name: str, service: Service,
        network: Network, guarded: bool, digest: str,
    ) -> Container:  # fmt: skip
        labels = {
            SERVICE_LABEL: name,
            ENVIRONMENT_LABEL: environment_id,
            HOME_LABEL: str(self._runtime.settings.home),
        }
        volumes: dict[str, Any] = {}
        if service.volume:
            self._runtime.client.volumes.create(container_name, labels=labels)
            volumes[container_name] = {"bind": service.volume, "mode": "rw"}
        own: dict[str, Any] = {}
        if service.command.strip():
            own["command"] = ["/bin/sh", "-c", f"exec {service.command.strip()}"]
            own["entrypoint"] = []
        memory = service.memory_bytes
        return self._runtime.client.containers.create(
            service.image,
            name=container_name,
            hostname=name,
            network=network.name,
            networking_config={network.name: _endpoint(name)},
            labels={**labels, DIGEST_LABEL: digest, HEALTH_LABEL: health_of(service)},
            environment=dict(service.variables),
            mem_limit=memory,
            memswap_limit=memory,
            nano_cpus=int(service.cpu * 1_000_000_000),
            pids_limit=service.processes,
            cap_drop=["ALL"],
            cap_add=CAPABILITIES,
            security_opt=["no-new-privileges:true"],
            init=True,
            volumes=volumes,
            log_config=LogConfig(type="json-file", config={"max-size": "5m", "max-file": "2"}),
            ulimits=[Ulimit(name="nofile", soft=4096, hard=8192)],
            healthcheck={"test": ["NONE"]},
            restart_policy=policy("no"),
            **guarded_options(network if guarded else None),
            **own,
        )

    def _wait_until_healthy(
        self, name: str, container: Container, service: Service, check: Check
    ) -> None:
        deadline = time.monotonic() + service.timeout_seconds
        while True:
            with explained(f"the service {name}"):
                container.reload()
            if container.status != "running":
                last = container.logs(tail=1).decode("utf-8", "replace").strip()[:200]
                raise HostingError(f"the service {name} ended right after its start: {last}")
            if is_healthy(container, service.port or 0, service.health.strip()):
                return
            if time.monotonic() > deadline:
                raise HostingError(
                    f"the service {name} did not answer within {service.timeout_seconds:g} s",
                    hint=f"Is services.{name}.port, or .health, what it has?",
                )
            check()
            time.sleep(POLL_SECONDS)

    def remove(self, environment_id: str, *, but: Collection[str] | None = None) -> list[str]:
        """Remove an environment's services, but for some; with no ``but`` also their volumes.

        Idempotent.
        """
        mine = [f"{ENVIRONMENT_LABEL}={environment_id}", SERVICE_LABEL]
        removed = []
        with explained("the services"):
            client = self._runtime.client
            for container in client.containers.list(all=True, filters={"label": mine}):
                if but is None or container.labels[SERVICE_LABEL] not in but:
                    with contextlib.suppress(docker.errors.NotFound):
                        container.remove(force=True, v=True)
                    removed.append(container.labels[SERVICE_LABEL])
            if but is None:
                for volume in client.volumes.list(filters={"label": mine}):
                    with contextlib.suppress(docker.errors.NotFound):
                        volume.remove(force=True)
        return removed


def _endpoint(name: str) -> EndpointConfig:
    return EndpointConfig("1.41", aliases=[name])


def _digest(service: Service, network: Network, guarded: bool) -> str:
    said = json.dumps([asdict(service), network.name, network.gateway, guarded], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:16]
