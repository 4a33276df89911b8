"""How an environment lives: asleep or awake, until when, what it uses, by which names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from greenroom import domains, living
from greenroom.orders import Order
from greenroom.store import environments, lives
from greenroom.store.life import describe_copy
from greenroom.store.models import InstanceState
from greenroom.store.work import unit_of_work


@dataclass(frozen=True)
class LifeRow:
    """What is shown of an environment's life."""

    is_production: bool
    asleep: str
    runtime: str
    pause_seconds: float
    stop_seconds: float
    expires_at: datetime | None
    is_lasting: bool
    use: str
    used: dict[str, Any]
    kept_since: datetime | None
    """Since when the version before is kept paused."""
    is_from_fork: bool
    domains: tuple[domains.OwnDomain, ...]

    @property
    def measured_at(self) -> datetime | None:
        """When its use was measured."""
        at = self.used.get("at")
        return datetime.fromtimestamp(at, UTC) if at is not None else None


def read(reference: str) -> LifeRow:
    """Read it.

    Errors: NotFound.
    """
    with unit_of_work() as work:
        row = environments.get_environment(work, reference)
        copies = environments.list_instances(work, row.id)
        serving = next((c for c in copies if c.state == InstanceState.SERVING), None)
        kept = next((c.kept_since for c in copies if c.state == InstanceState.KEPT), None)
        idle = lives.idle_now(row)
    return LifeRow(
        row.kind == "production", serving.asleep if serving else "",
        serving.runtime if serving else "", idle.pause_seconds, idle.stop_seconds,
        row.expires_at, row.is_lasting, describe_copy(serving, row.kind) if serving else "",
        dict(serving.used) if serving else {}, kept, row.from_fork,
        tuple(domains.list_domains(reference)),
    )  # fmt: skip


def extend(reference: str, days: float, actor: str) -> str:
    """Let an environment live longer, or for good."""
    end = living.place_extend(reference, days, actor=actor)
    return f"It goes on {end:%d %b %Y %H:%M} UTC." if end else "It stays until it is destroyed."


def wake(reference: str, actor: str) -> str:
    """Wake an environment."""
    living.wake_environment(reference, actor=actor)
    return f"{reference} is awake."


def add_domain(reference: str, host: str, actor: str) -> str:
    """Add a domain."""
    made = domains.add_domain(reference, host, actor=actor)
    return f"{made.host} is noted. Its owner makes the records that stand below."


def verify_domain(reference: str, host: str, actor: str) -> str:
    """Look for a domain's record."""
    return f"{domains.verify_domain(reference, host, actor=actor).host} leads here now."


def remove_domain(reference: str, host: str, actor: str) -> str:
    """Take a domain away."""
    domains.remove_domain(reference, host, actor=actor)
    return f"{host} leads nowhere now."


def approve_fork(reference: str, commit: str, with_secrets: bool, actor: str) -> Order:
    """Deploy one commit of a stranger's."""
    return living.approve_fork(reference, commit, with_secrets=with_secrets, actor=actor)
