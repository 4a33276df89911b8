"""The table of hosts: machines whose Docker Engine runs copies for us."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from greenroom.store.base import Base, created


class Machine(Base):
    """A host: an engine elsewhere, a swarm by one of its managers, or a node of such a swarm."""

    __tablename__ = "machines"
    __table_args__ = (
        CheckConstraint("kind in ('local','engine','swarm','node')", name="kind"),
        CheckConstraint("takes in ('all','staging','production')", name="takes"),
    )

    name: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    """local is this machine: a row of it only says that it is drained."""
    url: Mapped[str] = mapped_column(default="", server_default="")
    """Of its engine: ``tcp://host:2376``, ``ssh://user@host`` or ``unix:///path``."""
    address: Mapped[str] = mapped_column(default="", server_default="")
    """Where the gateway reaches the ports that it publishes."""
    swarm: Mapped[str] = mapped_column(default="", server_default="")
    """Of a node: the swarm's name here."""
    takes: Mapped[str] = mapped_column(default="all", server_default="all")
    """Which kind of environments."""
    projects: Mapped[list[str]] = mapped_column(JSONB, default=list, server_default=text("'[]'"))
    """Only of these projects; none named is all."""
    memory_bytes: Mapped[int | None]
    """What copies may use of it; None is all that the engine tells of."""
    options: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    """Of a swarm: ``replicas``, ``constraints``."""
    keys: Mapped[bytes | None]
    """TLS certificates for its engine, sealed, purpose ``machines.keys``."""
    is_drained: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """No new copy is placed there."""
    seen: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    """What its engine told of itself when it was last asked."""
    seen_at: Mapped[datetime | None]
    refused: Mapped[str] = mapped_column(default="", server_default="")
    """Why it did not answer when it was last asked; empty: it did."""
    created_at: Mapped[datetime] = created()
    created_by: Mapped[str] = mapped_column(default="", server_default="")
