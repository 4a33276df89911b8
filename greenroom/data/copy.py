"""Copying one chunk of a table from production to staging, masked on its way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from greenroom.data.chunks import Chunk
from greenroom.data.compiled import Kernels
from greenroom.data.ops import Op, travels_binary
from greenroom.data.pipe import Copied, Pace, Refused, pipe
from greenroom.data.refusals import DECIDE, PRODUCTION, STAGING, is_lost, lost, refused
from greenroom.data.rows import Kernel, field_masker
from greenroom.data.schema import Table, quote
from greenroom.data.source import Connection
from greenroom.errors import GreenroomError, SyncFailed

UNLIMITED = Pace(0)
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
    ops: tuple[Op | None, ...] = ()
    """How kernels do what ``masked`` says, column by column; None where they do not."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns in the order they travel: masked ones first, generated ones not at all."""
        first = [name for name, _ in self.masked]
        rest = [c.name for c in self.table.columns if not c.is_generated and c.name not in first]
        return (*first, *rest)

    @property
    def op_by_column(self) -> dict[str, Op | None]:
        """Give ``ops`` by name."""
        ops = self.ops or (None,) * len(self.masked)
        return {name: op for (name, _), op in zip(self.masked, ops, strict=True)}

    def named_kernels(self) -> list[Kernel]:
        """Give the functions of ``masked``, which say where a value cannot be masked."""
        return [_named(kernel, self.table.key, name) for name, kernel in self.masked]

    def field_maskers(self) -> list[Callable[[bytes], bytes]]:
        """Give the plain functions of fields in the text format."""
        return [
            field_masker(kernel, 0) if self.table.column(name).is_unique else field_masker(kernel)
            for (name, _), kernel in zip(self.masked, self.named_kernels(), strict=True)
        ]


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


def copy_chunk(
    source: Connection, target: Connection, plan: TablePlan, chunk: Chunk, kernels: Kernels,
    pace: Pace = UNLIMITED,
) -> Copied:  # fmt: skip
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
    as_is = as_it_is(source), as_it_is(target)
    is_binary = not any(as_is) and travels_binary(table, plan.op_by_column)
    form = " (format binary)" if is_binary else ""
    reading = f"copy ({selected}) to stdout{form or as_is[0]}"
    writing = f"copy {table.sql} ({names}) from stdin{form or as_is[1]}"
    masker = kernels.masker(plan, is_binary=is_binary) if plan.masked else None
    try:
        with target.transaction():
            copied = pipe(source, reading, target, writing, masker, is_binary=is_binary, pace=pace)
            _record(target, chunk, copied)
    except Refused as why:
        if is_lost(source):
            raise lost(PRODUCTION, table.key) from None
        if is_lost(target):
            raise lost(STAGING, table.key) from None
        raise _told(why.error, why.side, target, plan) from None
    except psycopg.Error as error:
        if is_lost(source):
            raise lost(PRODUCTION, table.key) from None
        if is_lost(target):
            raise lost(STAGING, table.key) from None
        raise _told(error, STAGING, target, plan) from None
    return copied


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
