"""Limits in words: what a copy shall be held to, and what was found to hold it."""

from __future__ import annotations

from greenroom.hosting.base import Usage
from greenroom.manifest import Resources

MEGA = 1024**2


def describe(wanted: Resources) -> str:
    """Say what a copy may use."""
    return (
        f"{wanted.memory_bytes // MEGA} MiB memory, {wanted.cpu_share:g} CPU,"
        f" {wanted.most_processes} processes"
    )


def compare(wanted: Resources, found: Usage) -> list[str]:
    """Say whether the limits that hold are those that are wanted, one line each. Pure."""
    pairs = (
        ("memory", wanted.memory_bytes, found.memory_limit_bytes),
        ("CPU", wanted.cpu_share, found.cpu_limit),
        ("processes", wanted.most_processes, found.processes_limit),
    )
    if all(held is None for _, _, held in pairs):
        return ["limits: held by watching, not by the system"]
    wrong = [
        f"limits: {name} is held to {held if held is not None else 'nothing'}, not {limit}"
        for name, limit, held in pairs
        if held is None or abs(held - limit) > limit * 0.01
    ]
    return wrong or ["limits: as wanted, read back from the system"]
