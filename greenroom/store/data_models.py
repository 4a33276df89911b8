"""The tables of production's data in staging: policies, keys, syncs."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from greenroom.store.base import Base, created, new_key
from greenroom.store.states import SyncStatus

if TYPE_CHECKING:
    from greenroom.store.models import Environment, Project


class PolicyVersion(Base):
    """An anonymization policy that a person approved; the newest of a project is in force."""

    __tablename__ = "policies"
    __table_args__ = (UniqueConstraint("project_id", "number"),)

    id: Mapped[uuid.UUID] = new_key()
    project_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("projects.id"))
    number: Mapped[int]
    """1, 2, 3 … within the project."""
    text: Mapped[str]
    """The file, as it was approved."""
    fingerprint: Mapped[str]
    """SHA-256 of what it means."""
    approved_by: Mapped[str]
    approved_at: Mapped[datetime] = created()


class PseudonymKey(Base):
    """The key that a project's pseudonyms are made with; the newest one counts."""

    __tablename__ = "pseudonym_keys"

    id: Mapped[uuid.UUID] = new_key()
    project_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("projects.id"))
    key: Mapped[bytes]
    """Encrypted, purpose ``pseudonym_keys.key``."""
    created_by: Mapped[str]
    created_at: Mapped[datetime] = created()


class Sync(Base):
    """One copy of production's data, masked, for a project's environments."""

    __tablename__ = "syncs"
    __table_args__ = (
        UniqueConstraint("project_id", "number"),
        Index(
            "uq_syncs_project_id_running",
            "project_id",
            unique=True,
            postgresql_where=text("status = 'running'"),
        ),
        CheckConstraint(
            "status in ('queued','running','done','failed','cancelled')", name="status"
        ),
    )

    id: Mapped[uuid.UUID] = new_key()
    project_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("projects.id"))
    number: Mapped[int]
    """1, 2, 3 … within the project."""
    environment_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("environments.id"))
    """The environment that gets the data at once; None when only the template is made anew."""
    tables: Mapped[list[str]] = mapped_column(JSONB, default=list)
    """Tables whose rows come along, with those they refer to; empty for all."""
    status: Mapped[str] = mapped_column(default=SyncStatus.QUEUED)
    phase: Mapped[str] = mapped_column(default="")
    """What it does now: snapshot, tables, data, indexes, hooks, proof, swap, environment."""
    requested_by: Mapped[str]
    requested_at: Mapped[datetime] = created()
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    host: Mapped[str] = mapped_column(default="")
    process: Mapped[str] = mapped_column(default="")
    """``<pid>:<start time>`` of the process that works at it on ``host``."""
    flow_run_id: Mapped[uuid.UUID | None]
    cancel_requested_at: Mapped[datetime | None]
    snapshot_at: Mapped[datetime | None]
    """The moment whose production it shows."""
    progress: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """By table: ``{"rows", "octets", "estimated_rows", "size_bytes", "is_whole"}``."""
    phases: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Seconds by phase."""
    log_output: Mapped[str] = mapped_column(default="")
    error: Mapped[dict[str, Any] | None]
    """``{"error", "detail", "hint"}`` of a failure."""
    report: Mapped[dict[str, Any] | None]
    """What was masked how, and the proof; see ``greenroom.data.report``."""
    signature: Mapped[dict[str, Any] | None]
    """``{"algorithm", "public_key", "signature"}`` of the report."""

    project: Mapped[Project] = relationship()
    environment: Mapped[Environment | None] = relationship()
