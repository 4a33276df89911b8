"""Comparisons of an environment's pages with production's."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Path
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from greenroom import comparing
from greenroom.api.noun import (
    Done,
    Environment,
    Given,
    Limit,
    Noun,
    Number,
    Project,
    Short,
    Shown,
    reference,
)
from greenroom.api.shapes import ComparisonShape, Ordered, is_started
from greenroom.compare.kept import names_in, place_of
from greenroom.compare_rules import Baseline
from greenroom.errors import NotFound
from greenroom.rights import current_actor
from greenroom.store import comparisons as store
from greenroom.store import environments
from greenroom.store.models import Comparison
from greenroom.store.work import Work, unit_of_work

router = Noun("comparisons")
_OF = "/projects/{project}/environments/{environment}/comparisons"
MOST = 200


def _find(work: Work, project: str, environment: str, number: int) -> Comparison:
    found = environments.get_environment(work, reference(project, environment))
    for row in store.list_comparisons(work, found, limit=MOST):
        if row.number == number:
            return row
    raise NotFound(f"{environment} has no comparison #{number}")


@router.reads(_OF)
def list_comparisons(
    project: Project, environment: Environment, limit: Limit = 20
) -> list[ComparisonShape]:
    """List an environment's comparisons, the newest first."""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference(project, environment))
        rows = store.list_comparisons(work, found, limit=limit)
        said = store.said_in(work, found.project_id)
        return [ComparisonShape.of(row, said) for row in rows]


@router.reads(_OF + "/{number}")
def get_comparison(project: Project, environment: Environment, number: Number) -> ComparisonShape:
    """Show a comparison: the verdict on each page, and what changed."""
    with unit_of_work() as work:
        row = _find(work, project, environment, number)
        return ComparisonShape.of(row, store.said_in(work, row.environment.project_id))


class Pages(Given):
    """Which pages."""

    paths: list[Short] = Field([], max_length=100, description="Default: what the front links to.")
    baseline: Baseline | None = Field(None, description="Default: what the project says.")


@router.writes("POST", _OF, "comparison.request", status_code=202)
def compare(project: Project, environment: Environment, given: Pages | None = None) -> Ordered:
    """Compare an environment's pages with production's."""
    asked = given or Pages()
    with unit_of_work() as work:
        made = comparing.record_comparison(
            work, reference(project, environment), asked.paths, baseline=asked.baseline or "",
            actor=current_actor().name,
        )  # fmt: skip
        key, number = made.id, made.number
    return Ordered(
        id=key, number=number, kind="comparison", of=reference(project, environment),
        is_started=is_started(lambda: comparing.start_comparison(key)),
    )  # fmt: skip


class Decision(Given):
    """What somebody says about changes."""

    verdict: Literal["approved", "rejected"]
    path: Short = Field("", description="Only this page's; default: all.")
    signature: Short = Field("", description="Only this change, wherever it shows.")
    note: str = Field("", max_length=comparing.MAX_NOTE)


class Decided(BaseModel):
    """How many changes it was about."""

    changes: int


@router.writes("POST", _OF + "/{number}/decisions", "comparison.approved")
def decide_on_changes(
    project: Project, environment: Environment, number: Number, given: Decision
) -> Decided:
    """Approve or reject what a comparison found; it holds while the change stays the same."""
    count = comparing.decide_changes(
        reference(project, environment), given.verdict, number=number, path=given.path,
        signature=given.signature, note=given.note, actor=current_actor().name,
    )  # fmt: skip
    return Decided(changes=count)


class Part(Given):
    """A part of pages: an element, or a place."""

    selector: str = Field("", max_length=500, description="An element.", examples=[".ticker"])
    box: Annotated[list[int], Field(min_length=4, max_length=4)] | None = Field(
        None, description="Left, top, width and height in pixels of the picture."
    )
    page: str = Field("*", min_length=1, max_length=500, description="On these pages only.")
    viewport: Short = Field("", description="At this width only, like `phone`.")


class IgnoredPart(Shown):
    """A part of a project's pages that does not count."""

    id: uuid.UUID
    rule: dict[str, Any]
    created_by: str
    created_at: datetime


_IGNORED = "/projects/{project}/environments/{environment}/ignored"


@router.reads(_IGNORED)
def list_ignored_parts(project: Project, environment: Environment) -> list[IgnoredPart]:
    """List what does not count in the project's comparisons, beside `greenroom.yaml`."""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference(project, environment))
        return [IgnoredPart.model_validate(r) for r in store.list_ignored(work, found.project_id)]


class Ignoring(BaseModel):
    """The part that is ignored now."""

    id: uuid.UUID


@router.writes("POST", _IGNORED, "comparison.ignore", status_code=201)
def ignore_part(project: Project, environment: Environment, given: Part) -> Ignoring:
    """Let a part of the project's pages count no longer, from the next comparison on."""
    made = comparing.ignore_part(
        reference(project, environment), page=given.page, viewport=given.viewport,
        selector=given.selector, box=given.box, actor=current_actor().name,
    )  # fmt: skip
    return Ignoring(id=made)


@router.writes("DELETE", _IGNORED + "/{part}", "comparison.heed")
def heed_part(project: Project, environment: Environment, part: uuid.UUID) -> Done:
    """Let a part of the project's pages count again, from the next comparison on."""
    comparing.heed_part(reference(project, environment), part, actor=current_actor().name)
    return Done(done="It counts again from the next comparison on.")


@router.reads(_OF + "/{number}/files/{name}", response_class=FileResponse)
def get_comparison_file(
    project: Project, environment: Environment, number: Number,
    name: Annotated[str, Path(max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")],
) -> FileResponse:  # fmt: skip
    """Give one of a comparison's pictures, or its page to send: `report.html`."""
    with unit_of_work() as work:
        row = _find(work, project, environment, number)
        is_picture = name in set(names_in(row.pages))
    folder = comparing.folder_of(row.id)
    file = place_of(comparing.pictures_root(), name) if is_picture else folder / name
    if not file.is_file():
        raise NotFound(f"comparison #{number} has no file {name!r}")
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
    return FileResponse(file, headers={"Content-Security-Policy": policy})
