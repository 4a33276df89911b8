"""The steps of a sync: production's data, masked, into the project's anonymized database.

Each can be repeated: the database that is being filled knows which stages and chunks have ended.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from uuid import UUID

from prefect import unmapped

from greenroom.asset_orders import address_pairs
from greenroom.data import ledger, preflight
from greenroom.data import sync as stages
from greenroom.data.chunks import Chunk
from greenroom.data.clones import Template, ensure_objects_owner, protect
from greenroom.data.introspect import read_schema
from greenroom.data.keeper import check_kept, ensure_snapshot, release
from greenroom.data.pipe import Copied
from greenroom.data.place import Place, discard_next
from greenroom.data.policy import check_decided, load_policy
from greenroom.data.prepare import Prepared, prepare
from greenroom.data.proof import Proof
from greenroom.data.source import joined, opened
from greenroom.data.sync import Job
from greenroom.errors import GreenroomError, InvalidInput
from greenroom.settings import load_settings
from greenroom.store import policies, projects, syncs
from greenroom.store.models import Project, Sync
from greenroom.store.work import database_url, unit_of_work
from tasks.policies import step
from tasks.syncing import telling
from tasks.values import Moment, Syncing

_building = threading.Lock()


def place_of(sync: Syncing) -> Place:
    """Say where a sync's copy goes."""
    return Place(database_url(), sync.template, owner=sync.template)


def template_of(sync: Syncing) -> Template:
    """Give what the environment's database is copied from.

    Some tables alone never become the project's template: they are copied from what was filled.
    """
    place = place_of(sync)
    return Template(place.next if sync.tables else place.live, sync.template)


@contextmanager
def moment(sync: Syncing) -> Iterator[Moment]:
    """Hold production as it is now; let go of it, and of what was filled, if anything inside fails.

    A run that is killed lets go of nothing: the one that takes it up goes on.
    """
    taken = take_snapshot(sync)
    try:
        yield taken
    except GreenroomError:
        try:
            check_kept(load_settings(), str(sync.sync_id))  # why the snapshot is gone, if it is
        finally:
            discard(sync)
        raise
    except BaseException:
        discard.fn(sync)
        raise
    else:
        release(load_settings(), str(sync.sync_id))


@step
def check_before(sync: Syncing) -> None:
    """Say what would stop the sync before production is held for it. Idempotent.

    Errors: SyncFailed, Undecided, InvalidPolicy, SourceUnavailable.
    """
    with telling(sync.sync_id, "snapshot"):
        policy = load_policy(_policy_and_key(sync)[0])
        url = _source_url(sync.project_id)
        preflight.check(url, place_of(sync), policy)
        with opened(url) as connection:
            check_decided(policy, read_schema(connection))


@step
def take_snapshot(sync: Syncing) -> Moment:
    """Hold production at one moment, or find it held already. Idempotent.

    Errors: SourceUnavailable, SyncFailed.
    """
    with telling(sync.sync_id, "snapshot") as tell:
        url = _source_url(sync.project_id)
        kept = ensure_snapshot(load_settings(), str(sync.sync_id), url, tell.check)
        with unit_of_work() as work:
            row = work.get_one(Sync, sync.sync_id, with_for_update=True)
            is_new, row.snapshot_at = row.snapshot_at != kept.taken_at, kept.taken_at
        for warning in kept.warnings if is_new else ():
            tell(f"note: {warning}")
        tell(
            f"production as of {kept.taken_at:%Y-%m-%d %H:%M:%S} UTC"
            + ("" if is_new else ", again")
        )
        return Moment(kept.id, kept.taken_at, kept.server_version)


@step
def discard(sync: Syncing) -> None:
    """Let go of production and of what was filled. Idempotent."""
    _prepared.cache_clear()
    release(load_settings(), str(sync.sync_id))
    discard_next(place_of(sync))


def _source_url(project_id: UUID) -> str:
    with unit_of_work() as work:
        url = projects.production_database_url(work.get_one(Project, project_id))
    if url is None:
        raise InvalidInput("the project names no production database any more")
    return url


def _policy_and_key(sync: Syncing) -> tuple[str, str]:
    with unit_of_work() as work:
        project = work.get_one(Project, sync.project_id)
        policy = policies.find_policy(work, project, sync.policy_number)
        if policy is None:
            raise InvalidInput(
                f"{project.name} has no approved policy",
                hint=f"greenroom data discover {project.name}, read it, then"
                f" greenroom data approve {project.name}",
            )
        key = policies.ensure_pseudonym_key(work, project, by="sync")
        return policy.text, key


@cache
def _prepared(sync: Syncing, at: Moment) -> tuple[Prepared, Job]:
    policy, key = _policy_and_key(sync)
    url = _source_url(sync.project_id)
    with joined(url, at.snapshot) as connection:
        known = prepare(connection, policy, key, sync.tables, load_settings())
    # A server that was made anew may give a snapshot the name that another had yesterday.
    meaning = f"{known.policy.fingerprint()}/{known.key_id}/{at.taken_at.isoformat()}"
    return known, Job(load_settings(), url, at.snapshot, place_of(sync), known.plan, meaning)


def prepared(sync: Syncing, at: Moment) -> tuple[Prepared, Job]:
    """Give what was decided for a sync: made once in each process that works at it."""
    with _building:
        return _prepared(sync, at)


@step
def plan_copy(sync: Syncing, at: Moment) -> list[list[Chunk]]:
    """Decide about every column, and cut the tables into parts. Idempotent.

    Errors: Undecided, InvalidPolicy, InvalidInput.
    """
    with telling(sync.sync_id, "plan") as tell:
        known, job = prepared(sync, at)
        parts = stages.plan_parts(job, at.server_version)
        masked = sum(len(table.masked) for table in known.plan.tables)
        tell(f"{len(known.plan.tables)} tables with rows, {masked} columns masked,"
             f" key {known.key_id}")  # fmt: skip
        sizes = {
            p.table.key: {
                "rows": 0, "octets": 0, "estimated_rows": p.table.estimated_rows,
                "size_bytes": p.table.size_bytes, "chunks": 0,
                "of_chunks": sum(c.table == p.table.key for part in parts for c in part),
            }
            for p in known.plan.tables
        }  # fmt: skip
        with unit_of_work() as work:
            syncs.get_sync(work, sync.sync_id).progress = sizes
        return parts


@step
def make_tables(sync: Syncing, at: Moment) -> None:
    """Make the new database and its tables, or go on with what a killed run left. Idempotent.

    Errors: SyncFailed.
    """
    with telling(sync.sync_id, "tables") as tell:
        _, job = prepared(sync, at)
        with job.place.server() as server:
            ensure_objects_owner(server, sync.template)
        stages.make_tables(job)
        tell("the tables are made")


@step
def copy_rows(sync: Syncing, at: Moment, part: list[Chunk]) -> None:
    """Copy some chunks, masked on their way. Idempotent: those that have arrived are passed over.

    Errors: SourceUnavailable, SyncFailed, DatabaseUnavailable.
    """
    _, job = prepared(sync, at)
    with telling(sync.sync_id, "data") as tell:

        def told(_chunk: Chunk, _copied: Copied) -> None:
            tell.measure(lambda: _progress(sync, job))

        stages.copy_part(job, part, tell.check, told)
        tell.measure(lambda: _progress(sync, job), now=True)


def copy_all(sync: Syncing, at: Moment, parts: list[list[Chunk]]) -> None:
    """Copy every part, several at a time: here, or where the flow's task runner has its workers."""
    copy_rows.map(unmapped(sync), unmapped(at), parts).result()


def _progress(sync: Syncing, job: Job) -> dict[str, dict[str, Any]]:
    with job.target() as target:
        counted = ledger.progress(target)
    with unit_of_work() as work:
        known = syncs.get_sync(work, sync.sync_id).progress
    return {
        key: {**known.get(key, {}), "rows": rows, "octets": octets, "chunks": chunks}
        for key, (rows, octets, chunks) in counted.items()
    }


@step
def finish_tables(sync: Syncing, at: Moment) -> dict[str, int]:
    """Count the rows, make indexes and keys, set sequences, fill views. Idempotent.

    Errors: SyncFailed.
    """
    with telling(sync.sync_id, "indexes") as tell:
        _, job = prepared(sync, at)
        counts = stages.finish_tables(job)
        tell(f"{sum(counts.values()):,} rows counted on both sides; indexes and keys hold")
        return counts


@step
def run_hooks(sync: Syncing, at: Moment) -> None:
    """Empty queues and sessions, run the project's SQL; once, all or none. Idempotent.

    Errors: SyncFailed.
    """
    with telling(sync.sync_id, "hooks") as tell:
        _, job = prepared(sync, at)
        with unit_of_work() as work:
            addresses = address_pairs(work, sync.project_id)
        changed, left = stages.run_hooks(job, addresses)
        for name in job.plan.truncated:
            tell(f"emptied {name}")
        if addresses:
            tell(f"files' address rewritten in {changed:,} rows")
        if left:
            tell(f"{left:,} rows keep production's: serialized by PHP, they tell their lengths")


@step
def prove(sync: Syncing, at: Moment) -> Proof:
    """Look for every original of every masked column in what was filled. Idempotent.

    Errors: LeakFound.
    """
    with telling(sync.sync_id, "proof") as tell:
        _, job = prepared(sync, at)
        return stages.prove_job(job, tell)


@step
def settle(sync: Syncing, at: Moment) -> dict[str, int]:
    """Give what was filled its owner and statistics. Idempotent."""
    with telling(sync.sync_id, "settle"):
        _, job = prepared(sync, at)
        return stages.settle(job)


@step
def publish(sync: Syncing) -> None:
    """Make what was filled the project's template; the one before is kept. Idempotent.

    Errors: SyncFailed.
    """
    if sync.tables:
        return
    place = place_of(sync)
    with telling(sync.sync_id, "swap") as tell:
        stages.publish(place)
        with place.server() as server:
            protect(server, template_of(sync))
        tell("new environments get this data from now on")
