"""The table of comparisons: what differs between an environment and production."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from greenroom.store.base import Base, created, new_key

if TYPE_CHECKING:
    from greenroom.store.models import Environment


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

    environment: Mapped[Environment] = relationship()
