"""The tables of comments: threads pinned to elements of an environment's pages."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from greenroom.store.base import Base, created, new_key


class CommentThread(Base):
    """What people say about one element of one page."""

    __tablename__ = "comment_threads"
    __table_args__ = (
        UniqueConstraint("environment_id", "number"),
        CheckConstraint("state in ('open','resolved','detached')", name="state"),
        Index("ix_comment_threads_environment_id_page", "environment_id", "page"),
    )

    id: Mapped[uuid.UUID] = new_key()
    environment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("environments.id"))
    number: Mapped[int]
    """1, 2, 3 … within the environment: how people name it."""
    page: Mapped[str]
    """Path and query of the page, without its host."""
    title: Mapped[str] = mapped_column(default="")
    """The page's title then."""
    state: Mapped[str] = mapped_column(default="open")
    """detached: open, but its element is not on the page any more."""
    anchor: Mapped[dict[str, Any]]
    """The signals by which ``anchor.js`` finds the element again."""
    deployment_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("deployments.id"))
    release_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("releases.id"))
    commit_hash: Mapped[str] = mapped_column(default="")
    viewport_width_px: Mapped[int]
    viewport_height_px: Mapped[int]
    browser: Mapped[str] = mapped_column(default="")
    """Coarse: its name and kind of device, no version."""
    picture: Mapped[str | None]
    """SHA-256 of the picture that the server's browser took."""
    created_at: Mapped[datetime] = created()
    resolved_by: Mapped[str] = mapped_column(default="")
    resolved_at: Mapped[datetime | None]

    comments: Mapped[list[Comment]] = relationship(
        back_populates="thread", order_by="Comment.created_at, Comment.id"
    )


class Comment(Base):
    """One remark of a thread."""

    __tablename__ = "comments"
    __table_args__ = (
        Index("ix_comments_thread_id", "thread_id"),
        Index("ix_comments_link_id_created_at", "link_id", "created_at"),
    )

    id: Mapped[uuid.UUID] = new_key()
    thread_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("comment_threads.id"))
    author: Mapped[str]
    """The label of the link it was written through, or who of the team."""
    link_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("preview_links.id"))
    """Empty for somebody of the team."""
    text: Mapped[str]
    external_id: Mapped[str | None]
    """What the tracker calls it, or ``told``; empty while the tracker has not got it."""
    files: Mapped[list[dict[str, str]]] = mapped_column(JSONB, default=list)
    """Pictures that came with it: their SHA-256 and name."""
    created_at: Mapped[datetime] = created()

    thread: Mapped[CommentThread] = relationship(back_populates="comments")
