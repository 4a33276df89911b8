"""The ``static`` runtime: a folder that the gateway serves. Nothing runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from greenroom.errors import HostingError
from greenroom.hosting.base import Check, Copy, Liveness, Log, Usage
from greenroom.settings import Settings


class StaticRuntime:
    """Addresses are ``file://`` folders; a copy lives as long as its folder exists."""

    def __init__(self, settings: Settings | None = None) -> None:
        del settings

    def start(self, copy: Copy) -> str:
        """Give the folder's address."""
        folder = Path(copy.location)
        if not folder.is_dir():
            raise HostingError(f"the release's folder is gone: {folder.name}")
        return folder.as_uri()

    def liveness(self, name: str) -> Liveness:
        """Tell that it lives: the gateway answers for it."""
        return Liveness(True)

    def settle(self, name: str) -> None:
        """Nothing to do."""

    def revive(self, name: str) -> None:
        """Nothing to do."""

    def pause(self, name: str) -> None:
        """Nothing to do: nothing runs."""

    def park(self, name: str, grace_seconds: float) -> None:
        """Nothing to do."""

    def resume(self, name: str) -> None:
        """Nothing to do."""

    def usage(self, name: str) -> Usage:
        """Nothing runs."""
        return Usage()

    def run_command(
        self, copy: Copy, command: str, timeout_seconds: float, log: Log, check: Check
    ) -> int:
        """Refuse: a folder runs nothing."""
        raise HostingError(
            "a static site cannot run a release command",
            hint="Do it in build.command, or use runtime: process.",
        )

    def log_tail(self, name: str, lines: int = 50) -> list[str]:
        """Nothing writes."""
        return []

    def read_log(self, name: str, following: bool) -> Iterator[str]:
        """Nothing writes."""
        return iter(())

    def stop(self, name: str, grace_seconds: float) -> None:
        """Nothing to do; the folder is the release's, not the copy's."""

    def names(self) -> set[str]:
        """Nothing runs."""
        return set()
