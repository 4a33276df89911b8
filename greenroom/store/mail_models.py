"""The table of captured mail."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from greenroom.store.base import Base, created, new_key


class Mail(Base):
    """A mail that an environment sent, and that went no further."""

    __tablename__ = "mails"
    __table_args__ = (Index("ix_mails_environment_id_number", "environment_id", "number"),)

    id: Mapped[uuid.UUID] = new_key()
    environment_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("environments.id"))
    """Empty where the sender did not log in: nobody knows whose it is."""
    number: Mapped[int]
    """1, 2, 3 … within the environment: how people name it."""
    sender: Mapped[str]
    recipients: Mapped[list[str]] = mapped_column(JSONB)
    """Of the envelope: whom it would have reached."""
    subject: Mapped[str]
    size_bytes: Mapped[int]
    source: Mapped[bytes] = mapped_column(deferred=True)
    """The mail as it was sent, octet for octet."""
    received_at: Mapped[datetime] = created()
