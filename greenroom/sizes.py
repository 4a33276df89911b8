"""What one running copy may use, as ``greenroom.yaml`` says it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from greenroom.errors import InvalidManifest

SIZE = re.compile(r"(\d{1,6})\s*([kmg])i?b?", re.IGNORECASE)
_UNITS = {"k": 1024, "m": 1024**2, "g": 1024**3}
SIZES = {"small": ("256m", 0.5, 128), "medium": ("512m", 1.0, 256), "large": ("2g", 2.0, 512)}
"""Memory, CPU and processes of each size by name."""


@dataclass(frozen=True)
class Resources:
    """What one running copy may use: a size by name, and what shall differ from it."""

    size: str = "medium"
    memory: str = ""
    cpu: float = 0
    processes: int = 0
    disk: str = "2g"

    @property
    def memory_bytes(self) -> int:
        """The memory limit in bytes."""
        return bytes_of(self.memory or SIZES[self.size][0])

    @property
    def cpu_share(self) -> float:
        """How many processors' time it may use."""
        return self.cpu or SIZES[self.size][1]

    @property
    def most_processes(self) -> int:
        """How many processes it may have."""
        return self.processes or SIZES[self.size][2]

    @property
    def disk_bytes(self) -> int:
        """How much it may write before people are warned."""
        return bytes_of(self.disk)


def bytes_of(size: str) -> int:
    """Give a size like ``256m`` in bytes.

    Errors: InvalidManifest.
    """
    found = SIZE.fullmatch(size)
    if found is None:
        raise InvalidManifest(f"{size!r} is no size")
    return int(found[1]) * _UNITS[found[2].lower()]
