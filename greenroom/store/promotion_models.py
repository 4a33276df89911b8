"""The tables of promotion: who approved which artifact, and production's backups."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from greenroom.store.base import Base, created, new_key

if TYPE_CHECKING:
    from greenroom.store.models import Deployment


class Approval(Base):
    """What somebody said about an artifact; the newest of a person counts."""

    __tablename__ = "approvals"
    __table_args__ = (
        CheckConstraint("verdict in ('approved','changes','withdrawn')", name="verdict"),
    )

    id: Mapped[uuid.UUID] = new_key()
    project_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("projects.id"))
    environment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("environments.id"))
    """Where it was looked at."""
    release_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("releases.id"), index=True)
    artifact: Mapped[str]
    """The release's identity then: one that was built anew needs new approvals."""
    verdict: Mapped[str]
    """approved, changes (they are asked for), withdrawn."""
    page: Mapped[str] = mapped_column(default="", server_default="")
    """What it is about: a path; empty is the whole."""
    note: Mapped[str] = mapped_column(default="")
    decided_by: Mapped[str]
    decided_at: Mapped[datetime] = created()


class Backup(Base):
    """Production's database, as it was before a promotion's release command; encrypted."""

    __tablename__ = "backups"
    __table_args__ = (UniqueConstraint("deployment_id"),)

    id: Mapped[uuid.UUID] = new_key()
    project_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("projects.id"))
    deployment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("deployments.id"))
    location: Mapped[str]
    """The encrypted file."""
    digest: Mapped[str]
    """SHA-256 of that file."""
    size_bytes: Mapped[int]
    tables: Mapped[int]
    """Tables whose rows it holds, as pg_restore counted them in it."""
    created_at: Mapped[datetime] = created()
    removed_at: Mapped[datetime | None]

    deployment: Mapped[Deployment] = relationship()
