"""The tables of people: accounts, their roles, sessions, and API tokens."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from greenroom.store.base import Base, created, new_key


class User(Base):
    """Somebody who may log in to the console."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("role in ('','viewer','reviewer','developer','admin')", name="role"),
        Index("uq_users_email", text("lower(email)"), unique=True,
              postgresql_where=text("email <> ''")),
    )  # fmt: skip

    id: Mapped[uuid.UUID] = new_key()
    name: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str] = mapped_column(default="", server_default="")
    """By which a login at an identity provider finds the account."""
    password_hash: Mapped[str]
    """argon2id; empty where only an identity provider lets somebody in."""
    role: Mapped[str] = mapped_column(default="admin")
    """In every project, and in what belongs to none; empty: only where ``memberships`` says so."""
    must_change_password: Mapped[bool] = mapped_column(default=False)
    totp_secret: Mapped[bytes | None]
    """Encrypted, purpose ``users.totp_secret``."""
    totp_since: Mapped[datetime | None]
    """When it was proved for the first time; before, no login asks for it."""
    totp_step: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    """The period of the last code that was taken: none is taken twice."""
    recovery_codes: Mapped[list[str]] = mapped_column(
        JSONB, default=list, server_default=text("'[]'")
    )
    """SHA-256 of those that are left."""
    deactivated_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created()
    failed_logins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]

    memberships: Mapped[list[Membership]] = relationship(lazy="selectin", passive_deletes=True)


class Membership(Base):
    """What somebody is in one project."""

    __tablename__ = "memberships"
    __table_args__ = (
        CheckConstraint("role in ('viewer','reviewer','developer','admin')", name="role"),
    )

    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    project_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True
    )
    role: Mapped[str]


class Session(Base):
    """A login in one browser."""

    __tablename__ = "sessions"

    token: Mapped[str] = mapped_column(primary_key=True)
    """SHA-256 of the cookie's value."""
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = created()
    expires_at: Mapped[datetime]
    client: Mapped[str] = mapped_column(default="", server_default="")
    """Coarse: a browser's name and kind of device."""
    way: Mapped[str] = mapped_column(default="password", server_default="password")
    """password, password and code, or oidc."""
    seen_at: Mapped[datetime | None]
    user: Mapped[User] = relationship()


class ApiToken(Base):
    """By which a program acts: for somebody, or for itself."""

    __tablename__ = "api_tokens"
    __table_args__ = (UniqueConstraint("token_hash"), UniqueConstraint("number"))

    id: Mapped[uuid.UUID] = new_key()
    number: Mapped[int]
    """1, 2, 3 …: how people name it."""
    name: Mapped[str]
    """What it is for."""
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    """Whose rights it has at most; empty: a program's own."""
    project_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE")
    )
    """Only in this project."""
    token_hash: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(JSONB)
    created_by: Mapped[str]
    created_at: Mapped[datetime] = created()
    expires_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    user: Mapped[User | None] = relationship(lazy="joined")


class ApiReply(Base):
    """What a request with an idempotency key was answered: its repetition gets the same."""

    __tablename__ = "api_replies"

    token_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("api_tokens.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    """SHA-256 of method, path and body."""
    status: Mapped[int | None]
    """Empty while the first one is being answered."""
    body: Mapped[dict[str, Any] | None]
    at: Mapped[datetime] = created()
