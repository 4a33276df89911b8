"""How environments live, decided from what their manifest and their project say. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from greenroom.manifest import VENDORS, Health, Idle, Lifetime, Manifest
from greenroom.store.models import EnvironmentKind, Instance


@dataclass(frozen=True)
class Life:
    """How the copy that serves an environment lives."""

    copy: str
    runtime: str
    asleep: str
    idle: Idle
    health: Health
    stop_seconds: float
    """How long it may take to end."""
    is_elsewhere: bool = False
    """It runs at a host elsewhere."""


@dataclass(frozen=True)
class Wishes:
    """What a project says otherwise than its manifest; None is as the manifest says."""

    pause_seconds: float | None = None
    stop_seconds: float | None = None
    days: float | None = None
    warn_hours: float | None = None

    def as_json(self) -> dict[str, float]:
        """Give what is said, as plain data."""
        return {name: value for name, value in self.__dict__.items() if value is not None}


def idle_of(kind: str, manifest: Manifest, wishes: Mapping[str, Any]) -> Idle:
    """Give when an environment is put to sleep: production never is. Pure."""
    if kind == EnvironmentKind.PRODUCTION:
        return Idle(0, 0)
    return Idle(
        float(wishes.get("pause_seconds", manifest.idle.pause_seconds)),
        float(wishes.get("stop_seconds", manifest.idle.stop_seconds)),
    )


def lifetime_of(kind: str, manifest: Manifest, wishes: Mapping[str, Any]) -> Lifetime:
    """Give when an environment goes by itself: production never does. Pure."""
    if kind == EnvironmentKind.PRODUCTION:
        return Lifetime(0, 0)
    return Lifetime(
        float(wishes.get("days", manifest.lifetime.days)),
        float(wishes.get("warn_hours", manifest.lifetime.warn_hours)),
    )


def describe_use(used: Mapping[str, Any]) -> str:
    """Say what a copy used when it was last measured, and how much it may. Pure."""

    def size(name: str) -> str:
        value = used.get(name)
        return "?" if value is None else f"{value / 1024**2:.0f}"

    share, limit = used.get("cpu_share"), used.get("cpu_limit")
    words = [f"memory {size('memory_bytes')} of {size('memory_limit_bytes')} MiB"]
    if share is not None:
        words.append(f"CPU {share:.2f}" + (f" of {limit:g}" if limit else ""))
    if used.get("processes") is not None:
        words.append(f"{used['processes']} of {used.get('processes_limit') or '?'} processes")
    if used.get("disk_bytes") is not None:
        over = ", more than it may" if used.get("is_over_disk") else ""
        words.append(f"{size('disk_bytes')} MiB written{over}")
    return ", ".join(words)


def describe_copy(copy: Instance, kind: str) -> str:
    """Say what a copy used, and at which host elsewhere it runs. Pure."""
    if not copy.machine:
        return describe_use(copy.used)
    guarded = "" if kind == EnvironmentKind.PRODUCTION else ", where no egress guard keeps it"
    return f"{describe_use(copy.used)}; at the host {copy.machine}{guarded}"


def life_of(kind: str, wishes: Mapping[str, Any], copy: Instance, data: dict[str, Any]) -> Life:
    """Describe how a copy lives. Pure. ``data`` is its release's manifest."""
    manifest = Manifest.from_json(data)
    idle = Idle(0, 0) if copy.runtime in VENDORS else idle_of(kind, manifest, wishes)
    return Life(
        copy.name, copy.runtime, copy.asleep, idle, manifest.health,
        manifest.run.stop_seconds, bool(copy.machine),
    )  # fmt: skip
