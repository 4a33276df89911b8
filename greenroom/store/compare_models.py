"""The table of comparisons: what differs between an environment and production."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from greenroom.store.base import Base, created, new_key

if TYPE_CHECKING:
    from greenroom.store.models import Environment, Project


class Comparison(Base):
    """One comparison of an environment's pages with production's."""

    __tablename__ = "comparisons"
    __table_args__ = (
        UniqueConstraint("environment_id", "number"),
        CheckConstraint("status in ('queued','running','done','failed')", name="status"),
    )

    id: Mapped[uuid.UUID] = new_key()
    environment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("environments.id"))
    number: Mapped[int]
    """1, 2, 3 … within the environment."""
    paths: Mapped[list[str]] = mapped_column(JSONB, default=list)
    """The pages that were asked for; empty: what production's front page links to."""
    status: Mapped[str] = mapped_column(default="queued")
    requested_by: Mapped[str]
    requested_at: Mapped[datetime] = created()
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    host: Mapped[str] = mapped_column(default="")
    process: Mapped[str] = mapped_column(default="")
    """``<pid>:<start time>`` of the process that works at it on ``host``."""
    flow_run_id: Mapped[uuid.UUID | None]
    commit_hash: Mapped[str] = mapped_column(default="")
    production_commit: Mapped[str] = mapped_column(default="")
    pages: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    """Of each page and viewport: ``greenroom.compare.run.describe``."""
    error: Mapped[dict[str, Any] | None]
    baseline: Mapped[str] = mapped_column(default="production")
    """What it is compared with: ``production``, ``merge-base`` or ``approved``."""
    views: Mapped[int] = mapped_column(default=0)
    """How many pages, states and widths there are to compare."""
    artifact: Mapped[str] = mapped_column(default="")
    """What the environment showed."""

    environment: Mapped[Environment] = relationship()


class ChangeDecision(Base):
    """What somebody said last about one change of one page."""

    __tablename__ = "change_decisions"
    __table_args__ = (
        UniqueConstraint("project_id", "path", "signature"),
        CheckConstraint("verdict in ('approved','rejected')", name="verdict"),
    )

    id: Mapped[uuid.UUID] = new_key()
    project_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("projects.id"))
    environment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("environments.id"))
    artifact: Mapped[str]
    """What it was said about."""
    path: Mapped[str]
    signature: Mapped[str]
    """The change's fingerprint: the same as long as the change is."""
    verdict: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
    decided_by: Mapped[str]
    decided_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class IgnoredRegion(Base):
    """A part of pages whose look does not count in a project's comparisons."""

    __tablename__ = "ignored_regions"

    id: Mapped[uuid.UUID] = new_key()
    project_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("projects.id"))
    rule: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """``greenroom.compare_rules.Ignored``."""
    created_by: Mapped[str]
    created_at: Mapped[datetime] = created()

    project: Mapped[Project] = relationship()
