"""What a manifest puts around an environment: services beside it, hosts it may reach. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from greenroom.egress import Allowed, parse_allowed
from greenroom.sizes import SIZE, bytes_of

MOST_SERVICES = 10
LEAST_BYTES = 8 * 1024**2
_NAME = re.compile(r"[a-z][a-z0-9-]{0,28}[a-z0-9]")
_IMAGE = re.compile(r"[a-z0-9][\w./:@-]{0,254}")
_FOLDER = re.compile(r"(?!/$)(?!.*\.\.)/[\w./-]{1,200}")
_RANGES = {
    "port": (0, 65535), "cpu": (0.05, 256), "processes": (4, 100_000), "timeout_seconds": (1, 1800),
}  # fmt: skip


@dataclass(frozen=True)
class Egress:
    """What a staging environment may reach of the world."""

    allow: tuple[str, ...] = ()

    @property
    def allowed(self) -> tuple[Allowed, ...]:
        """The entries, read."""
        return tuple(parse_allowed(one) for one in self.allow)


@dataclass(frozen=True)
class Mail:
    """By which further names an application finds staging's mail server."""

    variables: dict[str, str] = field(default_factory=dict)
    """Of values that may hold ``{host}``, ``{port}``, ``{user}``, ``{password}``, ``{url}``."""


@dataclass(frozen=True)
class Service:
    """A container beside the environment's own, on its network, known by its name there."""

    image: str = ""
    command: str = ""
    port: int = 0
    volume: str = ""
    health: str = ""
    timeout_seconds: float = 60
    memory: str = "256m"
    cpu: float = 0.5
    processes: int = 256
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def memory_bytes(self) -> int:
        """The memory limit; 0 for a text that is no size."""
        return bytes_of(self.memory) if SIZE.fullmatch(self.memory) else 0


def read_entry(text: str) -> str:
    """Give an entry of ``egress.allow`` in its one spelling.

    Errors: ValueError.
    """
    return str(parse_allowed(text))


def what_is_wrong(name: str, service: Service, others: Collection[str]) -> tuple[str, str] | None:
    """Say what is wrong with a service and what to write instead; None when nothing is."""
    if not _NAME.fullmatch(name):
        return f"{name[:40]!r} is no service's name", "Like: redis"
    if name in others:
        return f"{name!r} is given twice", ""
    if len(others) >= MOST_SERVICES:
        return f"there are more than {MOST_SERVICES}", ""
    if not _IMAGE.fullmatch(service.image):
        return f"{name} needs an image", "For example: redis:7-alpine"
    if service.volume and not _FOLDER.fullmatch(service.volume):
        return f"{name}.volume is no folder inside of it", "For example: /data"
    for key, (low, high) in _RANGES.items():
        if not low <= getattr(service, key) <= high:
            return f"{name}.{key} is out of range", f"Allowed: {low} to {high}."
    if service.memory_bytes < LEAST_BYTES:
        return f"{name}.memory is no size", "Write it like 256m; 8m at least."
    return None
