"""What every builder and every runtime can do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from greenroom.manifest import Manifest

Log = Callable[[str], None]
"""Takes one line, without its line break."""
Check = Callable[[], None]
"""Called often while something long runs; raises ``Overtaken`` to end it."""


def silent(line: str) -> None:
    """Log nothing."""


def nothing() -> None:
    """Check nothing."""


@dataclass(frozen=True)
class BuildOrder:
    """What to build."""

    project: str
    commit: str
    source: Path
    """The checkout; the builder may write to it."""
    manifest: Manifest
    variables: Mapping[str, str]
    arguments: Mapping[str, str] = field(default_factory=dict)
    """Those of them that are no secrets: an image's history shows them to whoever has it."""

    @property
    def secrets(self) -> dict[str, str]:
        """Those that are secrets: an image's build may mount them, and keeps none."""
        return {name: v for name, v in self.variables.items() if name not in self.arguments}


@dataclass(frozen=True)
class Artifact:
    """What a build made."""

    identity: str
    """``sha256:…`` of the folder's content, or the image's Id."""
    location: str
    size_bytes: int


@dataclass(frozen=True)
class Copy:
    """One running copy that shall exist."""

    name: str
    """From ``names.instance_name``; the runtime knows it by this."""
    environment_id: str
    artifact: str
    location: str
    manifest: Manifest
    variables: Mapping[str, str] = field(default_factory=dict)
    """All of them, secrets included."""
    is_guarded: bool = False
    """Whether the egress guard keeps its network; `docker` only."""


@dataclass(frozen=True)
class Liveness:
    """Whether a copy lives, and if not, why it died."""

    is_alive: bool
    reason: str = ""


@dataclass(frozen=True)
class Usage:
    """What a copy uses now, and the limits that were found to hold; None is not known."""

    memory_bytes: int | None = None
    memory_limit_bytes: int | None = None
    cpu_seconds: float | None = None
    """Since its start."""
    cpu_limit: float | None = None
    processes: int | None = None
    processes_limit: int | None = None
    disk_bytes: int | None = None
    """What it has written beside its artifact."""


class Builder(Protocol):
    """Makes artifacts."""

    def build(self, order: BuildOrder, log: Log, check: Check) -> Artifact:
        """Build. Idempotent: the same source gives the same artifact.

        Errors: BuildFailed, LimitReached (disk), HostingError, Overtaken.
        """

    def is_present(self, identity: str, location: str) -> bool:
        """Whether an artifact still exists, unaltered as far as can be told cheaply."""

    def remove(self, identity: str, location: str) -> None:
        """Delete an artifact. Idempotent."""


class Runtime(Protocol):
    """Runs copies of artifacts."""

    def start(self, copy: Copy) -> str:
        """Start a copy and give its address. Idempotent by ``copy.name``.

        Errors: HostingError, LimitReached.
        """

    def liveness(self, name: str) -> Liveness:
        """Tell whether a copy lives."""

    def settle(self, name: str) -> None:
        """From now on, start it again whenever it dies. Idempotent."""

    def revive(self, name: str) -> None:
        """Start a settled copy that is down. Idempotent."""

    def pause(self, name: str) -> None:
        """Give a copy no CPU any more; it stays in memory. Idempotent."""

    def park(self, name: str, grace_seconds: float) -> None:
        """End a copy so that it can be started again at its address. Idempotent."""

    def resume(self, name: str) -> None:
        """Let a paused copy go on, or start a parked one. Idempotent.

        Errors: HostingError when it is unknown.
        """

    def usage(self, name: str) -> Usage:
        """Measure what a copy uses, and read what holds it."""

    def run_command(
        self, copy: Copy, command: str, timeout_seconds: float, log: Log, check: Check
    ) -> int:
        """Run a command in a copy's artifact with its variables and limits; give its exit code.

        Errors: HostingError when it ran too long; Overtaken.
        """

    def log_tail(self, name: str, lines: int = 50) -> list[str]:
        """Give the last lines a copy wrote."""

    def read_log(self, name: str, following: bool) -> Iterator[str]:
        """Give each line that is kept of what a copy wrote; ``following``, as it goes on, too."""

    def stop(self, name: str, grace_seconds: float) -> None:
        """Stop and remove a copy, dead or alive. Idempotent."""

    def names(self) -> set[str]:
        """Name every copy that exists here, also those nobody knows any more."""
