"""Copying one chunk of a table from production to staging, masked on its way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
from psycopg import pq

from greenroom.data.chunks import Chunk
from greenroom.data.rows import Kernel, field_masker, row_masker
from greenroom.data.schema import Table, quote
from greenroom.data.source import Connection
from greenroom.errors import GreenroomError, SourceUnavailable, SyncFailed

BATCH_OCTETS = 256 * 1024
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
    reading = f"copy (select {names} from only {table.sql}{where}) to stdout"
    writing = f"copy {table.sql} ({names}) from stdin"
    try:
        with target.transaction():
            copied = _pipe(source, reading, target, writing, plan.maskers(), table.key)
            _record(target, chunk, copied)
    except psycopg.OperationalError as error:
        raise _why(error, table.key) from error
    except psycopg.Error as error:
        raise _why(error, table.key) from error
    return copied


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
    mask: Callable[[bytes], bytes] | None, key: str,
) -> Copied:  # fmt: skip
    """Pass rows from one COPY to the other, in bounded memory.

    libpq's own calls, not psycopg's generators: those cost more than the masking (measured: 2.4
    times the CPU for each row).
    """
    reader, writer = source.pgconn, target.pgconn
    _begin(reader, reading, pq.ExecStatus.COPY_OUT, key)
    try:
        _begin(writer, writing, pq.ExecStatus.COPY_IN, key)
    except SyncFailed:
        _cancel(source)
        raise
    rows = octets = size = 0
    batch: list[bytes] = []
    try:
        while True:
            count, data = reader.get_copy_data(0)
            if count <= 0:
                break
            row = bytes(data)
            rows += 1
            octets += count
            batch.append(mask(row) if mask is not None else row)
            size += count
            if size >= BATCH_OCTETS:
                writer.put_copy_data(b"".join(batch))
                batch, size = [], 0
        if batch:
            writer.put_copy_data(b"".join(batch))
        _end(reader, key, side="production")
    except BaseException:
        _abandon(writer)
        _cancel(source)
        raise
    writer.put_copy_end()
    _end(writer, key, side="staging")
    return Copied(rows, octets)


def read_rows(connection: Connection, command: str, key: str) -> Iterator[bytes]:
    """Give the rows of a COPY out, each without its end of line.

    Errors: SourceUnavailable, SyncFailed.
    """
    reader = connection.pgconn
    _begin(reader, command, pq.ExecStatus.COPY_OUT, key)
    is_through = False
    try:
        while True:
            count, data = reader.get_copy_data(0)
            if count <= 0:
                break
            yield bytes(data)[:-1]
        _end(reader, key, side="production")
        is_through = True
    finally:
        if not is_through:
            _cancel(connection)


def _begin(connection: pq.abc.PGconn, command: str, wanted: pq.ExecStatus, key: str) -> None:
    connection.nonblocking = 0
    result = connection.exec_(command.encode())
    if result.status != wanted:
        raise SyncFailed(f"{key}: {_message(result)}")


def _end(connection: pq.abc.PGconn, key: str, side: str) -> None:
    failed = ""
    while (result := connection.get_result()) is not None:
        if result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
            failed = failed or _message(result)
    if failed and connection.status != pq.ConnStatus.OK and side == "production":
        raise SourceUnavailable(f"{key}: production's database broke off")
    if failed:
        raise SyncFailed(f"{key}: {side} refused: {failed}")


def _abandon(connection: pq.abc.PGconn) -> None:
    if connection.status == pq.ConnStatus.OK:
        connection.put_copy_end(b"abandoned")
        while connection.get_result() is not None:
            pass


def _cancel(connection: Connection) -> None:
    """End a COPY OUT that nobody reads any more."""
    if connection.pgconn.status != pq.ConnStatus.OK:
        return
    connection.cancel_safe()
    while connection.pgconn.get_copy_data(0)[0] > 0:
        pass
    while connection.pgconn.get_result() is not None:
        pass


def _message(result: pq.abc.PGresult) -> str:
    """Give a server's primary message and place; its detail may quote a value."""
    fields = (
        pq.DiagnosticField.MESSAGE_PRIMARY, pq.DiagnosticField.CONSTRAINT_NAME,
        pq.DiagnosticField.COLUMN_NAME,
    )  # fmt: skip
    parts = [(result.error_field(field) or b"").decode(errors="replace") for field in fields]
    code = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
    text = " / ".join(filter(None, parts))
    return f"{_hidden(text, code)} ({code})"


def _hidden(text: str, code: str) -> str:
    """Hide what a message about bad data quotes: it would be a person's."""
    return text.split(":")[0] if code.startswith("22") else text


def _why(error: psycopg.Error, key: str) -> SyncFailed:
    code = error.sqlstate or ""
    text = _hidden(error.diag.message_primary or type(error).__name__, code)
    return SyncFailed(f"{key}: {text} ({code})")
