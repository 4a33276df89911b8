"""The tables of preview links: who may look at an environment without an account."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from greenroom.store.base import Base, created, new_key, now

if TYPE_CHECKING:
    from greenroom.store.models import Environment, Release


class PreviewLink(Base):
    """A link by which somebody looks at an environment."""

    __tablename__ = "preview_links"
    __table_args__ = (UniqueConstraint("environment_id", "number"), UniqueConstraint("token_hash"))

    id: Mapped[uuid.UUID] = new_key()
    environment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("environments.id"))
    number: Mapped[int]
    """1, 2, 3 … within the environment: how people name it."""
    label: Mapped[str]
    """For whom it is: what the team reads beside comments and approvals."""
    token_hash: Mapped[str]
    """SHA-256 of the token, which is shown once."""
    password_hash: Mapped[str] = mapped_column(default="", server_default="")
    """Argon2id; empty where the link alone opens."""
    release_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("releases.id"))
    """Pinned: it opens only while this release is shown. Empty: it follows the branch."""
    pages: Mapped[list[str]] = mapped_column(JSONB, default=list, server_default=text("'[]'"))
    """Patterns of the pages it shows; none is all."""
    start: Mapped[str] = mapped_column(default="/", server_default="/")
    """The page it opens."""
    may_comment: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    may_approve: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    failed_passwords: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    locked_until: Mapped[datetime | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime] = created()

    environment: Mapped[Environment] = relationship()
    release: Mapped[Release | None] = relationship()


class PreviewView(Base):
    """One opening of a link."""

    __tablename__ = "preview_views"
    __table_args__ = (Index("ix_preview_views_link_id_at", "link_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    link_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("preview_links.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(default=now)
    client: Mapped[str]
    """Coarse: browser and system, no version and no address."""
