"""The tables of notifications: whom to tell of what, and what is to be told."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from greenroom.store.base import Base, created, new_key, now

if TYPE_CHECKING:
    from greenroom.store.models import Project


class NoticeTarget(Base):
    """Somebody, or a room full of them, who wants to hear of things."""

    __tablename__ = "notice_targets"

    id: Mapped[uuid.UUID] = new_key()
    name: Mapped[str] = mapped_column(unique=True)
    project_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("projects.id"))
    """None: every project."""
    service: Mapped[str]
    """What its address begins with: mailtos, slack, json …"""
    address: Mapped[bytes]
    """Sealed: it holds tokens and passwords."""
    kinds: Mapped[list[str]] = mapped_column(JSONB)
    environments: Mapped[str] = mapped_column(default="*")
    """A pattern for environments' names."""
    digest: Mapped[str] = mapped_column(default="")
    """hour or day: what is not urgent is held until then, and told at once. Empty: at once."""
    created_by: Mapped[str]
    created_at: Mapped[datetime] = created()
    refused: Mapped[str] = mapped_column(default="")
    """Why the last message was not taken; empty when it was."""

    project: Mapped[Project | None] = relationship()


class Notice(Base):
    """One thing to tell one target; written in the transaction of what it tells."""

    __tablename__ = "notices"
    __table_args__ = (
        Index("ix_notices_next_at", "next_at", postgresql_where=text("next_at is not null")),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    at: Mapped[datetime] = created()
    target_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("notice_targets.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str]
    title: Mapped[str]
    body: Mapped[str] = mapped_column(default="")
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None] = mapped_column(default=now)
    """When to try, or to try again; None when it was told or given up."""
    told_at: Mapped[datetime | None]
