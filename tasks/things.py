"""What takes room and may be cleared, and what must stay."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import psycopg
from sqlalchemy import func, select

from greenroom.cleaning import DAY, Kind, Limits, Needed, Thing
from greenroom.compare.kept import FOLDER
from greenroom.data.databases import DatabaseServer
from greenroom.hosting import storage
from greenroom.names import database_name
from greenroom.settings import load_settings
from greenroom.store import (
    approvals,
    assets,
    cleanups,
    comparisons,
    deployments,
    environments,
    mails,
    measurements,
    projects,
)
from greenroom.store.models import (
    Environment,
    EnvironmentStatus,
    Instance,
    InstanceState,
    Mail,
    Release,
    now,
)
from greenroom.store.work import Work, database_url, unit_of_work
from tasks.places import find_left_places, list_free_places


def needed_now(work: Work) -> Needed:
    """Read what must stay: whatever runs, is deployed, or any rollback or promotion needs."""
    settings = load_settings()
    kept: set[str] = set()
    pictures: set[str] = {FOLDER}  # it forgets its own, by what is kept
    backups: set[str] = set()
    known = projects.list_projects(work)
    rows = list(work.scalars(select(Environment)))
    living = [e for e in rows if e.status != EnvironmentStatus.DESTROYED]
    for environment in living:
        releases = deployments.list_kept_releases(work, environment.id)[: settings.keep_releases]
        kept |= {place for r in releases for place in (r.artifact, r.location)}
        newest = comparisons.list_comparisons(work, environment, limit=settings.keep_comparisons)
        pictures |= {str(row.id) for row in newest}
    in_use = {i.release_id for i in environments.list_instances(work)}
    in_use |= {d.release_id for d in deployments.list_unfinished(work) if d.release_id}
    in_use |= {e.release_id for e in living if e.release_id}
    used = work.scalars(select(Release).where(Release.id.in_(in_use)))
    kept |= {place for r in used for place in (r.artifact, r.location)}
    for project in known:
        listed = approvals.list_backups(work, project)[: settings.keep_backups]
        backups |= {backup.location for backup in listed}
    is_living = Instance.state != InstanceState.STOPPED
    return Needed(
        artifacts=frozenset(kept),
        projects=frozenset(project.name for project in known),
        with_files=frozenset(str(p.id) for p in assets.list_set_projects(work)),
        environments=frozenset(str(e.id) for e in living),
        destroyed=frozenset(str(e.id) for e in rows if e.status == EnvironmentStatus.DESTROYED),
        copies=frozenset(work.scalars(select(Instance.name).where(is_living))),
        comparisons=frozenset(pictures),
        measurements=frozenset(str(key) for key in measurements.list_measurement_ids(work)),
        backups=frozenset(backups),
        left_places=list_free_places(work),
    )


def find_things(limits: Limits) -> list[Thing]:
    """Find everything of ours that takes room and may be cleared. Changes nothing."""
    settings = load_settings()
    found = [*storage.find_on_disk(settings), *storage.find_in_engine(settings)]
    things = [Thing(Kind(kind), name, of, size, age) for kind, name, of, size, age in found]
    if limits.with_engine_cache and (size := storage.engine_cache_bytes(settings)):
        things.append(Thing(Kind.ENGINE_CACHE, "what no build uses", "", size, 0.0))
    return [*things, *_mails(), *_logs(limits), *_databases(), *find_left_places()]


def _mails() -> Iterator[Thing]:
    before = now() - timedelta(days=mails.KEPT_DAYS)
    with unit_of_work() as work:
        rows = work.execute(
            select(Mail.environment_id, func.count(), func.sum(Mail.size_bytes),
                   func.max(Mail.received_at))
            .where(Mail.received_at < before)
            .group_by(Mail.environment_id)
        ).all()  # fmt: skip
    for environment_id, count, size, newest in rows:
        age = (now() - newest).total_seconds()
        name = f"{count} mails"
        yield Thing(Kind.MAIL, name, str(environment_id or ""), int(size or 0), age)


def _databases() -> Iterator[Thing]:
    """Find databases by the names that environments of ours have or had: no name is guessed."""
    server = DatabaseServer(database_url())
    with unit_of_work() as work:
        names = {
            database_name(e.project.name, e.name, str(e.id)): str(e.id)
            for e in work.scalars(select(Environment))
        }
    with psycopg.connect(database_url(), autocommit=True) as connection:
        for name in server.list_databases():
            if name in names:
                row = connection.execute("select pg_database_size(%s)", (name,)).fetchone()
                yield Thing(Kind.DATABASE, name, names[name], int(row[0]) if row else 0, DAY)


def _logs(limits: Limits) -> Iterator[Thing]:
    with unit_of_work() as work:
        for kind, days in ((Kind.LINES, limits.log_days), (Kind.LOG_TEXT, limits.log_text_days)):
            found = cleanups.find_old_logs(work, now() - timedelta(days=days), kind == Kind.LINES)
            if found.count:
                age = (now() - found.newest_at).total_seconds()
                name = f"{found.count} logs of deployments and syncs"
                yield Thing(kind, name, "", found.size_bytes, age)
