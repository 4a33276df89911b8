"""Links to an environment: reading them, and doing what somebody asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from greenroom import previews
from greenroom.settings import load_settings
from greenroom.store import environments, links
from greenroom.store.work import unit_of_work


@dataclass(frozen=True)
class LinkRow:
    """A link to an environment; never its token."""

    number: int
    label: str
    state: str
    expires_at: datetime | None
    has_password: bool
    is_pinned: bool
    pages: tuple[str, ...]
    may_comment: bool
    may_approve: bool
    opened: int
    last_opened_at: datetime | None
    by: str


@dataclass(frozen=True)
class Wish:
    """What a new link shall be."""

    label: str
    until: str = "14d"
    password: str = ""
    may_comment: bool = True
    may_approve: bool = False
    is_pinned: bool = False
    pages: tuple[str, ...] = ()
    start: str = "/"


@dataclass(frozen=True)
class Shared:
    """A link that was just made: shown once."""

    label: str
    url: str


def rows(reference: str) -> tuple[LinkRow, ...]:
    """Give an environment's links, newest first."""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference)
        views, now = links.count_views(work, found), datetime.now(UTC)
        return tuple(
            LinkRow(
                link.number, link.label, previews.state_of(link.revoked_at, link.expires_at, now),
                link.expires_at, bool(link.password_hash), link.release_id is not None,
                tuple(link.pages), link.may_comment, link.may_approve,
                *(views.get(link.id) or (0, None)), link.created_by,
            )
            for link in links.list_links(work, found)
        )  # fmt: skip


def is_closed(reference: str) -> bool:
    """Whether strangers are turned away from an environment."""
    with unit_of_work() as work:
        access = environments.get_environment(work, reference).project.preview_access
    return previews.is_closed(load_settings(), access)


def views(reference: str, number: int) -> tuple[tuple[datetime, str], ...]:
    """Give when a link was opened and with what, newest first."""
    with unit_of_work() as work:
        link = links.get_link(work, environments.get_environment(work, reference), number)
        return tuple((view.at, view.client) for view in links.list_views(work, link))


def add(reference: str, wish: Wish, actor: str) -> Shared:
    """Make a link."""
    expires_at = previews.parse_expiry(wish.until, datetime.now(UTC))
    label = previews.check_label(wish.label)
    password = previews.check_password(wish.password) if wish.password else ""
    pages, start = previews.check_pages(wish.pages), previews.check_start(wish.start)
    with unit_of_work() as work:
        found = environments.get_environment(work, reference)
        _, token = links.create_link(
            work, found, label, password=password, expires_at=expires_at, pages=pages, start=start,
            is_pinned=wish.is_pinned, may_comment=wish.may_comment, may_approve=wish.may_approve,
            by=actor,
        )  # fmt: skip
        return Shared(label, previews.link_url(found.url, token))


def extend(reference: str, number: int, until: str, actor: str) -> str:
    """Let a link hold until another time."""
    expires_at = previews.parse_expiry(until, datetime.now(UTC))
    with unit_of_work() as work:
        link = links.get_link(work, environments.get_environment(work, reference), number)
        links.extend_link(work, link, expires_at, by=actor)
    return f"Link #{number} opens until {expires_at:%Y-%m-%d}." if expires_at else (
        f"Link #{number} opens until it is taken back."
    )  # fmt: skip


def revoke(reference: str, number: int, actor: str) -> str:
    """Take a link back."""
    with unit_of_work() as work:
        link = links.get_link(work, environments.get_environment(work, reference), number)
        links.revoke_link(work, link, by=actor)
    return f"Link #{number} opens nothing any more."
