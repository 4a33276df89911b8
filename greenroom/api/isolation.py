"""Isolation: attempts to get out of an environment, and how they ended."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from greenroom import isolating
from greenroom.api.noun import Done, Environment, Noun, Project, Shown, reference
from greenroom.api.shapes import is_started
from greenroom.rights import current_actor
from greenroom.store import environments
from greenroom.store import isolation as store
from greenroom.store.work import unit_of_work

router = Noun("isolation")
_OF = "/projects/{project}/environments/{environment}/isolation"


class CheckShape(Shown):
    """One check."""

    id: uuid.UUID
    status: str
    verdict: str
    runtime: str
    requested_by: str
    requested_at: datetime
    completed_at: datetime | None
    packets: int | None
    probes: list[dict[str, Any]]
    error: dict[str, Any] | None


@router.reads(_OF)
def list_checks(project: Project, environment: Environment) -> list[CheckShape]:
    """List an environment's checks, the newest first."""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference(project, environment))
        return [CheckShape.model_validate(row) for row in store.list_checks(work, found)]


@router.writes("POST", _OF, "isolation.check", status_code=202)
def check_isolation(project: Project, environment: Environment) -> Done:
    """Try to get out of an environment by every way that is known."""
    name, who = reference(project, environment), current_actor().name
    begun = is_started(lambda: isolating.place_check(name, actor=who))
    return Done(done="It is being tried." if begun else "It is recorded, and is tried later.")
