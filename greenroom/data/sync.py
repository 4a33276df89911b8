"""A whole sync: production as it was at one moment, masked, proved, and put in place at once.

Killed anywhere, staging is the old database or the new one: the new one is filled under another
name and changes places with the old one in one transaction.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import psycopg

from greenroom.data import load
from greenroom.data.chunks import biggest_first, plan_chunks
from greenroom.data.copy import Copied, TablePlan, arrived, copy_chunk, drop_ledger, ensure_ledger
from greenroom.data.dump import choose_binaries, shape_of
from greenroom.data.rows import NULL, unescape
from greenroom.data.schema import Table, quote
from greenroom.data.source import Connection, Snapshot, hold_snapshot, joined
from greenroom.data.swap import beside, drop, swap
from greenroom.data.verify import Findings, Leak, Needles, Origin
from greenroom.errors import DatabaseUnavailable, LeakFound, SyncFailed
from greenroom.settings import Settings

MIN_FREE_FACTOR = 1.3
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


@dataclass(frozen=True)
class Place:
    """Where the copy goes."""

    server_url: str
    """The server's administrator's address, on any database."""
    live: str
    """Name of the database that staging uses."""
    owner: str | None = None

    @property
    def next(self) -> str:
        """Name of the database that is being filled."""
        return beside(self.live, "next")

    @property
    def previous(self) -> str:
        """Name of the one before, kept for the way back."""
        return beside(self.live, "prev")


@dataclass
class Result:
    """What a sync did."""

    snapshot_at: datetime
    rows: dict[str, int] = field(default_factory=dict)
    octets: int = 0
    leaks: list[Leak] = field(default_factory=list)
    needles: int = 0
    scanned_octets: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure a phase."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = round(time.monotonic() - begun, 3)


@contextmanager
def _server(place: Place) -> Iterator[Connection]:
    try:
        connection = psycopg.connect(
            load.on_database(place.server_url, "postgres"), autocommit=True, connect_timeout=10
        )
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable("the server of the environments' databases is away") from error
    try:
        yield connection
    finally:
        connection.close()


def run_sync(
    settings: Settings, source_url: str, place: Place, decide: Callable[[Snapshot], SyncPlan],
    say: Say, check: Callable[[], None] = lambda: None,
) -> Result:  # fmt: skip
    """Copy, mask, prove and publish. ``check`` is called between chunks and may raise.

    Errors: SourceUnavailable, SyncFailed, LeakFound, DatabaseUnavailable; staging is untouched.
    """
    with ExitStack() as stack:
        server = stack.enter_context(_server(place))
        snapshot = stack.enter_context(hold_snapshot(source_url))
        result = Result(snapshot.taken_at)
        plan = decide(snapshot)
        versions = snapshot.connection.info.server_version, server.info.server_version
        binaries = choose_binaries(settings, *versions)
        drop(server, place.next)
        load.create_like(server, snapshot.connection, place.next, place.owner)
        try:
            _fill(settings, source_url, place, snapshot, plan, result, say, check, binaries)
        except BaseException:
            drop(server, place.next)
            raise
        with result.phase("swap"):
            swap(server, place.live, place.next, place.previous)
        say("staging uses the new database")
    return result


def _fill(
    settings: Settings, source_url: str, place: Place, snapshot: Snapshot, plan: SyncPlan,
    result: Result, say: Say, check: Callable[[], None], binaries: object,
) -> None:  # fmt: skip
    target_url = load.on_database(place.server_url, place.next)
    with (
        shape_of(settings, binaries, source_url, snapshot.id, plan.left_out) as shape,  # type: ignore[arg-type]
        load.open_target(target_url) as target,
    ):
        with result.phase("tables"):
            shape.make(target_url, "pre-data")
        with result.phase("data"), joined(source_url, snapshot.id) as source:
            _copy_all(source, target, plan, result, say, check)
        with result.phase("indexes"):
            shape.make(target_url, "post-data", jobs=2)
            load.set_sequences(snapshot.connection, target)
            load.refresh_views(target)
        with result.phase("hooks"):
            load.run_hooks(target, plan.truncated, plan.statements)
        with result.phase("proof"):
            _prove(snapshot.connection, target, plan, result, say)
        with result.phase("analyze"):
            drop_ledger(target)
            if place.owner is not None:
                load.give_to(target, place.owner)
            load.analyze(target)


def _copy_all(
    source: Connection, target: Connection, plan: SyncPlan, result: Result, say: Say,
    check: Callable[[], None],
) -> None:  # fmt: skip
    ensure_ledger(target)
    tables = {p.table.key: p for p in plan.tables}
    version = source.info.server_version
    chunks = [chunk for p in plan.tables for chunk in plan_chunks(p.table, version)]
    known = arrived(target)
    left = {key: sum(chunk.table == key for chunk in chunks) for key in tables}
    for chunk in biggest_first(chunks, {key: p.table for key, p in tables.items()}):
        check()
        copied = known.get((chunk.table, chunk.number))
        if copied is None:
            copied = copy_chunk(source, target, tables[chunk.table], chunk)
        _count(result, chunk.table, copied)
        left[chunk.table] -= 1
        if not left[chunk.table]:
            say(f"{chunk.table}: {result.rows[chunk.table]:,} rows")


def _count(result: Result, table: str, copied: Copied) -> None:
    result.rows[table] = result.rows.get(table, 0) + copied.rows
    result.octets += copied.octets


def _prove(
    source: Connection, target: Connection, plan: SyncPlan, result: Result, say: Say
) -> None:
    """Count every table again, and look for every original of every masked column.

    Errors: SyncFailed, LeakFound.
    """
    _check_counts(source, target, plan)
    needles = Needles()
    for table in plan.tables:
        for name, _ in table.masked:
            if table.proved is not None and name not in table.proved:
                continue
            origin = Origin(table.table.key, name)
            needles.add(origin, distinct_values(source, table.table, name, table.where))
    result.needles = len(needles)
    scanner, findings = needles.build(), Findings()
    for table in plan.tables:
        for column in table.columns:
            place = f"{table.table.key}.{column}"
            for text in _blocks(target, table.table, column):
                findings.look(place, text, scanner)
    result.leaks, result.scanned_octets = findings.leaks, findings.octets
    if findings.leaks:
        places = sorted({f"{leak.place} (from {leak.origin})" for leak in findings.leaks})
        raise LeakFound(
            f"originals were found after masking in {', '.join(places[:5])}"
            + (f" and {len(places) - 5} more" if len(places) > 5 else ""),
            hint="Decide those columns: `greenroom data decide`. Staging stays as it was.",
        )
    say(f"proof: {result.needles:,} patterns, {result.scanned_octets:,} bytes, no original found")


def _check_counts(source: Connection, target: Connection, plan: SyncPlan) -> None:
    for table in plan.tables:
        if table.table.sql in plan.truncated:
            continue
        where = f" where {table.where}" if table.where else ""
        wanted = source.execute(f"select count(*) from only {table.table.sql}{where}").fetchone()
        got = target.execute(f"select count(*) from only {table.table.sql}").fetchone()
        if wanted != got:
            raise SyncFailed(
                f"{table.table.key}: {got and got[0]} rows arrived of {wanted and wanted[0]}",
                hint="Sync again; if it happens again, please report it.",
            )


def distinct_values(
    source: Connection, table: Table, column: str, where: str = ""
) -> Iterator[str]:
    """Give each distinct value of a column, as text."""
    condition = f" where {where}" if where else ""
    command = (
        f"copy (select distinct {quote(column)}::text from only {table.sql}{condition}) to stdout"
    )
    for row in _rows(source, command):
        if row != NULL:
            yield unescape(row)


def _blocks(
    target: Connection, table: Table, column: str, octets: int = 1 << 20
) -> Iterator[bytes]:
    """Give a column's values as blocks of text, a value a line."""
    batch: list[bytes] = []
    size = 0
    for row in _rows(
        target, f"copy (select {quote(column)}::text from only {table.sql}) to stdout"
    ):
        if row == NULL:
            continue
        batch.append(unescape(row).encode() if b"\\" in row else row)
        size += len(row)
        if size > octets:
            yield b"\n".join(batch)
            batch, size = [], 0
    if batch:
        yield b"\n".join(batch)


def _rows(connection: Connection, command: str) -> Iterable[bytes]:
    with connection.cursor() as cursor, cursor.copy(command.encode()) as copy:
        rest = b""
        for part in copy:
            *lines, rest = (rest + bytes(part)).split(b"\n")
            yield from lines
        if rest:
            yield rest
