"""Copies as services of a Docker Swarm: limits, placement and replicas are the swarm's to keep.

A copy is a service of its own, beside the one that serves: the gateway switches. Its port is
published at the node where each task runs, and tasks are found by name, not by a virtual address:
neither needs the swarm's routing mesh, which not every kernel can do.
Source: Docker documentation, "Use swarm mode routing mesh", bypass the routing mesh.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import docker.errors
import requests.exceptions
import urllib3.exceptions
from docker.types import (
    ContainerSpec,
    DriverConfig,
    Mount,
    Resources,
    RestartPolicy,
    RollbackConfig,
    ServiceMode,
    TaskTemplate,
    UpdateConfig,
)

from greenroom import names as name_of
from greenroom.errors import HealthCheckFailed, HostingError, LimitReached
from greenroom.hosting import nodes, reach, resting
from greenroom.hosting.base import Check, Copy, Liveness, Log, Usage, nothing, silent
from greenroom.hosting.commands import clean_line
from greenroom.hosting.engine import CAPABILITIES, TEMPORARY, explained
from greenroom.hosting.networks import ENVIRONMENT_LABEL, HOME_LABEL, LABEL
from greenroom.hosting.room import UNKNOWN_BYTES
from greenroom.settings import Settings, load_settings
from greenroom.store import machines
from greenroom.store.machines import Host
from greenroom.store.models import InstanceState

SECOND = 1_000_000_000
START_SECONDS = 60.0
POLL_SECONDS = 0.1
LEAVE_SECONDS = 15.0
DEAD = frozenset({"failed", "rejected", "orphaned"})
"""Source: Docker documentation, "Swarm task states"."""


class SwarmRuntime:
    """Runs copies as services of a swarm, by one of its managers."""

    def __init__(
        self, settings: Settings | None, host: Host, log: Log = silent, check: Check = nothing
    ) -> None:
        self.settings, self.host = settings or load_settings(), host
        self._log, self._check = log, check

    @property
    def client(self) -> Any:
        """The connection to the manager: what it gives of swarms has no types.

        Errors: HostUnavailable.
        """
        return reach.connect(self.host, self.settings)

    def explained(self, what: str) -> contextlib.AbstractContextManager[None]:
        """Turn the SDK's errors into ours, naming the host."""
        return explained(what, self.host)

    # Around the copies

    def ensure_network(self, environment_id: str) -> str:
        """Give the environment's own network over all nodes, made on first use. Idempotent."""
        name = name_of.swarm_network_name(environment_id)
        with self.explained("the network"):
            # A swarm compares names as they are; only a single engine reads them as patterns.
            if all(found.name != name for found in self.client.networks.list(names=[name])):
                labels = {ENVIRONMENT_LABEL: environment_id, HOME_LABEL: str(self.settings.home)}
                try:
                    self.client.networks.create(
                        name, driver="overlay", scope="swarm", check_duplicate=True, labels=labels
                    )
                except docker.errors.APIError as error:
                    if error.status_code != 409:  # another was faster
                        raise
        return name

    def remove_network(self, environment_id: str) -> None:
        """Delete the environment's network, once its tasks have left it. Idempotent."""
        deadline = time.monotonic() + LEAVE_SECONDS
        mine = {"label": [f"{ENVIRONMENT_LABEL}={environment_id}"]}
        with self.explained("the network"):
            for network in self.client.networks.list(filters=mine):
                while True:
                    try:
                        network.remove()
                        break
                    except docker.errors.NotFound:
                        break
                    except docker.errors.APIError:
                        if time.monotonic() > deadline:
                            raise
                        time.sleep(0.3)

    # Copies

    def start(self, copy: Copy) -> str:
        """Start a service, wait until its tasks run, and give their addresses. Idempotent.

        Errors: HealthCheckFailed when a task dies first; LimitReached where no node takes it.
        """
        with self.explained("the service"):
            found = self._find(copy.name)
            if found is None:
                command = copy.manifest.run.command.strip()
                self._create(copy, copy.name, command, int(self.host.options.get("replicas", 1)))
            return self._wait_until_running(copy.name)

    def _create(self, copy: Copy, name: str, command: str, replicas: int) -> None:
        once, port = name != copy.name, copy.manifest.run.port
        limits = copy.manifest.resources
        container = ContainerSpec(
            copy.artifact,
            command=["/bin/sh", "-c", command] if command else None,
            env={**copy.variables, "PORT": str(port), "HOST": "0.0.0.0"},  # noqa: S104
            labels={LABEL: name, HOME_LABEL: str(self.settings.home)},
            mounts=[Mount(TEMPORARY, "", type="tmpfs", tmpfs_size=64 * 1024**2)],
            stop_grace_period=int(copy.manifest.run.stop_seconds * SECOND),
            init=True, cap_drop=["ALL"], cap_add=CAPABILITIES,
        )  # fmt: skip
        promised = min(limits.memory_bytes, UNKNOWN_BYTES)
        resources = Resources(
            cpu_limit=int(limits.cpu_share * SECOND), mem_limit=limits.memory_bytes,
            mem_reservation=promised,
        )  # fmt: skip
        resources["Limits"]["Pids"] = limits.most_processes
        self._log(f"{name}: a service of the swarm {self.host.name}, {replicas} replicas")
        template = TaskTemplate(
            container, resources=resources,
            restart_policy=RestartPolicy("none" if once else "any", delay=SECOND),
            placement=nodes.prepare(self, copy, self._log, self._check),
            log_driver=DriverConfig("json-file", {"max-size": "5m", "max-file": "2"}),
            networks=[self.ensure_network(copy.environment_id)],
        )  # fmt: skip
        published = {"Protocol": "tcp", "TargetPort": port, "PublishMode": "host"}
        self.client.api.create_service(
            template,
            name=name,
            labels={
                LABEL: name, ENVIRONMENT_LABEL: copy.environment_id,
                HOME_LABEL: str(self.settings.home),
            },
            mode=ServiceMode("replicated", replicas),
            # Whoever updates it by hand gets the version of before back when the new one dies.
            update_config=UpdateConfig(
                parallelism=1, failure_action="rollback", monitor=5 * SECOND, order="start-first"
            ),
            rollback_config=RollbackConfig(parallelism=1, order="start-first"),
            endpoint_spec={"Mode": "dnsrr", "Ports": [] if once else [published]},
        )  # fmt: skip

    def _find(self, name: str) -> Any:
        try:
            return self.client.services.get(name)
        except docker.errors.NotFound:
            return None

    def _tasks(self, name: str) -> list[dict[str, Any]]:
        """Give a service's tasks, newest first."""
        found = self.client.api.tasks(filters={"service": name})
        return sorted(found, key=lambda task: str(task["CreatedAt"]), reverse=True)

    def _running(self, tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            t for t in tasks
            if t["Status"]["State"] == "running" and t["DesiredState"] == "running"
            and t["Status"].get("PortStatus", {}).get("Ports")
        ]  # fmt: skip

    def _wait_until_running(self, name: str) -> str:
        wanted = self._find(name).attrs["Spec"]["Mode"]["Replicated"]["Replicas"]
        known = machines.place_of_copy(name)
        is_new = known is None or known[1] == InstanceState.STARTING
        deadline = time.monotonic() + START_SECONDS
        while True:
            tasks = self._tasks(name)
            running = self._running(tasks)
            if wanted and len(running) >= wanted:
                break
            dead = [t for t in tasks if t["Status"]["State"] in DEAD]
            if dead and is_new:
                raise HealthCheckFailed(
                    f"the new version died: {_reason(dead[0])}",
                    hint="Its last lines are below and in the deployment's log.",
                    log_tail="\n".join(self.log_tail(name)),
                )
            if time.monotonic() > deadline:
                if running:
                    break  # fewer than wanted serve until there is room for more
                why = _reason(tasks[0]) if tasks else "no task was made"
                raise LimitReached(
                    f"the swarm {self.host.name} does not run it: {why}",
                    hint="`docker node ls` there shows which nodes are ready, and how full.",
                )
            self._check()
            time.sleep(POLL_SECONDS)
        return " ".join(nodes.addresses(self, running))

    def liveness(self, name: str) -> Liveness:
        """Tell whether the service's tasks run, and where the store believes them to.

        Of a version that does not serve yet, one dead task is enough to call it dead.
        """
        with self.explained("the service"):
            if self._find(name) is None:
                return Liveness(False, "its service is gone")
            tasks = self._tasks(name)
            running = self._running(tasks)
            dead = [t for t in tasks if t["Status"]["State"] in DEAD]
            known = machines.place_of_copy(name)
            if dead and (not running or (known and known[1] == InstanceState.STARTING)):
                return Liveness(False, _reason(dead[0]))
            if not running:
                return Liveness(False, _reason(tasks[0]) if tasks else "it has no task")
            if known and known[0] and set(known[0].split()) != set(nodes.addresses(self, running)):
                return Liveness(False, "its tasks run elsewhere now")
        return Liveness(True)

    def settle(self, name: str) -> None:
        """Nothing to do: the swarm starts it again whenever it dies."""

    def revive(self, name: str) -> None:
        """Nothing to do: the swarm does."""

    def pause(self, name: str) -> None:
        """Nothing to do: a swarm pauses nothing."""

    def park(self, name: str, grace_seconds: float) -> None:
        """Let no task of it run, and keep the service. Idempotent."""
        self._scale(name, 0)

    def resume(self, name: str) -> None:
        """Let its tasks run again, and record where. Idempotent."""
        self._scale(name, int(self.host.options.get("replicas", 1)))
        with self.explained("the service"):
            machines.record_moved(name, self._wait_until_running(name))

    def _scale(self, name: str, replicas: int) -> None:
        with self.explained("the service"):
            service = self._find(name)
            if service is None:
                raise HostingError("its service is gone")
            if service.attrs["Spec"]["Mode"]["Replicated"]["Replicas"] != replicas:
                service.scale(replicas)

    def usage(self, name: str) -> Usage:
        """Read its limits from the swarm, and measure one task where its node is known."""
        with self.explained("the service"):
            service = self._find(name)
            if service is None:
                return Usage()
            limits = service.attrs["Spec"]["TaskTemplate"]["Resources"]["Limits"]
            held = Usage(
                memory_limit_bytes=limits.get("MemoryBytes"), processes_limit=limits.get("Pids"),
                cpu_limit=limits["NanoCPUs"] / SECOND if limits.get("NanoCPUs") else None,
            )  # fmt: skip
            for task in self._running(self._tasks(name)):
                client = nodes.client_of(self, task["NodeID"])
                if client is not None:
                    key = task["Status"]["ContainerStatus"]["ContainerID"]
                    with contextlib.suppress(docker.errors.NotFound):
                        return resting.measure(client, client.containers.get(key))
        return held

    def run_command(
        self, copy: Copy, command: str, timeout_seconds: float, log: Log, check: Check
    ) -> int:
        """Run a command as a service of one task that is not repeated; give its exit code."""
        name, deadline = f"{copy.name}-cmd", time.monotonic() + timeout_seconds
        self.stop(name, 0)
        with self.explained("the command"):
            self._create(copy, name, f"exec 2>&1\n{command}", 1)
            try:
                said, ended = list[str](), threading.Event()
                threading.Thread(
                    target=self._follow, args=(name, log, said, ended), daemon=True
                ).start()
                while True:
                    task = next(iter(self._tasks(name)), None)
                    state = task["Status"]["State"] if task else ""
                    if task is not None and (state in DEAD or state in ("complete", "shutdown")):
                        break
                    check()
                    if time.monotonic() > deadline:
                        raise HostingError(f"the command ran longer than {timeout_seconds:.0f} s")
                    time.sleep(POLL_SECONDS)
                ended.set()  # a swarm's log does not end with its task: the rest is read anew
                for line in list(self.read_log(name, following=False))[len(said) :]:
                    log(line)
                outcome = task["Status"].get("ContainerStatus") or {}
                if state == "rejected" or "ExitCode" not in outcome:
                    raise HostingError(f"the command did not run: {_reason(task)}")
                return int(outcome["ExitCode"])
            finally:
                self.stop(name, 0)

    def _follow(self, name: str, log: Log, said: list[str], ended: threading.Event) -> None:
        with contextlib.suppress(
            docker.errors.DockerException, requests.exceptions.RequestException,
            urllib3.exceptions.HTTPError, HostingError,
        ):  # fmt: skip
            for line in self.read_log(name, following=True):
                if ended.is_set():
                    return
                said.append(line)
                log(line)

    def log_tail(self, name: str, lines: int = 50) -> list[str]:
        """Give the last lines its tasks wrote."""
        try:
            parts = self.client.services.get(name).logs(stdout=True, stderr=True, tail=lines)
            return [clean_line(line) for line in b"".join(parts).splitlines()]
        except (
            docker.errors.DockerException, requests.exceptions.RequestException, HostingError,
        ):  # fmt: skip
            return []

    def read_log(self, name: str, following: bool) -> Iterator[str]:
        """Give what its tasks wrote, line by line."""
        rest = b""
        with self.explained("the log"):
            service = self.client.services.get(name)
            for part in service.logs(stdout=True, stderr=True, follow=following):
                *lines, rest = (rest + part).split(b"\n")
                yield from map(clean_line, lines)
        if rest:
            yield clean_line(rest)

    def stop(self, name: str, grace_seconds: float) -> None:
        """Remove a service; its tasks end with the grace that it was made with. Idempotent."""
        with self.explained("the service"), contextlib.suppress(docker.errors.NotFound):
            self.client.api.remove_service(name)

    def names(self) -> set[str]:
        """Name every service of this platform."""
        mine = {"label": [LABEL, f"{HOME_LABEL}={self.settings.home}"]}
        with self.explained("the swarm"):
            found = self.client.api.services(filters=mine)
            labels = [one["Spec"]["Labels"] for one in found]
            return {one[LABEL] for one in labels if one.get(HOME_LABEL) == str(self.settings.home)}


def _reason(task: dict[str, Any]) -> str:
    status = task["Status"]
    ended = status.get("ContainerStatus") or {}
    if status.get("Err", "").startswith("task: non-zero exit") and "ExitCode" in ended:
        return f"it ended with exit code {ended['ExitCode']}"
    return str(status.get("Err") or status.get("Message") or status["State"])[:300]
