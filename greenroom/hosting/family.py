"""A process with all that it started: paused, let go on, measured."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil

from greenroom.hosting.base import Usage

ROUNDS = 20
"""A family that forks while it is paused is looked at anew so often."""


def tree(root: int) -> set[int]:
    """Give a process and its descendants; nothing for 0 or one that is gone."""
    if not root:
        return set()
    try:
        process = psutil.Process(root)
        return {root, *(child.pid for child in process.children(recursive=True))}
    except psutil.NoSuchProcess:
        return set()


def freeze(members: Callable[[], set[int]]) -> None:
    """Stop all members, those too that are started meanwhile. Idempotent."""
    stopped: set[int] = set()
    for _ in range(ROUNDS):
        fresh = members() - stopped
        if not fresh:
            return
        _signal(fresh, signal.SIGSTOP)
        stopped |= fresh


def thaw(members: Iterable[int]) -> None:
    """Let all members go on. Idempotent."""
    _signal(members, signal.SIGCONT)


def _signal(members: Iterable[int], number: signal.Signals) -> None:
    for pid in members:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def measure(
    members: Iterable[int], limits: tuple[int | None, float | None, int | None], folder: Path
) -> Usage:
    """Measure members, and what lies in the folder that they may write to."""
    memory, cpu, count = 0, 0.0, 0
    for pid in members:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            memory += _own_bytes(process)
            times = process.cpu_times()
            cpu, count = cpu + times.user + times.system, count + 1
    return Usage(
        memory_bytes=memory, memory_limit_bytes=limits[0], cpu_seconds=round(cpu, 2),
        cpu_limit=limits[1], processes=count, processes_limit=limits[2],
        disk_bytes=folder_bytes(folder),
    )  # fmt: skip


def _own_bytes(process: psutil.Process) -> int:
    """Give a process's share of the memory, where the system tells it: its resident size else."""
    with contextlib.suppress(psutil.Error, AttributeError):
        return int(process.memory_full_info().pss)
    return int(process.memory_info().rss)


def folder_bytes(folder: Path) -> int:
    """Give what a folder's files take, links not followed."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += Path(root, name).lstat().st_blocks * 512
    return total
