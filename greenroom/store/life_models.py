"""What the lives of environments need: columns of theirs, and the table of their own domains."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from greenroom.store.base import Base, created, new_key


class EnvironmentLife:
    """Columns of an environment: until when it lives, and whose code it runs."""

    expires_at: Mapped[datetime | None]
    """When it goes by itself; None is never."""
    expiry_told_at: Mapped[datetime | None]
    """When people were warned of that."""
    is_lasting: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """Somebody said that it stays: deployments give it no end."""
    seeded_at: Mapped[datetime | None]
    """When ``run.seed`` ended well; it runs once."""
    destroy_requested_by: Mapped[str] = mapped_column(default="", server_default="")
    from_fork: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """It shows a stranger's code: no secrets and no data until a member approves."""
    fork_approved_by: Mapped[str] = mapped_column(default="", server_default="")
    machine: Mapped[str] = mapped_column(default="", server_default="")
    """Host that its newest copies were placed at; empty is this machine."""

    @property
    def is_guarded(self) -> bool:
        """Whether it runs a stranger's code that nobody has approved."""
        return self.from_fork and not self.fork_approved_by


class InstanceLife:
    """Columns of a running copy: whether it sleeps, how long it is kept, what it uses."""

    asleep: Mapped[str] = mapped_column(default="", server_default="")
    """Empty while awake; ``paused`` in memory, or ``stopped``."""
    kept_since: Mapped[datetime | None]
    """Since when it is kept paused for an instant rollback."""
    used: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))
    """What it used when it was last looked at, and the limits that were found to hold."""
    machine: Mapped[str] = mapped_column(default="", server_default="")
    """Host where it runs; empty is this machine."""


class Domain(Base):
    """A host name of the customer's own that an environment shall answer to."""

    __tablename__ = "domains"
    __table_args__ = (
        Index("ix_domains_environment_id", "environment_id"),
        Index(
            "uq_domains_host", "host", unique=True,
            postgresql_where=text("verified_at is not null"),
        ),
    )  # fmt: skip

    id: Mapped[uuid.UUID] = new_key()
    environment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("environments.id"))
    host: Mapped[str]
    token: Mapped[str]
    """What a TXT record must say before the name is believed to be its owner's."""
    created_at: Mapped[datetime] = created()
    created_by: Mapped[str] = mapped_column(default="", server_default="")
    verified_at: Mapped[datetime | None]
