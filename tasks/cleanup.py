"""The steps of a clearing: see what there is, plan, remove one by one, tell what was freed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
from prefect import get_run_logger
from sqlalchemy import delete, func, select

from greenroom import cleaning
from greenroom.cleaning import DAY, Kind, Limits, Needed, Removal, Thing, plan_cleanup
from greenroom.compare.kept import FOLDER
from greenroom.data.clones import discard_copies
from greenroom.data.databases import DatabaseServer
from greenroom.errors import GreenroomError, PlatformError
from greenroom.hosting import storage
from greenroom.names import database_name, role_name
from greenroom.runs import Runs
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
    Cleanup,
    Environment,
    EnvironmentStatus,
    Instance,
    InstanceState,
    Mail,
    Release,
    now,
)
from greenroom.store.work import Work, database_url, unit_of_work
from tasks.policies import step

TOLD = 500
"""Things that a report names one by one."""
OWN = "schedule"
LONGEST_SECONDS = 4 * 3600.0
"""A clearing of the calendar's that has not ended by then was killed."""
ON_DISK = frozenset({Kind.RELEASE, Kind.CACHE, Kind.LOG, Kind.PICTURES, Kind.MEASUREMENT,
                     Kind.BACKUP, Kind.FILES})  # fmt: skip
IN_ENGINE = frozenset({Kind.IMAGE, Kind.NETWORK, Kind.VOLUME})


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
    stopped = Instance.state != InstanceState.STOPPED
    return Needed(
        artifacts=frozenset(kept),
        projects=frozenset(project.name for project in known),
        with_files=frozenset(str(p.id) for p in assets.list_set_projects(work)),
        environments=frozenset(str(e.id) for e in living),
        destroyed=frozenset(str(e.id) for e in rows if e.status == EnvironmentStatus.DESTROYED),
        copies=frozenset(work.scalars(select(Instance.name).where(stopped))),
        comparisons=frozenset(pictures),
        measurements=frozenset(str(key) for key in measurements.list_measurement_ids(work)),
        backups=frozenset(backups),
    )


def find_things() -> list[Thing]:
    """Find everything of ours that takes room and may be cleared. Changes nothing."""
    settings = load_settings()
    found = [*storage.find_on_disk(settings), *storage.find_in_engine(settings)]
    things = [Thing(Kind(kind), name, of, size, age) for kind, name, of, size, age in found]
    return [*things, *_mails(), *_databases()]


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


def _limits() -> Limits:
    settings = load_settings()
    disk = shutil.disk_usage(settings.home)
    full = cleaning.is_full(
        disk.free, disk.total, settings.clean_below_bytes, settings.clean_below_ratio
    )
    return Limits(mail_days=mails.KEPT_DAYS, is_full=full)


@step
def is_room_short() -> bool:
    """Whether the disk has less room than the settings want. Idempotent."""
    return _limits().is_full


@step
def plan_removals() -> list[Removal]:
    """See what there is and what is needed, and plan. Changes nothing."""
    things = find_things()
    with unit_of_work() as work:  # read last: what was recorded meanwhile is needed
        needed = needed_now(work)
    return plan_cleanup(things, needed, _limits())


@step
def remove_all(removals: list[Removal]) -> dict[str, str]:
    """Remove what was planned, one by one; one that stays is told. Idempotent."""
    log, outcomes = get_run_logger(), dict[str, str]()
    for removal in removals:
        thing = removal.thing
        try:
            with unit_of_work() as work:  # needed since it was planned?
                again = plan_cleanup([thing], needed_now(work), _limits())
            if not again:
                outcomes[_key(thing)] = "stays: it is needed now"
                continue
            _remove(thing)
        except GreenroomError as error:
            outcomes[_key(thing)] = f"stays: {error.message}"
            log.warning("%s %s: %s", thing.kind, thing.name, error.message)
        else:
            outcomes[_key(thing)] = "removed"
    return outcomes


def _key(thing: Thing) -> str:
    return f"{thing.kind} {thing.name} {thing.owner}"


def _remove(thing: Thing) -> None:
    settings = load_settings()
    if thing.kind in ON_DISK:
        storage.remove_from_disk(settings, thing.name)
    elif thing.kind in IN_ENGINE:
        storage.remove_from_engine(settings, str(thing.kind), thing.name)
    elif thing.kind is Kind.DATABASE:
        _drop(thing)
    elif thing.kind is Kind.MAIL:
        before = now() - timedelta(days=mails.KEPT_DAYS)
        with unit_of_work() as work:
            mine = (
                Mail.environment_id == thing.owner if thing.owner else Mail.environment_id.is_(None)
            )
            work.execute(delete(Mail).where(mine, Mail.received_at < before))
    if thing.kind in (Kind.RELEASE, Kind.IMAGE):
        with unit_of_work() as work:
            place = Release.location if thing.kind is Kind.RELEASE else Release.artifact
            for release in work.scalars(select(Release).where(place == thing.owner)):
                release.removed_at = release.removed_at or now()


def _drop(thing: Thing) -> None:
    with unit_of_work() as work:
        environment = work.get_one(Environment, thing.owner)
        names = (environment.project.name, environment.name, str(environment.id))
    if database_name(*names) != thing.name:
        raise PlatformError(f"{thing.name} is not the environment's")
    discard_copies(database_url(), thing.name)
    DatabaseServer(database_url()).drop_database(thing.name, role_name(*names))
    with unit_of_work() as work:
        environments.record_database_url(work.get_one(Environment, thing.owner), None)


@step
def is_only_plan(number: int) -> bool:
    """Whether a clearing shall only be told. Idempotent."""
    with unit_of_work() as work:
        return cleanups.get_cleanup(work, number).is_plan


@step
def record_own_cleanup(why: str) -> int:
    """Record a clearing that the calendar asked for; give its number."""
    with unit_of_work() as work:
        return cleanups.create_cleanup(work, is_plan=False, why=why, by=OWN).number


@contextmanager
def clearing(number: int) -> Iterator[None]:
    """Record the failure of a clearing, whatever it is."""
    try:
        yield
    except GreenroomError as error:
        _fail(number, error)
        raise
    except BaseException as error:
        _fail(number, PlatformError(f"unexpected {type(error).__name__}"))
        raise


def _fail(number: int, error: GreenroomError) -> None:
    with unit_of_work() as work:
        cleanups.finish_cleanup(work.get_one(Cleanup, number), {}, 0, error.as_json())


@step
def report_cleanup(number: int, removals: list[Removal], outcomes: dict[str, str]) -> int:
    """Record what was or would be removed; give the bytes. Idempotent."""
    disk = shutil.disk_usage(load_settings().home)
    items, kinds, freed = [], dict[str, dict[str, int]](), 0
    for removal in removals:
        thing = removal.thing
        outcome = outcomes.get(_key(thing), "would go")
        if not outcome.startswith("stays"):
            of = kinds.setdefault(str(thing.kind), {"count": 0, "bytes": 0})
            of["count"] += 1
            of["bytes"] += thing.size_bytes
            freed += thing.size_bytes
        items.append({"kind": str(thing.kind), "name": thing.name, "why": removal.why,
                      "bytes": thing.size_bytes, "outcome": outcome})  # fmt: skip
    report = {
        "items": items[:TOLD], "count": len(items), "kinds": kinds, "free_bytes": disk.free,
        "total_bytes": disk.total, "at": time.time(),
    }  # fmt: skip
    with unit_of_work() as work:
        cleanups.finish_cleanup(work.get_one(Cleanup, number), report, freed)
    return freed


@step
def repair_cleanups() -> int:
    """End clearings whose run was killed; start those that have none. Idempotent."""
    with unit_of_work() as work:
        unfinished = cleanups.list_unfinished_cleanups(work)
    runs, mended = Runs(), 0
    for row in unfinished:
        run = runs.find(row.flow_run_id) if row.flow_run_id else None
        is_own = row.flow_run_id is None and row.requested_by == OWN
        if is_own and (now() - row.requested_at).total_seconds() < LONGEST_SECONDS:
            continue  # its run is the calendar's
        if row.flow_run_id is None and not is_own:
            cleaning.start_cleanup(row.number, runs)
        elif run is None or run.is_final:
            _fail(row.number, PlatformError("the run was killed before it ended"))
        else:
            continue
        mended += 1
    return mended
