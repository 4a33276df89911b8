"""CPU-seconds of a Postgres server and of this process with its children. Source: proc(5)."""

from __future__ import annotations

import os
import time
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def _times(pid: int) -> tuple[float, float]:
    """Give a process's own CPU-seconds, and those of its children that have ended."""
    text = Path(f"/proc/{pid}/stat").read_text()
    fields = text[text.rindex(")") + 2 :].split()
    own, ended = int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])
    return own / _TICKS, ended / _TICKS


def server_seconds(postmaster: int) -> float:
    """Give what a Postgres server has used so far, all of its processes together."""
    total = sum(_times(postmaster))
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    for child in children:
        try:
            total += _times(int(child))[0]
        except OSError:
            continue  # it has just ended: the next reading counts it with the ended ones
    return total


class Meter:
    """Measures a block: ``with Meter(postmaster) as meter: …``."""

    def __init__(self, postmaster: int) -> None:
        self._postmaster = postmaster
        self.server = self.client = self.wall = 0.0

    def _client(self) -> float:
        used = os.times()
        return used.user + used.system + used.children_user + used.children_system

    def __enter__(self) -> Meter:
        self._begun = server_seconds(self._postmaster), self._client(), time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall = time.monotonic() - self._begun[2]
        self.client = self._client() - self._begun[1]
        time.sleep(0.3)  # a backend that ends is counted when it has
        self.server = server_seconds(self._postmaster) - self._begun[0]

    @property
    def total(self) -> float:
        """Server and client together."""
        return self.server + self.client
