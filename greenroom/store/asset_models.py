"""The tables of files outside the code, and of what was cleaned up."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from greenroom.store.base import Base, created, new_key
from greenroom.store.states import SyncStatus

if TYPE_CHECKING:
    from greenroom.store.models import Project


class AssetSetting(Base):
    """Where a project's files are: production's, and staging's copy."""

    __tablename__ = "asset_settings"

    project_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    source: Mapped[str]
    """Production's address, without credentials; it is only read."""
    target: Mapped[str]
    rules: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """See ``greenroom.assets.plan.Rules``."""
    base_urls: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """``{"production", "staging", "variable"}``: the address people's browsers load them from."""
    cdn: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """``{"vendor", …}``: see ``greenroom.edge.cdn``."""
    credentials: Mapped[bytes | None]
    """Encrypted JSON, purpose ``asset_settings.credentials``: source, target, cdn."""
    updated_at: Mapped[datetime] = created()

    project: Mapped[Project] = relationship()


class AssetSync(Base):
    """One bringing of production's files to staging, or the plan of one."""

    __tablename__ = "asset_syncs"
    __table_args__ = (
        UniqueConstraint("project_id", "number"),
        Index(
            "uq_asset_syncs_project_id_running",
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
    is_plan: Mapped[bool] = mapped_column(default=False)
    """Only lists and tells; changes nothing."""
    deletes: Mapped[bool] = mapped_column(default=False)
    status: Mapped[str] = mapped_column(default=SyncStatus.QUEUED)
    phase: Mapped[str] = mapped_column(default="")
    """What it does now: list, copy, cdn."""
    requested_by: Mapped[str]
    requested_at: Mapped[datetime] = created()
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    listed_at: Mapped[datetime | None]
    """When production's files were listed."""
    snapshot_at: Mapped[datetime | None]
    """The moment of the database that staging has: the newest sync's."""
    host: Mapped[str] = mapped_column(default="")
    process: Mapped[str] = mapped_column(default="")
    flow_run_id: Mapped[uuid.UUID | None]
    cancel_requested_at: Mapped[datetime | None]
    totals: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What the listings came to."""
    progress: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """How far the copying is."""
    report: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """``{"sample", "refused", "cdn"}``."""
    error: Mapped[dict[str, Any] | None]

    project: Mapped[Project] = relationship()


class LeftPlace(Base):
    """A place of staging's files that its project names no more."""

    __tablename__ = "left_places"

    id: Mapped[uuid.UUID] = new_key()
    project_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("projects.id"))
    target: Mapped[str]
    credentials: Mapped[bytes | None]
    """Encrypted JSON, purpose ``left_places.credentials``: the target's."""
    left_at: Mapped[datetime] = created()
    cleared_at: Mapped[datetime | None]


class Cleanup(Base):
    """One clearing of what nobody needs any more, or the plan of one."""

    __tablename__ = "cleanups"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    is_plan: Mapped[bool] = mapped_column(default=False)
    with_engine_cache: Mapped[bool] = mapped_column(default=False)
    """The engine's build cache was asked for, which is everybody's who builds there."""
    status: Mapped[str] = mapped_column(default=SyncStatus.QUEUED)
    requested_by: Mapped[str]
    why: Mapped[str] = mapped_column(default="")
    requested_at: Mapped[datetime] = created()
    completed_at: Mapped[datetime | None]
    flow_run_id: Mapped[uuid.UUID | None]
    freed_bytes: Mapped[int] = mapped_column(default=0)
    report: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """``{"items": [{"kind", "name", "why", "bytes", "outcome"}], "kinds": {…}}``."""
    error: Mapped[dict[str, Any] | None]
