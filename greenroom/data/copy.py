"""Copying one chunk of a table from production to staging, masked on its way."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
from psycopg import pq
from psycopg.errors import error_from_result

from greenroom.data.chunks import Chunk
from greenroom.data.refusals import DECIDE, PRODUCTION, STAGING, is_lost, lost, refused
from greenroom.data.rows import Kernel, field_masker, row_masker
from greenroom.data.schema import Table, quote
from greenroom.data.source import Connection
from greenroom.errors import GreenroomError, SyncFailed

BATCH_OCTETS, LARGE_OCTETS = 256 * 1024, 1 << 20
LEDGER = "greenroom_sync.chunks"
"""Chunks that have arrived whole; written in the transaction that brings their rows."""


@dataclass(frozen=True)
class TablePlan:
    """What of a table is copied, and what happens to it on the way."""

    table: Table
    masked: tuple[tuple[str, Kernel], ...] = ()
    where: str = ""
    """An SQL condition on its rows; empty for all."""
    proved: frozenset[str] | None = None
    """Masked columns whose originals must be nowhere afterwards; None for all of them."""
    random: frozenset[str] = frozenset()
    """Masked columns whose fakes are any letters and digits: some are a number by chance."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns in the order they travel: masked ones first, generated ones not at all."""
        first = [name for name, _ in self.masked]
        rest = [c.name for c in self.table.columns if not c.is_generated and c.name not in first]
        return (*first, *rest)

    def maskers(self) -> Callable[[bytes], bytes] | None:
        """Give the function of rows, None where nothing is masked."""
        if not self.masked:
            return None
        made = []
        for name, kernel in self.masked:
            memory = 0 if self.table.column(name).is_unique else None
            named = _named(kernel, self.table.key, name)
            made.append(field_masker(named) if memory is None else field_masker(named, memory))
        return row_masker(made)


@dataclass(frozen=True)
class Copied:
    """What one chunk brought."""

    rows: int
    octets: int


def _named(kernel: Kernel, table: str, column: str) -> Kernel:
    """Say where a value cannot be masked, never the value."""

    def run(value: str) -> str | None:
        try:
            return kernel(value)
        except GreenroomError as error:
            raise SyncFailed(f"{table}.{column}: {error.message}", hint=error.hint) from None
        except Exception as error:  # noqa: BLE001 - its text may quote the value
            raise SyncFailed(
                f"{table}.{column}: a value cannot be masked ({type(error).__name__})"
            ) from None

    return run


def ensure_ledger(target: Connection) -> None:
    """Make the ledger of arrived chunks. Idempotent."""
    target.execute("create schema if not exists greenroom_sync")
    target.execute(
        f"create table if not exists {LEDGER} (table_key text, number integer, rows bigint not"
        " null, octets bigint not null, primary key (table_key, number))"
    )


def arrived(target: Connection) -> dict[tuple[str, int], Copied]:
    """Give the chunks that have arrived."""
    rows = target.execute(f"select table_key, number, rows, octets from {LEDGER}").fetchall()
    return {(str(k), int(n)): Copied(int(r), int(o)) for k, n, r, o in rows}  # type: ignore[call-overload]


def drop_ledger(target: Connection) -> None:
    """Take the ledger away: staging holds nothing of ours. Idempotent."""
    target.execute("drop schema if exists greenroom_sync cascade")


def copy_chunk(source: Connection, target: Connection, plan: TablePlan, chunk: Chunk) -> Copied:
    """Copy one chunk in one transaction of the target; all of it arrives, or nothing.

    ``source`` is in the snapshot's transaction. Errors: SourceUnavailable, SyncFailed.
    """
    table = plan.table
    if not plan.columns:
        return _copy_empty_rows(source, target, plan, chunk)
    names = ", ".join(map(quote, plan.columns))
    conditions = [f"({c})" for c in (chunk.condition, plan.where) if c]
    where = f" where {' and '.join(conditions)}" if conditions else ""
    selected = f"select {names} from only {table.sql}{where}"
    reading = f"copy ({selected}) to stdout{as_it_is(source)}"
    writing = f"copy {table.sql} ({names}) from stdin{as_it_is(target)}"
    try:
        with target.transaction():
            copied = _pipe(source, reading, target, writing, plan.maskers())
            _record(target, chunk, copied)
    except _Refused as why:
        raise _told(why.error, why.side, target, plan) from None
    except psycopg.Error as error:
        if is_lost(source):
            raise lost(PRODUCTION, table.key) from None
        if is_lost(target):
            raise lost(STAGING, table.key) from None
        raise _told(error, STAGING, target, plan) from None
    return copied


class _Refused(Exception):
    """A server ended a COPY."""

    def __init__(self, error: psycopg.Error, side: str) -> None:
        self.error, self.side = error, side
        super().__init__(side)


def _told(error: psycopg.Error, side: str, target: Connection, plan: TablePlan) -> GreenroomError:
    """Name the column whose fakes are refused, if it is known."""
    masked = [name for name, _ in plan.masked]
    told = refused(error, side, plan.table.key, [c.name for c in plan.table.columns])
    constraint = error.diag.constraint_name
    if side == STAGING and constraint and error.sqlstate == "23514":
        found = _constrained(target, plan.table, constraint)
        names = [f"{plan.table.policy_key}.{name}" for name in masked if name in found]
        if names:
            hint = f"Decide {' or '.join(names)} anew: production's check {constraint} forbids what"
            told.hint = f"{hint} its method makes. {DECIDE}"
    return told


def _constrained(target: Connection, table: Table, constraint: str) -> set[str]:
    """Give the columns that a check is about; a domain's is about every column of that domain."""
    rows = target.execute(
        "select a.attname from pg_attribute a join pg_constraint k on k.contypid = a.atttypid or"
        " (k.conrelid = a.attrelid and a.attnum = any(k.conkey))"
        " where a.attrelid = %(table)s::regclass and k.conname = %(name)s",
        {"name": constraint, "table": table.sql},
    ).fetchall()
    return {str(name) for (name,) in rows}


def as_it_is(connection: Connection) -> str:
    """Give COPY's option for a database without encoding: no octet of it is checked or changed."""
    has_none = connection.info.parameter_status("server_encoding") == "SQL_ASCII"
    return " (encoding 'sql_ascii')" if has_none else ""


def _record(target: Connection, chunk: Chunk, copied: Copied) -> None:
    target.execute(
        f"insert into {LEDGER} values (%s, %s, %s, %s)",
        (chunk.table, chunk.number, copied.rows, copied.octets),
    )


def _copy_empty_rows(
    source: Connection, target: Connection, plan: TablePlan, chunk: Chunk
) -> Copied:
    """Copy rows of a table without columns of its own to copy: only their number counts."""
    conditions = [f"({c})" for c in (chunk.condition, plan.where) if c]
    where = f" where {' and '.join(conditions)}" if conditions else ""
    row = source.execute(f"select count(*) from only {plan.table.sql}{where}").fetchone()
    assert row is not None
    count = int(str(row[0]))
    with target.transaction():
        for _ in range(count):
            target.execute(f"insert into {plan.table.sql} default values")
        copied = Copied(count, 0)
        _record(target, chunk, copied)
    return copied


def _pipe(
    source: Connection, reading: str, target: Connection, writing: str,
    mask: Callable[[bytes], bytes] | None,
) -> Copied:  # fmt: skip
    """Pass rows from one COPY to the other, in bounded memory.

    libpq's own calls, not psycopg's generators: those cost more than the masking (measured: 2.4
    times the CPU for each row).
    """
    reader, writer = source.pgconn, target.pgconn
    _begin(reader, reading, pq.ExecStatus.COPY_OUT, PRODUCTION)
    try:
        _begin(writer, writing, pq.ExecStatus.COPY_IN, STAGING)
    except BaseException:
        _cancel(source)
        raise
    rows = octets = size = 0
    batch: list[bytes] = []
    try:
        while True:
            count, data = reader.get_copy_data(0)
            if count <= 0:
                break
            rows += 1
            octets += count
            if count > LARGE_OCTETS:
                _put(writer, b"".join(batch))
                _put(writer, data if mask is None else mask(bytes(data)))
                batch, size = [], 0
                continue
            row = bytes(data)
            batch.append(mask(row) if mask is not None else row)
            size += count
            if size >= BATCH_OCTETS:
                _put(writer, b"".join(batch))
                batch, size = [], 0
        _put(writer, b"".join(batch))
        _end(reader, PRODUCTION)
    except BaseException:
        with contextlib.suppress(psycopg.Error):
            _abandon(writer)
        _cancel(source)
        raise
    writer.put_copy_end()
    _end(writer, STAGING)
    return Copied(rows, octets)


def _put(writer: pq.abc.PGconn, octets: bytes | memoryview) -> None:
    """Send octets piece by piece: libpq makes room for all that it is given at once."""
    view = memoryview(octets)
    for start in range(0, len(view), LARGE_OCTETS):
        writer.put_copy_data(view[start : start + LARGE_OCTETS])


def read_rows(
    connection: Connection, command: str, key: str, side: str = PRODUCTION
) -> Iterator[bytes]:
    """Give the rows of a COPY out, each without its end of line.

    Errors: SourceUnavailable, DatabaseUnavailable, SyncFailed.
    """
    reader = connection.pgconn
    is_through = False
    try:
        _begin(reader, command, pq.ExecStatus.COPY_OUT, side)
        while True:
            count, data = reader.get_copy_data(0)
            if count <= 0:
                break
            yield bytes(data[: count - 1])
        _end(reader, side)
        is_through = True
    except _Refused as why:
        raise refused(why.error, side, key) from None
    except psycopg.Error:
        raise lost(side, key) from None
    finally:
        if not is_through:
            _cancel(connection)


def _begin(connection: pq.abc.PGconn, command: str, wanted: pq.ExecStatus, side: str) -> None:
    connection.nonblocking = 0
    result = connection.exec_(command.encode())
    if result.status != wanted:
        raise _Refused(error_from_result(result), side)


def _end(connection: pq.abc.PGconn, side: str) -> None:
    failed: psycopg.Error | None = None
    while (result := connection.get_result()) is not None:
        if result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
            failed = failed or error_from_result(result)
    if failed is not None:
        raise _Refused(failed, side)


def _abandon(connection: pq.abc.PGconn) -> None:
    if connection.status == pq.ConnStatus.OK:
        connection.put_copy_end(b"abandoned")
        while connection.get_result() is not None:
            pass


def _cancel(connection: Connection) -> None:
    """End a COPY OUT that nobody reads any more."""
    if connection.pgconn.status != pq.ConnStatus.OK:
        return
    with contextlib.suppress(psycopg.Error):  # it may have ended by itself
        connection.cancel_safe()
        while connection.pgconn.get_copy_data(0)[0] > 0:
            pass
    with contextlib.suppress(psycopg.Error):
        while connection.pgconn.get_result() is not None:
            pass
