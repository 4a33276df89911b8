"""The tables of environments' networks, and of what was proved about them."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.dialects.postgresql import CIDR, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from greenroom.store.base import Base, created, new_key


class EnvironmentNetwork(Base):
    """The network of an environment's containers: by it is told who sends a mail, or asks."""

    __tablename__ = "environment_networks"

    environment_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("environments.id"), primary_key=True
    )
    subnet: Mapped[str] = mapped_column(CIDR, unique=True)
    gateway: Mapped[str]
    """The host's address in it."""
    bridge: Mapped[str]
    """The host's interface in it."""
    is_guarded: Mapped[bool]
    created_at: Mapped[datetime] = created()


class EgressRefusal(Base):
    """What an environment wanted to reach and did not."""

    __tablename__ = "egress_refusals"

    environment_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("environments.id"), primary_key=True
    )
    host: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    count: Mapped[int]
    last_at: Mapped[datetime]


class IsolationCheck(Base):
    """One attempt to get out of an environment, probe by probe."""

    __tablename__ = "isolation_checks"
    __table_args__ = (
        CheckConstraint("status in ('queued','running','done','failed')", name="status"),
        Index("ix_isolation_checks_environment_id_requested_at", "environment_id", "requested_at"),
    )

    id: Mapped[uuid.UUID] = new_key()
    environment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("environments.id"))
    status: Mapped[str] = mapped_column(default="queued")
    requested_by: Mapped[str]
    requested_at: Mapped[datetime] = created()
    completed_at: Mapped[datetime | None]
    runtime: Mapped[str] = mapped_column(default="")
    verdict: Mapped[str] = mapped_column(default="")
    """proved: nothing got out; open: something did; partly: some guarantees do not hold here."""
    packets: Mapped[int | None]
    """Of the probes, seen on the machine's other interfaces; empty where nobody could look."""
    probes: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    """Of each: ``greenroom.isolation.probes.Probe``."""
    error: Mapped[dict[str, Any] | None]
    flow_run_id: Mapped[uuid.UUID | None]
