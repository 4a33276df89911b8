"""Queries about environments' networks: whose an address is, and what it may reach."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert

from greenroom.egress import Allowed
from greenroom.manifest import Manifest
from greenroom.store.models import (
    EgressRefusal,
    Environment,
    EnvironmentNetwork,
    Instance,
    InstanceState,
    Release,
    now,
)
from greenroom.store.work import Work

MOST_REFUSALS = 200
"""Hosts kept of an environment: one that asks for names at random fills no disk."""


@dataclass(frozen=True)
class Inside:
    """Who asks from a guarded network, and what it may reach."""

    environment_id: uuid.UUID
    host: str
    """Its own public host name."""
    gateway: str
    allowed: tuple[Allowed, ...]


def record_network(
    work: Work, environment_id: uuid.UUID, subnet: str, gateway: str, bridge: str, *,
    is_guarded: bool,
) -> None:  # fmt: skip
    """Record an environment's network; who had its addresses before has them no more."""
    work.execute(
        delete(EnvironmentNetwork).where(
            EnvironmentNetwork.subnet == subnet,
            EnvironmentNetwork.environment_id != environment_id,
        )
    )
    known = work.get(EnvironmentNetwork, environment_id)
    same = (subnet, gateway, bridge, is_guarded)
    if known and (known.subnet, known.gateway, known.bridge, known.is_guarded) == same:
        return
    values = {
        "subnet": subnet, "gateway": gateway, "bridge": bridge, "is_guarded": is_guarded,
        "created_at": now(),
    }  # fmt: skip
    work.execute(
        insert(EnvironmentNetwork)
        .values(environment_id=environment_id, **values)
        .on_conflict_do_update(index_elements=["environment_id"], set_=values)
    )


def forget_network(work: Work, environment_id: uuid.UUID) -> None:
    """Forget an environment's network and what it was refused. Idempotent."""
    for table in (EnvironmentNetwork, EgressRefusal):
        work.execute(delete(table).where(table.environment_id == environment_id))


def find_network(work: Work, environment_id: uuid.UUID) -> EnvironmentNetwork | None:
    """Find an environment's network."""
    return work.get(EnvironmentNetwork, environment_id)


def find_inside(work: Work, address: str) -> Inside | None:
    """Tell whose guarded network an address is of; None for a stranger's."""
    row = work.scalar(
        select(EnvironmentNetwork).where(
            EnvironmentNetwork.is_guarded,
            text("environment_networks.subnet >> cast(:address as inet)").bindparams(
                address=address
            ),
        )
    )
    if row is None:
        return None
    environment = work.get_one(Environment, row.environment_id)
    return Inside(environment.id, environment.host, row.gateway, allowed_of(work, environment.id))


def allowed_of(work: Work, environment_id: uuid.UUID) -> tuple[Allowed, ...]:
    """Give what an environment's copies may reach: what the manifests of those alive allow."""
    manifests = work.scalars(
        select(Release.manifest)
        .join(Instance, Instance.release_id == Release.id)
        .where(Instance.environment_id == environment_id, Instance.state != InstanceState.STOPPED)
    )
    entries = (one for told in manifests for one in Manifest.from_json(told).egress.allowed)
    return tuple(dict.fromkeys(entries))


def record_refusals(
    work: Work, environment_id: uuid.UUID, seen: dict[tuple[str, str], int]
) -> None:
    """Count what an environment was refused: ``(host:port, reason)`` and how often."""
    for (host, reason), count in seen.items():
        statement = insert(EgressRefusal).values(
            environment_id=environment_id, host=host, reason=reason, count=count, last_at=now()
        )
        work.execute(
            statement.on_conflict_do_update(
                index_elements=["environment_id", "host"],
                set_={
                    "count": EgressRefusal.count + count, "reason": reason, "last_at": now(),
                },
            )
        )  # fmt: skip
    kept = (
        select(EgressRefusal.last_at)
        .where(EgressRefusal.environment_id == environment_id)
        .order_by(EgressRefusal.last_at.desc())
        .offset(MOST_REFUSALS)
        .limit(1)
    )
    oldest = work.scalar(kept)
    if oldest is not None:
        work.execute(
            delete(EgressRefusal).where(
                EgressRefusal.environment_id == environment_id, EgressRefusal.last_at <= oldest
            )
        )


def list_refusals(work: Work, environment: Environment, limit: int = 20) -> list[EgressRefusal]:
    """List what an environment was refused, the latest first."""
    return list(
        work.scalars(
            select(EgressRefusal)
            .where(EgressRefusal.environment_id == environment.id)
            .order_by(EgressRefusal.last_at.desc())
            .limit(limit)
        )
    )
