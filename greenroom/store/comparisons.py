"""Queries about comparisons."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from greenroom.errors import InvalidInput, NotFound
from greenroom.store.audit import record_audit
from greenroom.store.models import Comparison, Environment, EnvironmentKind, Project, now
from greenroom.store.work import Work

FINAL = frozenset({"done", "failed"})
MOST_PAGES = 50


def create_comparison(
    work: Work, environment: Environment, paths: Sequence[str], *, by: str
) -> Comparison:
    """Record that an environment's pages shall be compared with production's.

    Errors: InvalidInput (production itself, production shows nothing, a path that is none).
    """
    if environment.kind == EnvironmentKind.PRODUCTION:
        raise InvalidInput(
            "production is what others are compared with", hint="Name a staging environment."
        )
    wrong = [path for path in paths if not path.startswith("/") or not path.isprintable()]
    if wrong:
        raise InvalidInput(f"{wrong[0]!r} is no path", hint="A path begins with a slash: /about")
    if len(paths) > MOST_PAGES:
        raise InvalidInput(f"at most {MOST_PAGES} pages are compared at once")
    if environment.release is None or production_of(work, environment.project) is None:
        raise InvalidInput(
            "there is nothing to compare: the environment or production shows nothing yet",
            hint="Deploy both first.",
        )
    work.scalar(select(Environment.id).where(Environment.id == environment.id).with_for_update())
    of = Comparison.environment_id == environment.id
    number = work.scalar(select(func.coalesce(func.max(Comparison.number), 0) + 1).where(of))
    made = Comparison(
        environment_id=environment.id, number=number, paths=list(dict.fromkeys(paths)),
        requested_by=by,
    )  # fmt: skip
    work.add(made)
    work.flush()
    record_audit(work, by, "comparison.request", environment=environment, subject=f"#{number}")
    return made


def production_of(work: Work, project: Project) -> Environment | None:
    """Find a project's production, if it shows something."""
    return work.scalar(
        select(Environment).where(
            Environment.project_id == project.id,
            Environment.kind == EnvironmentKind.PRODUCTION,
            Environment.release_id.is_not(None),
            Environment.status != "destroyed",
        )
    )


def get_comparison(work: Work, comparison_id: uuid.UUID) -> Comparison:
    """Get a comparison by id.

    Errors: NotFound.
    """
    wanted = joinedload(Comparison.environment).joinedload(Environment.project)
    found = work.get(Comparison, comparison_id, options=[wanted])
    if found is None:
        raise NotFound(f"there is no comparison {comparison_id}")
    return found


def list_comparisons(
    work: Work, environment: Environment, *, limit: int = 20
) -> list[Comparison]:  # fmt: skip
    """List an environment's comparisons, newest first."""
    return list(
        work.scalars(
            select(Comparison)
            .where(Comparison.environment_id == environment.id)
            .order_by(Comparison.number.desc())
            .limit(limit)
        )
    )


def list_unfinished(work: Work) -> list[Comparison]:
    """List every comparison that has not ended."""
    return list(work.scalars(select(Comparison).where(Comparison.status.notin_(FINAL))))


def finish(comparison: Comparison, error: dict[str, Any] | None = None) -> None:
    """Give a comparison its end. Idempotent: one that has ended stays as it is."""
    if comparison.status not in FINAL:
        comparison.status = "failed" if error else "done"
        comparison.error, comparison.completed_at = error, now()


def list_ids(work: Work) -> list[uuid.UUID]:
    """List the ids of all comparisons."""
    return list(work.scalars(select(Comparison.id)))
