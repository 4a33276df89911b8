"""Preview links: by which people without an account look at an environment."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field, SecretStr

from greenroom import previews
from greenroom.api.noun import (
    Done,
    Environment,
    Given,
    Noun,
    Number,
    Project,
    Short,
    Shown,
    reference,
)
from greenroom.rights import current_actor
from greenroom.store import environments
from greenroom.store import links as store
from greenroom.store.models import PreviewLink
from greenroom.store.work import unit_of_work

router = Noun("links")
_OF = "/projects/{project}/environments/{environment}/links"
_Until = Annotated[str, Field(max_length=20, examples=["14d"])]


class LinkShape(Shown):
    """A link; never its token."""

    number: int
    label: str
    state: str
    expires_at: datetime | None
    has_password: bool
    is_pinned: bool
    pages: list[str]
    start: str
    may_comment: bool
    may_approve: bool
    opened: int
    last_opened_at: datetime | None
    created_by: str
    created_at: datetime

    @classmethod
    def of(cls, row: PreviewLink, opened: int = 0, last: datetime | None = None) -> LinkShape:
        """Show a row."""
        return cls(
            number=row.number, label=row.label, expires_at=row.expires_at, pages=row.pages,
            state=previews.state_of(row.revoked_at, row.expires_at, datetime.now(UTC)),
            has_password=bool(row.password_hash), is_pinned=row.release_id is not None,
            start=row.start, may_comment=row.may_comment, may_approve=row.may_approve,
            opened=opened, last_opened_at=last, created_by=row.created_by,
            created_at=row.created_at,
        )  # fmt: skip


@router.reads(_OF)
def list_links(project: Project, environment: Environment) -> list[LinkShape]:
    """List the links, and how often each was opened."""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference(project, environment))
        views = store.count_views(work, found)
        return [
            LinkShape.of(row, *views.get(row.id, (0, None)))
            for row in store.list_links(work, found)
        ]


class NewLink(Given):
    """A link to make."""

    label: Short = Field(description="For whom it is.", examples=["Anna Weber"])
    until: _Until = "14d"
    password: SecretStr | None = None
    may_comment: bool = True
    may_approve: bool = False
    is_pinned: bool = Field(False, description="Only this version.")
    pages: list[Short] = Field([], max_length=previews.MOST_PAGES)
    start: Short = "/"


class Made(LinkShape):
    """A link that was just made. Its address is shown once."""

    url: str


@router.writes("POST", _OF, "link.create", status_code=201)
def create_link(project: Project, environment: Environment, given: NewLink) -> Made:
    """Make a link. Its address is in this answer, and in no other."""
    expires_at = previews.parse_expiry(given.until, datetime.now(UTC))
    password = given.password.get_secret_value() if given.password else ""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference(project, environment))
        made, token = store.create_link(
            work, found, previews.check_label(given.label), expires_at=expires_at,
            password=previews.check_password(password) if password else "",
            pages=previews.check_pages(given.pages), start=previews.check_start(given.start),
            is_pinned=given.is_pinned, may_comment=given.may_comment,
            may_approve=given.may_approve, by=current_actor().name,
        )  # fmt: skip
        shown = LinkShape.of(made)
        return Made(**shown.model_dump(), url=previews.link_url(found.url, token))


class View(Shown):
    """One opening of a link."""

    at: datetime
    client: str


@router.reads(_OF + "/{number}/views")
def list_views(project: Project, environment: Environment, number: Number) -> list[View]:
    """List when a link was opened, and with what."""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference(project, environment))
        link = store.get_link(work, found, number)
        return [View.model_validate(row) for row in store.list_views(work, link)]


class Until(Given):
    """Until when."""

    until: _Until = "14d"


@router.writes("PUT", _OF + "/{number}/expiry", "link.extend")
def extend_link(
    project: Project, environment: Environment, number: Number, given: Until
) -> LinkShape:
    """Let a link hold until another time, counted from now."""
    expires_at = previews.parse_expiry(given.until, datetime.now(UTC))
    with unit_of_work() as work:
        found = environments.get_environment(work, reference(project, environment))
        link = store.get_link(work, found, number)
        store.extend_link(work, link, expires_at, by=current_actor().name)
        return LinkShape.of(link)


@router.writes("DELETE", _OF + "/{number}", "link.revoke")
def revoke_link(project: Project, environment: Environment, number: Number) -> Done:
    """Take a link back, at once and for good."""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference(project, environment))
        store.revoke_link(work, store.get_link(work, found, number), by=current_actor().name)
    return Done(done=f"Link #{number} opens nothing any more.")
