"""The table of measurements: how fast an environment's pages load, beside production's."""

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


class Measurement(Base):
    """One measurement of an environment's pages; production is measured alone."""

    __tablename__ = "measurements"
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
    with_lighthouse: Mapped[bool] = mapped_column(default=False)
    status: Mapped[str] = mapped_column(default="queued")
    verdict: Mapped[str] = mapped_column(default="")
    """The worst page's: ``greenroom.compare.judging``; empty until it is done."""
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
    """Of each page and device: ``greenroom.compare.measure``, judged."""
    error: Mapped[dict[str, Any] | None]

    environment: Mapped[Environment] = relationship()
