"""Quasi-identifiers: what was kept of people, and how few of them share it.

Source of the measure: L. Sweeney, "k-anonymity: a model for protecting privacy", 2002.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from greenroom.data.hints import TEXTS
from greenroom.data.identities import KINDS
from greenroom.data.policy import Policy
from greenroom.data.schema import Column, Schema, Table, quote
from greenroom.data.source import Connection

SMALL_GROUP = 5
"""People in a group: fewer, and somebody who knows them may tell who they are."""
_GROUPED_BY = {"birth_date": "floor({year} / 5)", "coordinates": "{0}::text", "year": "{year}"}
"""Methods that keep something of what was there, and what they keep."""
_YEAR = "date_part('year', {0})"
_YEAR_IN_TEXT = "case when {0} ~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}' then left({0}, 4)::int end"
"""Of a text that is no such date nothing was kept."""
_ABOUT_PEOPLE = re.compile(
    r"gender|sex|sexe|geschlecht|birth|dob|geburt|nationality|country|land|region|state|county|city"
    r"|ort|ville|zip|postcode|postal|plz|locale|language|job|title|profession|marital|religion"
    r"|ethnic|age(?![a-z])|height|weight|salary|income",
    re.IGNORECASE,
)
_NO_GROUPS = frozenset({"bytea", "float4", "float8", "json", "jsonb", "numeric", "timestamp",
                        "timestamptz", "uuid", "xml"})  # fmt: skip
"""Types whose values are as many as rows, or none that people are grouped by."""


@dataclass(frozen=True)
class Groups:
    """How many people of a table share the same kept values."""

    table: str
    columns: tuple[str, ...]
    rows: int
    k: int
    """People in the smallest group."""
    in_small_groups: int
    """People in groups of fewer than ``SMALL_GROUP``."""


def kept_columns(policy: Policy, schema: Schema) -> list[tuple[Table, dict[str, str]]]:
    """List the tables of people with the columns that still tell something of them. Pure.

    A table is of people when one of its columns is masked as an identity. With each column comes
    the SQL of what was kept: of a birth date, its five years.
    """
    found = []
    for table in schema.tables:
        decisions = {c.name: policy.decision(table, c) for c in table.columns}
        if not any(d is not None and d.method in KINDS for d in decisions.values()):
            continue
        columns = {}
        for column in table.columns:
            decision = decisions[column.name]
            if decision is None or column.is_unique or column.name in table.primary_key:
                continue
            is_kept = decision.method == "keep" and column.base_type not in _NO_GROUPS
            about = _ABOUT_PEOPLE.search(column.name) is not None
            if decision.method in _GROUPED_BY and not column.base_type.startswith("_"):
                columns[column.name] = _kept(decision.method, column)
            elif is_kept and about:
                columns[column.name] = f"{quote(column.name)}::text"
        if columns:
            found.append((table, columns))
    return found


def _kept(method: str, column: Column) -> str:
    """Give the SQL of what a method keeps of a column."""
    name = f"{quote(column.name)}::text" if column.base_type in TEXTS else quote(column.name)
    year = (_YEAR_IN_TEXT if column.base_type in TEXTS else _YEAR).format(name)
    return _GROUPED_BY[method].format(name, year=year)


def measure(target: Connection, table: Table, columns: Mapping[str, str]) -> Groups:
    """Count the groups that share what was kept in ``columns`` of a table."""
    row = target.execute(
        f"select coalesce(sum(n), 0), coalesce(min(n), 0),"
        f" coalesce(sum(n) filter (where n < {SMALL_GROUP}), 0)"
        f" from (select count(*) as n from only {table.sql}"
        f" group by {', '.join(columns.values())}) groups".encode()
    ).fetchone()
    assert row is not None
    rows, smallest, small = (int(str(value)) for value in row)
    return Groups(table.key, tuple(columns), rows, smallest, small)
