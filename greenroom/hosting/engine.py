"""The ``docker`` runtime: copies as containers of a Docker Engine, hardened and limited."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import docker
import docker.errors
import docker.utils
import requests.exceptions
from docker.models.containers import Container
from docker.types import LogConfig, Ulimit

from greenroom.errors import HostingError, HostUnavailable, LimitReached
from greenroom.hosting import networks, resting
from greenroom.hosting.base import Check, Copy, Liveness, Log, Usage
from greenroom.hosting.commands import clean_line
from greenroom.hosting.networks import ENVIRONMENT_LABEL, HOME_LABEL, LABEL
from greenroom.hosting.ports import address_of, binding_of, free_port
from greenroom.hosting.sidecars import rest_services, wake_services
from greenroom.settings import Settings, load_settings
from greenroom.store.machines import Host

DEFAULT_ADDRESS = "unix:///var/run/docker.sock"
"""Source: Docker documentation, daemon socket option."""
PORT_LABEL = "greenroom.port"
"""The port of this machine that leads to it, also while it is stopped."""
SOCKET_FOLDER = "/run/greenroom-postgres"
CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID", "NET_BIND_SERVICE"]
"""Kept of Docker's default set: what images need to drop to their own account."""
TEMPORARY = "/tmp"  # noqa: S108 - inside a container


@lru_cache(maxsize=4)
def _client(address: str | None) -> docker.DockerClient:
    return (
        docker.DockerClient(base_url=address, timeout=60)
        if address
        else docker.from_env(timeout=60)
    )


def check_socket(address: str | None) -> None:
    """Find a socket that nobody listens on before the SDK does: it would leave its own end open.

    Errors: OSError.
    """
    address = address or docker.utils.kwargs_from_env().get("base_url") or DEFAULT_ADDRESS
    if address.startswith("unix://"):
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as probe:
            probe.settimeout(5)
            probe.connect("/" + address.removeprefix("unix://").lstrip("/"))


def connect(settings: Settings) -> docker.DockerClient:
    """Give the process's connection to the engine.

    Errors: HostingError when none answers.
    """
    try:
        check_socket(settings.docker_host)
        client = _client(settings.docker_host)
        client.ping()
    except (OSError, docker.errors.DockerException) as error:
        raise HostingError(
            "no Docker Engine answers",
            hint="Start Docker, name another engine in GREENROOM_DOCKER_HOST, or set"
            " `runtime: process` in greenroom.yaml.",
        ) from error
    return client


def is_available(settings: Settings) -> bool:
    """Whether an engine answers."""
    try:
        connect(settings)
    except HostingError:
        return False
    return True


@contextlib.contextmanager
def explained(what: str, host: Host | None = None) -> Iterator[None]:
    """Turn the SDK's errors into ours.

    Errors: LimitReached (disk, address pools), HostingError; HostUnavailable of a host elsewhere.
    """
    try:
        yield
    except docker.errors.APIError as error:
        text = str(error.explanation or error)
        if "no space left" in text.lower():
            raise LimitReached(f"{what}: the engine's disk is full") from error
        if "fully subnetted" in text:
            raise LimitReached(
                f"{what}: the engine has no network addresses left",
                hint="Destroy environments, or give the engine more default-address-pools.",
            ) from error
        raise HostingError(f"{what}: {text[:500]}") from error
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        if host is not None:
            raise HostUnavailable(f"{what}: the host {host.name} does not answer") from error
        raise HostingError(f"{what}: the engine does not answer") from error


class DockerRuntime:
    """Runs copies as containers, one network per environment; here, or at a host elsewhere."""

    def __init__(self, settings: Settings | None = None, host: Host | None = None) -> None:
        self.settings = settings or load_settings()
        self.host = host

    @property
    def client(self) -> docker.DockerClient:
        """The connection.

        Errors: HostingError when no engine answers.
        """
        if self.host is not None:
            from greenroom.hosting import reach

            return reach.connect(self.host, self.settings)
        return connect(self.settings)

    def explained(self, what: str) -> contextlib.AbstractContextManager[None]:
        """Turn the SDK's errors into ours, naming the host."""
        return explained(what, self.host)

    def ensure_network(self, environment_id: str, *, guarded: bool = False) -> networks.Network:
        """Give the environment's own network, made on first use. Idempotent."""
        with self.explained("the network"):
            return networks.ensure_network(
                self.client, environment_id, str(self.settings.home), guarded=guarded
            )

    def remove_network(self, environment_id: str) -> None:
        """Delete the environment's networks. Idempotent."""
        with self.explained("the network"):
            networks.remove_networks(self.client, environment_id)

    def _options(self, copy: Copy, environment: dict[str, str]) -> dict[str, Any]:
        resources = copy.manifest.resources
        database = environment.get("DATABASE_URL", "")
        volumes = {}
        if SOCKET_FOLDER in database:
            own = str(self.settings.path("postgres", "socket"))
            volumes[own] = {"bind": SOCKET_FOLDER, "mode": "ro"}
        network = self.ensure_network(copy.environment_id, guarded=copy.is_guarded)
        return {
            "network": network.name,
            **networks.guarded_options(network if copy.is_guarded else None),
            "labels": {
                LABEL: copy.name,
                ENVIRONMENT_LABEL: copy.environment_id,
                HOME_LABEL: str(self.settings.home),
            },
            "environment": environment,
            "mem_limit": resources.memory_bytes,
            "memswap_limit": resources.memory_bytes,
            "nano_cpus": int(resources.cpu_share * 1_000_000_000),
            "pids_limit": resources.most_processes,
            "cap_drop": ["ALL"],
            "cap_add": CAPABILITIES,
            "security_opt": ["no-new-privileges:true"],
            "init": True,
            "tmpfs": {TEMPORARY: "size=64m,mode=1777,nosuid"},
            "volumes": volumes,
            "log_config": LogConfig(type="json-file", config={"max-size": "5m", "max-file": "2"}),
            "ulimits": [Ulimit(name="nofile", soft=4096, hard=8192)],
            "healthcheck": {"test": ["NONE"]},  # probes from outside cost 400 times less
            "restart_policy": {"Name": "no"},  # a crash loop must not look alive
        }

    def start(self, copy: Copy) -> str:
        """Start a container and give its address. Idempotent."""
        inside = copy.manifest.run.port
        with self.explained("the container"):
            found = self._find(copy.name)
            wake_services(self.client, copy.environment_id)
            if found is not None:
                found.start()
                wake_services(self.client, copy.environment_id)
                bound = found.attrs["HostConfig"]["PortBindings"][f"{inside}/tcp"][0]
                return address_of(self.host, bound["HostPort"])
            environment = {**copy.variables, "PORT": str(inside), "HOST": "0.0.0.0"}  # noqa: S104
            command = copy.manifest.run.command.strip()
            # A command of the manifest's own replaces the image's, its entry point included.
            own: dict[str, Any] = {}
            if command:
                own = {"command": ["/bin/sh", "-c", command], "entrypoint": []}
            for _ in range(3):
                # fixed, so that it stays the same when it is started again
                port = free_port(self._taken_ports(), is_here=self.host is None)
                options = self._options(copy, environment)
                options["labels"][PORT_LABEL] = str(port)
                container = self.client.containers.create(
                    copy.artifact,
                    name=copy.name,
                    ports={f"{inside}/tcp": (binding_of(self.host), port)},
                    **own,
                    **options,
                )
                try:
                    container.start()
                except docker.errors.APIError as error:
                    self.stop(copy.name, 0)
                    if "port is already allocated" not in str(error) and "in use" not in str(error):
                        raise
                else:
                    wake_services(self.client, copy.environment_id)
                    return address_of(self.host, port)
        raise HostingError("three ports in a row were taken by others")

    def _taken_ports(self) -> set[int]:
        """Give the ports of all containers, also of those that are stopped for the moment."""
        found = self.client.api.containers(all=True, filters={"label": PORT_LABEL})
        return {int(row["Labels"][PORT_LABEL]) for row in found}

    def _find(self, name: str) -> Container | None:
        try:
            return self.client.containers.get(name)
        except docker.errors.NotFound:
            return None

    def liveness(self, name: str) -> Liveness:
        """Tell whether the container runs, and how it ended."""
        with self.explained("the container"):
            container = self._find(name)
        if container is None:
            return Liveness(False, "its container is gone")
        state = container.attrs["State"]
        if state.get("Running") and not state.get("Restarting"):
            return Liveness(True)
        if state.get("OOMKilled"):
            return Liveness(False, "it used more memory than it may")
        if state.get("Error"):
            return Liveness(False, f"the engine could not start it: {state['Error'][:200]}")
        return Liveness(False, f"it ended with exit code {state.get('ExitCode')}")

    def settle(self, name: str) -> None:
        """Restart it whenever it dies, and with the engine."""
        with self.explained("the container"):
            self.client.containers.get(name).update(restart_policy=resting.policy("always"))

    def revive(self, name: str) -> None:
        """Start a stopped container. Idempotent."""
        with self.explained("the container"):
            container = self._find(name)
            if container is None:
                raise HostingError("its container is gone")
            self._with_services(container, container.start)

    def pause(self, name: str) -> None:
        """Pause a container that runs, and its services with the last copy. Idempotent."""
        self._rest(name, resting.pause)

    def park(self, name: str, grace_seconds: float) -> None:
        """Stop a container and leave it there, also when the engine starts anew. Idempotent.

        Its services stop with the last copy.
        """
        self._rest(name, lambda container: resting.park(container, int(grace_seconds)))

    def _rest(self, name: str, rest: Callable[[Container], None]) -> None:
        with self.explained("the container"):
            container = self._find(name)
            if container is not None:
                rest(container)
                rest_services(self.client, container.labels.get(ENVIRONMENT_LABEL, ""), rest)

    def _with_services(self, container: Container, begin: Callable[[], None]) -> None:
        """Begin something with the environment's services up: before it, and also after it."""
        environment_id = container.labels.get(ENVIRONMENT_LABEL, "")
        wake_services(self.client, environment_id)
        begin()
        wake_services(self.client, environment_id)  # a rest may have begun in between

    def resume(self, name: str) -> None:
        """Let a paused container go on, or start a stopped one, its services first. Idempotent."""
        with self.explained("the container"):
            container = self._find(name)
            if container is None:
                raise HostingError("its container is gone")
            self._with_services(container, lambda: resting.resume(container))

    def usage(self, name: str) -> Usage:
        """Measure a container, and read its limits as the engine holds them."""
        with self.explained("the container"):
            container = self._find(name)
            return resting.measure(self.client, container) if container else Usage()

    def run_command(
        self, copy: Copy, command: str, timeout_seconds: float, log: Log, check: Check
    ) -> int:
        """Run a command in a container of the same image, and give its exit code."""
        name, deadline = f"{copy.name}-cmd", time.monotonic() + timeout_seconds
        self.stop(name, 0)
        with self.explained("the command"):
            container = self.client.containers.create(
                copy.artifact,
                ["/bin/sh", "-c", f"exec 2>&1\n{command}"],  # one stream: its order is kept
                name=name,
                entrypoint=[],
                **self._options(copy, dict(copy.variables)),
            )
            try:
                self._with_services(container, container.start)
                reader = threading.Thread(target=_follow, args=(container, log), daemon=True)
                reader.start()
                while True:
                    container.reload()
                    if container.status in ("exited", "dead"):
                        break
                    check()
                    if time.monotonic() > deadline:
                        raise HostingError(f"the command ran longer than {timeout_seconds:.0f} s")
                    time.sleep(0.1)
                reader.join(timeout=5)
                return int(container.attrs["State"]["ExitCode"])
            finally:
                self.stop(name, 0)

    def log_tail(self, name: str, lines: int = 50) -> list[str]:
        """Give the last lines the container wrote."""
        try:
            raw = self.client.containers.get(name).logs(tail=lines)
        except (
            docker.errors.DockerException, requests.exceptions.RequestException, HostUnavailable,
        ):  # fmt: skip
            return []
        return [clean_line(line) for line in raw.splitlines()]

    def read_log(self, name: str, following: bool) -> Iterator[str]:
        """Give what the container wrote, line by line."""
        rest = b""
        with self.explained("the log"):
            for part in self.client.containers.get(name).logs(stream=True, follow=following):
                *lines, rest = (rest + part).split(b"\n")
                yield from map(clean_line, lines)
        if rest:
            yield clean_line(rest)

    def stop(self, name: str, grace_seconds: float) -> None:
        """Stop and remove a container. Idempotent."""
        with self.explained("the container"):
            container = self._find(name)
            if container is None:
                return
            with contextlib.suppress(docker.errors.APIError):
                container.update(restart_policy=resting.policy("no"))
            try:
                resting.let_go(container)
                container.stop(timeout=int(grace_seconds))
                container.remove(force=True, v=True)
            except docker.errors.NotFound:
                pass
            except docker.errors.APIError as error:
                if "already in progress" not in str(error):
                    raise

    def names(self) -> set[str]:
        """Name every container of this platform."""
        filters: dict[str, Any] = {"label": [LABEL, f"{HOME_LABEL}={self.settings.home}"]}
        with self.explained("the engine"):
            found = self.client.containers.list(all=True, filters=filters)
            return {c.labels[LABEL] for c in found if c.labels[LABEL] != "image"}


def _follow(container: Container, log: Log) -> None:
    rest = b""
    with contextlib.suppress(docker.errors.DockerException, requests.exceptions.RequestException):
        for part in container.logs(stream=True, follow=True):
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                log(clean_line(line))
        if rest:
            log(clean_line(rest))
