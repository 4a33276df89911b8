"""Reading a few values of each column of production, at a cost that does not grow with a table."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

from greenroom.data.schema import Column, Table, quote
from greenroom.data.source import Connection

ROWS = 200
"""Values of a column that are looked at."""
LETTERS, DOCUMENT_LETTERS = 2_000, 20_000
"""Characters of a value that are looked at."""
COLUMN_LETTERS, COLUMN_DOCUMENT_LETTERS = 40_000, 200_000
"""Characters of a column that are held while the schema is looked at."""
LARGEST_BYTES = 1_000_000
"""Stored values larger than that are not fetched."""
SMALL_PAGES, PAGES = 2_000, 100
"""Tables of at most so many pages are read through; of larger ones so many, here and there."""
TIMEOUT_SECONDS = 20
_UNREADABLE = frozenset({"bytea", "lo", "oid", "tsvector", "vector", "halfvec", "sparsevec"})
_DOCUMENTS = frozenset({"hstore", "json", "jsonb", "xml"})
Values = dict[tuple[str, str], list[str]]
"""By ``(policy key of the table, column)``: what was read, for as long as somebody looks at it."""


def read_labels(connection: Connection) -> frozenset[str]:
    """List the types whose values are one of a few labels, or ranges: enums, ranges."""
    rows = connection.execute("select typname from pg_type where typtype in ('e', 'r', 'm')")
    return frozenset(str(name) for (name,) in rows.fetchall())


def is_read(column: Column, plain: frozenset[str]) -> bool:
    """Whether a column's values can tell anything; ``plain`` lists the types that never do."""
    kind = column.base_type.removeprefix("_")
    return not column.is_generated and kind not in plain and kind not in _UNREADABLE


def read_values(
    connection: Connection, table: Table, columns: Sequence[Column], found: Values
) -> None:
    """Add values of a table's columns to ``found``; partitions add to those of their parent.

    Errors: psycopg.Error when the table cannot be read, or not in time.
    """
    key = table.policy_key
    missing = [c for c in columns if len(found.get((key, c.name), ())) < ROWS]
    if not missing:
        return
    with connection.transaction():
        connection.execute(f"set local statement_timeout = '{TIMEOUT_SECONDS}s'".encode())
        count = _read(connection, table, missing, _some(table), found)
        if count == 0:
            _read(connection, table, missing, _any(table), found)
        empty = [column for column in missing if not found.get((key, column.name))]
        if empty:
            filled = " or ".join(f"{quote(column.name)} is not null" for column in empty)
            _read(connection, table, empty, f"{_any(table)} where {filled}", found)


def _some(table: Table) -> str:
    """Say which rows to look at: a few of each page, the same ones every time."""
    pages = PAGES if table.pages > SMALL_PAGES else max(1, table.pages)
    rows = table.estimated_rows * pages / max(1, table.pages)
    every = max(1, int(rows / ROWS / 2))
    return f"{_any(table, pages)} where hashtext(ctid::text) % {every} = 0"


def _any(table: Table, pages: int = SMALL_PAGES) -> str:
    if table.pages <= SMALL_PAGES:
        return ""
    return f" tablesample system ({min(100.0, 100.0 * pages / table.pages):.6f}) repeatable (7)"


def _read(
    connection: Connection, table: Table, columns: Sequence[Column], which: str, found: Values
) -> int:
    listed = ", ".join(map(_start_of, columns))
    query = f"select {listed} from only {table.sql}{which} limit {ROWS}"
    rows = connection.execute(query.encode()).fetchall()
    for column, values in zip(columns, zip(*rows, strict=True), strict=bool(rows)):
        known = found.setdefault((table.policy_key, column.name), [])
        room = COLUMN_DOCUMENT_LETTERS if _is_document(column) else COLUMN_LETTERS
        room -= sum(map(len, known))
        for value in values:
            if value is None:
                continue
            if room <= 0:
                break
            known.append(str(value))
            room -= len(known[-1])
    return len(rows)


def _is_document(column: Column) -> bool:
    return column.base_type.removeprefix("_") in _DOCUMENTS


def _start_of(column: Column) -> str:
    name = quote(column.name)
    length = DOCUMENT_LETTERS if _is_document(column) else LETTERS
    return (
        f"case when pg_column_size({name}) < {LARGEST_BYTES} then left({name}::text, {length}) end"
    )


UNREADABLE_ERRORS = (psycopg.Error, UnicodeDecodeError)
"""A table that may not be read, is locked, takes too long, or holds another encoding."""
