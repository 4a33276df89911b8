"""The ``docker`` runtime over all hosts: each copy is asked for where the store says it runs."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from greenroom.errors import DatabaseUnavailable, HostingError, HostUnavailable
from greenroom.hosting.base import Check, Copy, Liveness, Log, Runtime, Usage, nothing, silent
from greenroom.hosting.engine import DockerRuntime, connect, is_available
from greenroom.hosting.images import DockerBuilder
from greenroom.hosting.swarm import SwarmRuntime
from greenroom.hosting.transfer import has_image, send_image
from greenroom.settings import Settings, load_settings
from greenroom.store import machines
from greenroom.store.machines import Host

log_ = logging.getLogger("greenroom.hosting")


def runtime_at(settings: Settings, name: str) -> DockerRuntime | SwarmRuntime:
    """Give the engine, or swarm, of a host; the empty name is this machine.

    Errors: NotFound.
    """
    return runtime_of(settings, machines.get_host(name) if name else None)


def runtime_of(
    settings: Settings, host: Host | None, log: Log = silent, check: Check = nothing
) -> DockerRuntime | SwarmRuntime:
    """Give a host's engine, or swarm; None is this machine."""
    if host is not None and host.kind == "swarm":
        return SwarmRuntime(settings, host, log, check)
    return DockerRuntime(settings, host)


def _base(name: str) -> str:
    return name.removesuffix("-cmd")


class PlacedRuntime:
    """Runs copies as containers, here or at the host that an environment was placed at."""

    def __init__(
        self, settings: Settings | None = None, log: Log = silent, check: Check = nothing
    ) -> None:
        self.settings = settings or load_settings()
        self._log, self._check = log, check

    def _host(self, name: str) -> Host | None:
        """Give the host of a copy; None is this machine.

        Errors: NotFound when its host was removed.
        """
        try:
            machine = machines.machine_of_copy(_base(name))
        except DatabaseUnavailable:
            return None  # most run here: better that than nothing
        return machines.get_host(machine) if machine else None

    def _at(self, name: str) -> Runtime:
        return runtime_of(self.settings, self._host(name), self._log, self._check)

    def _prepared(self, copy: Copy) -> Runtime:
        """Give the runtime of a copy, its image being there."""
        host = self._host(copy.name)
        runtime = runtime_of(self.settings, host, self._log, self._check)
        if host is not None and host.kind == "engine":  # a swarm brings it to its nodes
            with runtime.explained("the image"):
                send_image(
                    connect(self.settings), runtime.client, copy.artifact, copy.location,
                    host.name, self._log, self._check,
                )  # fmt: skip
        return runtime

    def start(self, copy: Copy) -> str:
        """Start a copy where it is placed, and give its address. Idempotent."""
        return self._prepared(copy).start(copy)

    def liveness(self, name: str) -> Liveness:
        """Tell whether a copy lives.

        Errors: HostUnavailable.
        """
        return self._at(name).liveness(name)

    def settle(self, name: str) -> None:
        """From now on, start it again whenever it dies. Idempotent."""
        self._at(name).settle(name)

    def revive(self, name: str) -> None:
        """Start a settled copy that is down. Idempotent."""
        self._at(name).revive(name)

    def pause(self, name: str) -> None:
        """Give a copy no CPU any more. Idempotent."""
        self._at(name).pause(name)

    def park(self, name: str, grace_seconds: float) -> None:
        """End a copy so that it can be started again at its address. Idempotent."""
        self._at(name).park(name, grace_seconds)

    def resume(self, name: str) -> None:
        """Let a paused copy go on, or start a parked one. Idempotent."""
        self._at(name).resume(name)

    def usage(self, name: str) -> Usage:
        """Measure what a copy uses, and read what holds it."""
        return self._at(name).usage(name)

    def run_command(
        self, copy: Copy, command: str, timeout_seconds: float, log: Log, check: Check
    ) -> int:
        """Run a command in a copy's image, where the copy is placed."""
        return self._prepared(copy).run_command(copy, command, timeout_seconds, log, check)

    def log_tail(self, name: str, lines: int = 50) -> list[str]:
        """Give the last lines a copy wrote."""
        return self._at(name).log_tail(name, lines)

    def read_log(self, name: str, following: bool) -> Iterator[str]:
        """Give what a copy wrote, line by line."""
        return self._at(name).read_log(name, following)

    def stop(self, name: str, grace_seconds: float) -> None:
        """Stop and remove a copy; one that nobody knows any more is looked for everywhere.

        Idempotent. Errors: HostUnavailable.
        """
        if machines.machine_of_copy(_base(name)) is not None:
            self._at(name).stop(name, grace_seconds)
            return
        for runtime in self._everywhere():
            runtime.stop(name, grace_seconds)

    def _everywhere(self) -> Iterator[Runtime]:
        """Give the engines that answer."""
        if is_available(self.settings):
            yield DockerRuntime(self.settings)
        for host in machines.list_hosts():
            if host.kind != "node":
                yield runtime_of(self.settings, host)

    def names(self) -> set[str]:
        """Name every copy of this platform at the engines that answer."""
        found: set[str] = set()
        for runtime in self._everywhere():
            try:
                found |= runtime.names()
            except HostUnavailable as error:
                log_.warning("%s", error.message)
        return found


class PlacedBuilder(DockerBuilder):
    """Builds here; what hosts have of an image goes with it."""

    def remove(self, identity: str, location: str) -> None:
        """Delete an image here and at the hosts; what one keeps, the clearing finds. Idempotent."""
        for host in machines.list_hosts():
            runtime = DockerRuntime(self.settings, host)
            try:
                with runtime.explained("the image"):
                    if has_image(runtime.client, identity):
                        runtime.client.images.remove(identity, force=False)
            except HostingError as error:
                log_.warning("%s keeps an image: %s", host.name, error.message)
        super().remove(identity, location)
