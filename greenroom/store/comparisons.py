"""Queries about comparisons."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import joinedload

from greenroom.errors import InvalidInput, NotFound
from greenroom.store.audit import record_audit
from greenroom.store.models import (
    ChangeDecision,
    Comparison,
    Environment,
    EnvironmentKind,
    IgnoredRegion,
    Project,
    now,
)
from greenroom.store.work import Work

FINAL = frozenset({"done", "failed"})
MOST_PAGES = 50


def create_comparison(
    work: Work, environment: Environment, paths: Sequence[str], *, by: str,
    baseline: str = "production",
) -> Comparison:  # fmt: skip
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
        requested_by=by, baseline=baseline, artifact=environment.release.artifact,
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


def finish(comparison: Comparison, error: dict[str, Any] | None = None) -> bool:
    """Give a comparison its end; say whether that was news. Idempotent."""
    if comparison.status in FINAL:
        return False
    comparison.status = "failed" if error else "done"
    comparison.error, comparison.completed_at = error, now()
    return True


def find_comparison(work: Work, environment: Environment, number: int = 0) -> Comparison:
    """Get an environment's comparison by its number; the newest without one.

    Errors: NotFound.
    """
    found = work.scalar(
        select(Comparison)
        .where(Comparison.environment_id == environment.id)
        .where(Comparison.number == number if number else Comparison.number > 0)
        .order_by(Comparison.number.desc())
        .limit(1)
    )
    if found is None:
        raise NotFound(
            f"there is no comparison{f' #{number}' if number else ''} of {environment.name}",
            hint="`greenroom compare` makes one.",
        )
    return found


def list_of_production(work: Work, project_id: uuid.UUID, commit_hash: str) -> list[Comparison]:
    """List the comparisons that took pictures of production at a commit, oldest first."""
    query = (
        select(Comparison)
        .join(Environment, Environment.id == Comparison.environment_id)
        .where(
            Environment.project_id == project_id,
            Comparison.production_commit == commit_hash,
            Comparison.baseline == "production",
            Comparison.status == "done",
        )
        .order_by(Comparison.requested_at)
    )
    return list(work.scalars(query))


def list_decisions(work: Work, project_id: uuid.UUID) -> dict[tuple[str, str], ChangeDecision]:
    """Give what was said about a project's changes, by page and fingerprint."""
    rows = work.scalars(select(ChangeDecision).where(ChangeDecision.project_id == project_id))
    return {(row.path, row.signature): row for row in rows}


def said_in(work: Work, project_id: uuid.UUID) -> dict[tuple[str, str], str]:
    """Give the verdicts on a project's changes, by page and fingerprint."""
    return {key: row.verdict for key, row in list_decisions(work, project_id).items()}


def record_decisions(
    work: Work, comparison: Comparison, keys: Sequence[tuple[str, str]], verdict: str, note: str,
    *, by: str,
) -> int:  # fmt: skip
    """Record what somebody says about changes; give how many. The last word counts.

    Idempotent.
    """
    environment = work.get_one(Environment, comparison.environment_id)
    for path, signature in dict.fromkeys(keys):
        said = {
            "environment_id": environment.id, "artifact": comparison.artifact, "verdict": verdict,
            "note": note, "decided_by": by, "decided_at": func.clock_timestamp(),
        }  # fmt: skip
        work.execute(
            insert(ChangeDecision)
            .values(
                id=uuid.uuid4(), project_id=environment.project_id, path=path, signature=signature,
                **said,
            )
            .on_conflict_do_update(
                index_elements=["project_id", "path", "signature"], set_=said
            )
        )  # fmt: skip
    record_audit(
        work, by, f"comparison.{verdict}", environment=environment,
        subject=f"#{comparison.number}", changes=len(set(keys)),
    )  # fmt: skip
    return len(set(keys))


def list_ignored(work: Work, project_id: uuid.UUID) -> list[IgnoredRegion]:
    """List the parts of a project's pages that do not count, oldest first."""
    query = select(IgnoredRegion).where(IgnoredRegion.project_id == project_id)
    return list(work.scalars(query.order_by(IgnoredRegion.created_at)))


def add_ignored(work: Work, project: Project, rule: dict[str, Any], *, by: str) -> IgnoredRegion:
    """Say that a part of pages does not count."""
    made = IgnoredRegion(project_id=project.id, rule=rule, created_by=by)
    work.add(made)
    work.flush()
    record_audit(work, by, "comparison.ignore", project=project, **rule)
    return made


def remove_ignored(work: Work, project: Project, region_id: uuid.UUID, *, by: str) -> None:
    """Let a part of pages count again.

    Errors: NotFound.
    """
    found = work.get(IgnoredRegion, region_id)
    if found is None or found.project_id != project.id:
        raise NotFound("there is no such ignored part")
    work.delete(found)
    record_audit(work, by, "comparison.heed", project=project, **found.rule)


def list_kept(work: Work, most: int) -> list[Comparison]:
    """List the comparisons whose pictures are kept: of each environment that lives, the newest."""
    order = Comparison.number.desc()
    rank = func.row_number().over(partition_by=Comparison.environment_id, order_by=order)
    ranked = (
        select(Comparison.id, rank.label("rank"))
        .join(Environment, Environment.id == Comparison.environment_id)
        .where(Environment.status != "destroyed")
        .subquery()
    )
    kept = select(ranked.c.id).where(ranked.c.rank <= most)
    return list(work.scalars(select(Comparison).where(Comparison.id.in_(kept))))
