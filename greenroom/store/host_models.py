"""The tables of hosts elsewhere: a project's site at a vendor, and what was sent there."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from greenroom.store.base import Base, created, new_key


class ProjectHost(Base):
    """A project's site at a vendor, and the token that may deploy there."""

    __tablename__ = "project_hosts"
    __table_args__ = (UniqueConstraint("kind", "site", "team"),)

    project_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    """netlify, vercel."""
    site: Mapped[str]
    """Netlify's site, Vercel's project."""
    team: Mapped[str] = mapped_column(default="")
    """Whose it is, where the vendor asks; empty: the token's own account."""
    api_url: Mapped[str] = mapped_column(default="")
    """Empty: the vendor's own."""
    token: Mapped[bytes]
    """Sealed."""


class SentRelease(Base):
    """An artifact as a vendor has it: the releases', not a copy's; any environment may show it."""

    __tablename__ = "sent_releases"
    __table_args__ = (UniqueConstraint("project_id", "kind", "site", "artifact"),)

    id: Mapped[uuid.UUID] = new_key()
    project_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("projects.id"))
    kind: Mapped[str]
    site: Mapped[str]
    artifact: Mapped[str]
    vendor_id: Mapped[str]
    """As the vendor names the deployment."""
    published_at: Mapped[datetime | None]
    """When it last became what the site's own address shows."""
    created_at: Mapped[datetime] = created()
