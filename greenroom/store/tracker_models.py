"""The tables of issue trackers: a project's tracker, and which thread is which issue."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from greenroom.store.base import Base, created, now


class ProjectTracker(Base):
    """Where a project's comments become issues."""

    __tablename__ = "project_trackers"
    __table_args__ = (CheckConstraint("rule in ('click','every')", name="rule"),)

    project_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    kind: Mapped[str]
    """github, gitlab, jira, linear."""
    place: Mapped[str]
    """The repository, project or team in it."""
    api_url: Mapped[str] = mapped_column(default="")
    """Empty: the vendor's own site."""
    rule: Mapped[str] = mapped_column(default="click")
    """click: an issue where somebody asks for one; every: for each thread."""
    token: Mapped[bytes]
    """Sealed."""
    hook_secret: Mapped[bytes]
    """Sealed: what the tracker signs its webhooks with."""


class ThreadIssue(Base):
    """The issue of a thread: wanted, made, or refused."""

    __tablename__ = "thread_issues"
    __table_args__ = (
        Index("ix_thread_issues_next_at", "next_at", postgresql_where=text("next_at is not null")),
    )

    thread_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("comment_threads.id"), primary_key=True)
    project_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("projects.id"), index=True)
    key: Mapped[str] = mapped_column(default="")
    """As the tracker's people name it; empty until it is made."""
    external_id: Mapped[str] = mapped_column(default="")
    url: Mapped[str] = mapped_column(default="")
    is_done: Mapped[bool] = mapped_column(default=False)
    """As the tracker said last, or as we told it."""
    refused: Mapped[str] = mapped_column(default="")
    """Why the tracker took the last thing not; empty if it did."""
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None] = mapped_column(default=now)
    """When to bring the tracker up to date; None: when something changes."""
    wanted_by: Mapped[str]
    created_at: Mapped[datetime] = created()
