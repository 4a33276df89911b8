"""Queries about syncs: production's data, masked, for a project's environments."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from greenroom.errors import EnvironmentLocked, InvalidInput, NotFound, Overtaken
from greenroom.store.audit import record_audit
from greenroom.store.models import Environment, EnvironmentKind, Project, Sync, SyncStatus, now
from greenroom.store.work import Work

FINAL = frozenset({SyncStatus.DONE, SyncStatus.FAILED, SyncStatus.CANCELLED})


def create_sync(
    work: Work, project: Project, environment: Environment | None, *,
    tables: Sequence[str] = (), requested_by: str,
) -> Sync:  # fmt: skip
    """Record that production's data was asked for; it is ``queued``.

    Errors: InvalidInput (the project names no production database, or it is production that was
    asked to get it).
    """
    if project.production_database_url is None:
        raise InvalidInput(
            f"{project.name} names no production database",
            hint="greenroom project set-database " + project.name,
        )
    if environment is not None and environment.kind == EnvironmentKind.PRODUCTION:
        raise InvalidInput("production is only ever read", hint="Sync a staging environment.")
    if environment is not None and environment.destroy_requested_at is not None:
        raise InvalidInput(f"{environment.name} is being destroyed")
    if tables and environment is None:
        raise InvalidInput(
            "some tables alone can only go to one environment",
            hint="Name it: greenroom sync <project>/<environment> --tables …",
        )
    lock_project(work, project.id)
    number = work.scalar(
        select(func.coalesce(func.max(Sync.number), 0) + 1).where(Sync.project_id == project.id)
    )
    made = Sync(
        project_id=project.id, number=number, environment_id=environment and environment.id,
        tables=list(tables), requested_by=requested_by,
    )  # fmt: skip
    work.add(made)
    work.flush()
    record_audit(
        work, requested_by, "sync.request", project=project, environment=environment,
        subject=f"{project.name} sync {number}",
    )  # fmt: skip
    return made


def get_sync(work: Work, sync_id: uuid.UUID) -> Sync:
    """Get a sync by id.

    Errors: NotFound.
    """
    found = work.get(
        Sync, sync_id, options=[joinedload(Sync.project), joinedload(Sync.environment)]
    )
    if found is None:
        raise NotFound(f"there is no sync {sync_id}")
    return found


def find_sync(work: Work, project: Project, reference: str = "") -> Sync:
    """Find a sync of a project by ``#number``; without one, the newest.

    Errors: NotFound, InvalidInput.
    """
    query = _of(project).options(joinedload(Sync.project), joinedload(Sync.environment))
    plain = reference.removeprefix("#")
    if plain:
        if not plain.isdigit() or len(plain) > 9:
            raise InvalidInput(f"{reference!r} names no sync", hint="Say its number, like #12.")
        query = query.where(Sync.number == int(plain))
    found: Sync | None = work.scalar(query.limit(1))
    if found is None:
        raise NotFound(
            f"{project.name} has no sync {reference}".rstrip(),
            hint=f"`greenroom data syncs {project.name}` lists them.",
        )
    return found


def list_syncs(work: Work, project: Project, *, limit: int = 30) -> list[Sync]:
    """List a project's syncs, newest first."""
    return list(work.scalars(_of(project).options(joinedload(Sync.environment)).limit(limit)))


def list_unfinished(work: Work) -> list[Sync]:
    """List every sync that has not ended."""
    return list(
        work.scalars(
            select(Sync)
            .options(joinedload(Sync.project), joinedload(Sync.environment))
            .where(Sync.status.notin_(FINAL))
            .order_by(Sync.requested_at)
        )
    )


def last_done(work: Work, project: Project) -> Sync | None:
    """Give the newest sync of the whole of production that has ended well."""
    is_whole = func.jsonb_array_length(Sync.tables) == 0
    query = _of(project).where(Sync.status == SyncStatus.DONE, is_whole).limit(1)
    found: Sync | None = work.scalar(query)
    return found


def _of(project: Project) -> Any:
    return select(Sync).where(Sync.project_id == project.id).order_by(Sync.number.desc())


def lock_project(work: Work, project_id: uuid.UUID) -> Project:
    """Give a project, of which no sync is made or begins until the transaction ends."""
    query = select(Project).where(Project.id == project_id).with_for_update()
    return work.scalars(query).one()


def begin(work: Work, sync_id: uuid.UUID, host: str, process: str, run: uuid.UUID | None) -> Sync:
    """Mark a sync as worked at by a process.

    Errors: Overtaken when it has ended or shall stop, EnvironmentLocked while another of the
    project's syncs runs.
    """
    lock_project(work, work.get_one(Sync, sync_id).project_id)
    sync = work.get_one(Sync, sync_id, with_for_update=True)
    check_wanted(sync)
    sync.status, sync.host, sync.process = SyncStatus.RUNNING, host, process
    sync.started_at = sync.started_at or now()
    sync.flow_run_id = run or sync.flow_run_id
    sync.attempts += 1
    try:
        work.flush()
    except IntegrityError as error:
        raise EnvironmentLocked(
            "another sync of the project is under way", hint="It can be stopped, or waited for."
        ) from error
    return sync


def check_wanted(sync: Sync) -> None:
    """Return if a sync shall go on.

    Errors: Overtaken.
    """
    if sync.status in FINAL:
        raise Overtaken(f"sync #{sync.number} has ended: {sync.status}")
    if sync.cancel_requested_at is not None:
        raise Overtaken(f"sync #{sync.number} was cancelled")


def finish(sync: Sync, status: SyncStatus, error: dict[str, Any] | None = None) -> None:
    """Give a sync its end. Idempotent: one that has ended stays as it is."""
    if sync.status in FINAL:
        return
    if sync.cancel_requested_at is not None and status is SyncStatus.FAILED:
        status = SyncStatus.CANCELLED
    sync.status, sync.error, sync.completed_at = status, error, now()


def append_log(work: Work, sync_id: uuid.UUID, lines: Sequence[str]) -> None:
    """Add lines, already redacted, to a sync's log."""
    if lines:
        text = "".join(f"{now():%H:%M:%S} {line}\n" for line in lines)
        work.execute(
            update(Sync).where(Sync.id == sync_id).values(log_output=Sync.log_output + text)
        )


def add_progress(work: Work, sync_id: uuid.UUID, progress: dict[str, dict[str, Any]]) -> None:
    """Say how far tables have come: what is given replaces what was known of those tables."""
    sync = work.get_one(Sync, sync_id, with_for_update=True)
    sync.progress = {**sync.progress, **progress}


def request_cancel(work: Work, sync: Sync, *, actor: str) -> None:
    """Record that a sync shall stop; one that waits stops at once. Idempotent.

    Errors: InvalidInput when it has ended.
    """
    if sync.status in FINAL:
        raise InvalidInput(f"sync #{sync.number} has ended: {sync.status}")
    sync.cancel_requested_at = sync.cancel_requested_at or now()
    if sync.status == SyncStatus.QUEUED:
        finish(sync, SyncStatus.CANCELLED)
    record_audit(work, actor, "sync.cancel", project=sync.project, subject=f"#{sync.number}")
