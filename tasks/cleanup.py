"""The steps of a clearing: see what there is, plan, remove one by one, tell what was freed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from prefect import get_run_logger
from sqlalchemy import delete, select

from greenroom import cleaning
from greenroom.cleaning import Kind, Limits, Removal, Thing, plan_cleanup
from greenroom.data.clones import discard_copies
from greenroom.data.databases import DatabaseServer
from greenroom.errors import GreenroomError, PlatformError
from greenroom.hosting import storage
from greenroom.names import database_name, role_name
from greenroom.runs import Runs
from greenroom.settings import load_settings
from greenroom.store import cleanups, environments, mails
from greenroom.store.models import Cleanup, Environment, Mail, Release, now
from greenroom.store.work import database_url, unit_of_work
from tasks.places import clear_left_place
from tasks.policies import step
from tasks.things import find_things, needed_now

TOLD = 500
"""Things that a report names one by one."""
OWN = "schedule"
LONGEST_SECONDS = 4 * 3600.0
"""A clearing of the calendar's that has not ended by then was killed."""
ON_DISK = frozenset({Kind.RELEASE, Kind.CACHE, Kind.LOG, Kind.PICTURES, Kind.MEASUREMENT,
                     Kind.BACKUP, Kind.FILES, Kind.REPOSITORY})  # fmt: skip
IN_ENGINE = frozenset({Kind.IMAGE, Kind.NETWORK, Kind.VOLUME})


def _limits(number: int | None = None) -> Limits:
    settings = load_settings()
    with_cache = False
    if number is not None:
        with unit_of_work() as work:
            with_cache = cleanups.get_cleanup(work, number).with_engine_cache
    disk = shutil.disk_usage(settings.home)
    full = cleaning.is_full(
        disk.free, disk.total, settings.clean_below_bytes, settings.clean_below_ratio
    )
    return Limits(
        mail_days=mails.KEPT_DAYS, log_text_days=settings.keep_log_days, is_full=full,
        with_engine_cache=with_cache,
    )  # fmt: skip


@step
def is_room_short() -> bool:
    """Whether the disk has less room than the settings want. Idempotent."""
    return _limits().is_full


@step
def plan_removals(number: int) -> list[Removal]:
    """See what there is and what is needed, and plan. Changes nothing."""
    limits = _limits(number)
    things = find_things(limits)
    with unit_of_work() as work:  # read last: what was recorded meanwhile is needed
        needed = needed_now(work)
    return plan_cleanup(things, needed, limits)


@step
def remove_all(number: int, removals: list[Removal]) -> dict[str, str]:
    """Remove what was planned, one by one; one that stays is told. Idempotent."""
    log, outcomes = get_run_logger(), dict[str, str]()
    for removal in removals:
        thing = removal.thing
        try:
            with unit_of_work() as work:  # needed since it was planned?
                again = plan_cleanup([thing], needed_now(work), _limits(number))
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
    elif thing.kind is Kind.ENGINE_CACHE:
        storage.clear_engine_cache(settings)
    elif thing.kind is Kind.PLACE:
        clear_left_place(thing.owner)
    elif thing.kind is Kind.DATABASE:
        _drop(thing)
    elif thing.kind in (Kind.LINES, Kind.LOG_TEXT):
        _clear_logs(thing.kind is Kind.LINES)
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


def _clear_logs(is_lines: bool) -> None:
    limits = _limits()
    days = limits.log_days if is_lines else limits.log_text_days
    with unit_of_work() as work:
        cleanups.clear_old_logs(work, now() - timedelta(days=days), is_lines)


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
        row = work.get_one(Cleanup, number)
        if row.is_plan:
            report["engine_cache_bytes"] = storage.engine_cache_bytes(load_settings())
        cleanups.finish_cleanup(row, report, freed)
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
