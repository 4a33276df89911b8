"""What the pages know of attempts to get out of an environment, and ordering one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from greenroom.guarding import why_unguarded
from greenroom.isolating import describe_check, place_check
from greenroom.manifest import VENDORS
from greenroom.settings import load_settings
from greenroom.store import environments, isolation, networks
from greenroom.store.work import unit_of_work


@dataclass(frozen=True)
class CheckRow:
    """An attempt."""

    status: str
    verdict: str
    runtime: str
    words: str
    by: str
    at: datetime
    packets: int | None
    probes: tuple[dict[str, Any], ...]
    failure: str


@dataclass(frozen=True)
class RefusalRow:
    """A host that was asked for and not reached."""

    host: str
    reason: str
    count: int
    at: datetime


def newest(reference: str) -> CheckRow | None:
    """Give the newest attempt."""
    with unit_of_work() as work:
        environment = environments.get_environment(work, reference)
        for row in isolation.list_checks(work, environment, limit=1):
            return CheckRow(
                row.status, row.verdict, row.runtime,
                describe_check(row.verdict, len(row.probes), row.packets), row.requested_by,
                row.completed_at or row.requested_at, row.packets, tuple(row.probes),
                str((row.error or {}).get("detail", "")),
            )  # fmt: skip
    return None


def unguarded(reference: str) -> str:
    """Say why no guard keeps an environment's network; empty where one does, or it has none."""
    with unit_of_work() as work:
        environment = environments.get_environment(work, reference)
        row = networks.find_network(work, environment.id)
        if row is not None and row.is_guarded:
            return ""
        serving = environments.serving_instance(work, environment.id)
    if serving is None or serving.runtime == "static":
        return ""
    if serving.runtime in VENDORS:
        return f"it is shown by {serving.runtime.title()}; only files are sent there"
    if serving.runtime == "process":
        return "a `process` environment runs on this machine's own network"
    return why_unguarded(load_settings()) or "it was deployed before there was a guard"


def refusals(reference: str) -> tuple[RefusalRow, ...]:
    """Give what the environment wanted to reach and did not, the latest first."""
    with unit_of_work() as work:
        environment = environments.get_environment(work, reference)
        return tuple(
            RefusalRow(row.host, row.reason, row.count, row.last_at)
            for row in networks.list_refusals(work, environment)
        )


def order(reference: str, actor: str) -> str:
    """Order an attempt."""
    place_check(reference, actor=actor)
    return "It is being tried; that takes some seconds."
