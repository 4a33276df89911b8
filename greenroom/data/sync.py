"""A whole sync: production as it was at one moment, masked, proved, and put in place at once.

Its stages can each be repeated: one that has ended is passed over. Killed anywhere, staging is the
old database or the new one: the new one is filled under another name and changes places with the
old one in one transaction.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

import psycopg

from greenroom.data import ledger, load
from greenroom.data.chunks import Chunk, biggest_first, plan_chunks
from greenroom.data.compiled import Kernels, kernels_of_nobody
from greenroom.data.compiled import load as load_compiled
from greenroom.data.copy import TablePlan, arrived, copy_chunk
from greenroom.data.dump import Shape, choose_binaries, shape_of
from greenroom.data.introspect import read_foreign
from greenroom.data.pipe import Copied, Pace
from greenroom.data.place import Place, discard_next
from greenroom.data.proof import Proof, check_counts, count_distinct, prove
from greenroom.data.proof import distinct_values as distinct_values
from greenroom.data.refusals import STAGING, is_at_fault, is_lost, lost, name_columns, refused
from greenroom.data.rewrites import rewrite_addresses
from greenroom.data.schema import Table
from greenroom.data.source import Connection, Snapshot, hold_snapshot, joined, read_warnings
from greenroom.data.subset import Detached
from greenroom.data.swap import beside, drop, exists, swap, swap_back
from greenroom.errors import SyncFailed
from greenroom.settings import Settings

INDEX_JOBS = 2
Say = Callable[[str], None]


@dataclass(frozen=True)
class SyncPlan:
    """What is copied, and what happens after."""

    tables: tuple[TablePlan, ...]
    schema_only: tuple[Table, ...] = ()
    left_out: tuple[str, ...] = ()
    """SQL names of tables that do not come along at all."""
    truncated: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()
    detached: tuple[Detached, ...] = ()
    """References that become NULL where what they name did not come along."""
    kernels: Kernels = field(default_factory=kernels_of_nobody, compare=False)


@dataclass(frozen=True)
class Job:
    """One sync that is under way: everything that its stages need."""

    settings: Settings
    source_url: str
    snapshot: str
    """Id of the exported snapshot, which somebody holds."""
    place: Place
    plan: SyncPlan
    meaning: str = ""
    """What distinguishes its rows from another job's: the policy, the key, the tables."""

    @property
    def about(self) -> str:
        """What the database that is filled says of itself: whose rows it holds, of which moment."""
        return f"{self.meaning}@{self.snapshot}"

    @property
    def next_url(self) -> str:
        """Address of the database that is being filled."""
        return load.on_database(self.place.server_url, self.place.next)

    @contextmanager
    def source(self) -> Iterator[Connection]:
        """Open a session that sees the snapshot. Errors: SourceUnavailable, SyncFailed."""
        with joined(self.source_url, self.snapshot) as connection:
            yield connection

    @contextmanager
    def target(self, source: Connection | None = None) -> Iterator[Connection]:
        """Open a session that loads; ``source`` is the one beside it, whose errors are its own.

        Errors: DatabaseUnavailable, SyncFailed.
        """
        with load.open_target(self.next_url) as connection:
            try:
                yield connection
            except psycopg.Error as error:
                if source is not None and is_at_fault(source):
                    raise
                if is_lost(connection):
                    raise lost(STAGING) from None
                raise refused(error, STAGING) from None


def make_tables(job: Job) -> None:
    """Make the next database with its tables, or go on with one that this job has begun.

    Errors: SyncFailed, SourceUnavailable, DatabaseUnavailable.
    """
    about = job.about
    with job.place.server() as server, job.source() as source:
        if exists(server, job.place.next):
            with job.target() as target:
                if ledger.meaning(target) == about and ledger.is_done(target, "tables"):
                    return
        drop(server, job.place.next)
        load.create_like(server, source, job.place.next, job.place.owner)
        with _shape(job, source, server) as shape, job.target() as target:
            ledger.begin(target, about)
            shape.make(job.next_url, "pre-data")
            ledger.mark(target, "tables")


@contextmanager
def _shape(job: Job, source: Connection, server: Connection) -> Iterator[Shape]:
    versions = source.info.server_version, server.info.server_version
    binaries = choose_binaries(job.settings, *versions)
    with shape_of(
        job.settings, binaries, job.source_url, job.snapshot, job.plan.left_out,
        read_foreign(source),
    ) as shape:  # fmt: skip
        yield shape


def load_kernels(settings: Settings, tables: Iterable[Table] | None = None) -> None:
    """Load what masks rows and finds originals; the first large sync compiles it. Idempotent.

    ``tables`` are those whose rows are copied: they say whether the sync is large.
    """
    octets = None if tables is None else sum(table.size_bytes for table in tables)
    is_small = octets is not None and octets < settings.sync_compile_from_bytes
    load_compiled(settings.home / "cache" / "kernels", is_small=is_small)


_pace = cache(Pace)
"""One for all readers of a process."""


def plan_parts(job: Job, server_version: int, least_octets: int = 32 << 20) -> list[list[Chunk]]:
    """Group the chunks into parts that are worth a task each, the biggest tables' first. Pure."""
    tables = {p.table.key: p.table for p in job.plan.tables}
    chunks = [chunk for p in job.plan.tables for chunk in _chunks(p, server_version)]
    total = sum(table.size_bytes for table in tables.values())
    wanted = max(least_octets, total // 200)
    counts = Counter(chunk.table for chunk in chunks)
    parts: list[list[Chunk]] = []
    size = wanted
    for chunk in biggest_first(chunks, tables):
        if size >= wanted:
            parts.append([])
            size = 0
        parts[-1].append(chunk)
        size += tables[chunk.table].size_bytes // counts[chunk.table] + 8192
    return parts


def _chunks(plan: TablePlan, server_version: int) -> list[Chunk]:
    """Cut a table; one whose rows depend on other tables is asked once, not again for each part."""
    if "(select " in plan.where:
        return [Chunk(plan.table.key, 0)]
    return plan_chunks(plan.table, server_version)


def copy_part(
    job: Job, part: Sequence[Chunk], check: Callable[[], None] = lambda: None,
    tell: Callable[[Chunk, Copied], None] = lambda _chunk, _copied: None,
) -> None:  # fmt: skip
    """Copy some chunks, each in a transaction of its own; those that have arrived are passed over.

    ``check`` is called before each and may raise; ``tell`` after each.
    Errors: SyncFailed, SourceUnavailable, DatabaseUnavailable.
    """
    load_kernels(job.settings, (one.table for one in job.plan.tables))
    pace = _pace(job.settings.sync_max_bytes_per_second)
    tables = {p.table.key: p for p in job.plan.tables}
    with job.source() as source, job.target(source) as target:
        _check_meaning(job, target)
        known = arrived(target)
        for chunk in part:
            check()
            copied = known.get((chunk.table, chunk.number))
            if copied is None:
                copied = copy_chunk(
                    source, target, tables[chunk.table], chunk, job.plan.kernels, pace
                )
            tell(chunk, copied)


def _check_meaning(job: Job, target: Connection) -> None:
    """See that what is filled was begun by the same decisions, with the same key.

    The key may have been changed meanwhile, or the sync been taken up again with another policy.
    """
    if ledger.meaning(target) != job.about:
        raise SyncFailed(
            "the policy or the key was changed while the sync was under way", hint="Sync again."
        )


def finish_tables(job: Job) -> dict[str, int]:
    """Count the rows, then make indexes and keys, sequences and views; give rows by table.

    Errors: SyncFailed, when a fake breaks a constraint, too.
    """
    with job.place.server() as server, job.source() as source, job.target(source) as target:
        _check_meaning(job, target)
        if ledger.is_done(target, "hooks"):  # taken up again: they have changed the rows since
            arrived_rows = ledger.progress(target)
            return {t.table.key: arrived_rows.get(t.table.key, (0, 0, 0))[0]
                    for t in job.plan.tables}  # fmt: skip
        counts = check_counts(source, target, job.plan.tables)
        if not ledger.is_done(target, "indexes"):
            for reference in job.plan.detached:
                target.execute(reference.statement.encode())
            with _shape(job, source, server) as shape:
                try:
                    _make_indexes(job, shape, source, target)
                except SyncFailed as error:
                    if "does not exist" not in error.message:
                        raise name_columns(error, source) from None
                    load.lend_paths(source, target)
                    _make_indexes(job, shape, source, target)
            load.set_sequences(source, target)
            ledger.mark(target, "indexes")
    return counts


def _make_indexes(job: Job, shape: Shape, source: Connection, target: Connection) -> None:
    shape.make(job.next_url, "post-data", jobs=INDEX_JOBS, again=True)
    load.refresh_views(source, target)


def run_hooks(job: Job, addresses: Sequence[tuple[str, str]] = ()) -> tuple[int, int]:
    """Run the project's hooks, once, all or none, and rewrite addresses, once as well.

    Give rows whose addresses were rewritten now, and rows that hold some and were left.

    Errors: SyncFailed.
    """
    rewritten = 0, 0
    with job.source() as source, job.target(source) as target:
        if not ledger.is_done(target, "hooks"):
            with target.transaction():
                load.run_hooks(target, job.plan.truncated, job.plan.statements)
                ledger.mark(target, "hooks")
        if addresses and not ledger.is_done(target, "addresses"):
            with target.transaction():
                rewritten = rewrite_addresses(target, addresses)
                ledger.mark(target, "addresses")
        if job.plan.truncated or job.plan.statements or addresses:
            load.refresh_views(source, target)  # materialized ones show what was there before
    return rewritten


def prove_job(job: Job, say: Say) -> Proof:
    """Look for every original in what was filled.

    Errors: LeakFound; SyncFailed when the snapshot was lost meanwhile.
    """
    load_kernels(job.settings, (one.table for one in job.plan.tables))
    with job.source() as source, job.target(source) as target:
        proof = prove(source, target, job.plan, say)
    with job.source():  # held still: else a TRUNCATE could have hidden originals from the proof
        return proof


def settle(job: Job) -> dict[str, int]:
    """Give the new database its owner and statistics; give distinct values by masked column."""
    with job.target() as target:
        distinct = count_distinct(target, job.plan)
        load.analyze(target)
        load.return_paths(target)
        if job.place.owner is not None:
            load.give_to(target, job.place.owner)
        ledger.end(target)
    return distinct


def publish(place: Place) -> None:
    """Put the next database in the place of the live one, which is kept. Idempotent."""
    with place.server() as server:
        swap(server, place.live, place.next, place.previous)


def go_back(place: Place) -> None:
    """Return to the database before; what was live is kept in its stead.

    Errors: SyncFailed when none is kept.
    """
    with place.server() as server:
        swap_back(server, place.live, place.previous, beside(place.live, "aside"))


@dataclass
class Result:
    """What a sync did."""

    snapshot_at: datetime
    rows: dict[str, int] = field(default_factory=dict)
    octets: int = 0
    proof: Proof = field(default_factory=Proof)
    distinct: dict[str, int] = field(default_factory=dict)
    """Distinct values in staging, by masked ``table.column``."""
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure a phase."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = round(time.monotonic() - begun, 3)


def run_sync(
    settings: Settings, source_url: str, place: Place, decide: Callable[[Snapshot], SyncPlan],
    say: Say, check: Callable[[], None] = lambda: None,
) -> Result:  # fmt: skip
    """Run every stage in this process. ``check`` is called between chunks and may raise.

    Errors: SourceUnavailable, SyncFailed, LeakFound, DatabaseUnavailable; staging is untouched.
    """
    with place.server():  # a server that is away is told before production is asked
        pass
    with hold_snapshot(source_url) as snapshot:
        for warning in read_warnings(snapshot.connection):
            say(f"production: {warning}")
        job = Job(settings, source_url, snapshot.id, place, decide(snapshot))
        result = Result(snapshot.taken_at)
        try:
            _fill(job, snapshot.connection.info.server_version, result, say, check)
        except BaseException:
            discard_next(place)
            raise
        with result.phase("swap"):
            publish(place)
        say("staging uses the new database")
    return result


def _fill(job: Job, version: int, result: Result, say: Say, check: Callable[[], None]) -> None:
    def tell(_chunk: Chunk, copied: Copied) -> None:
        result.octets += copied.octets

    discard_next(job.place)
    with result.phase("tables"):
        make_tables(job)
    with result.phase("data"):
        for part in plan_parts(job, version):
            copy_part(job, part, check, tell)
    with result.phase("indexes"):
        result.rows = finish_tables(job)
        for table, rows in result.rows.items():
            say(f"{table}: {rows:,} rows")
    with result.phase("hooks"):
        run_hooks(job)
    with result.phase("proof"):
        result.proof = prove_job(job, say)
    with result.phase("settle"):
        result.distinct = settle(job)
