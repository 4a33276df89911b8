"""A sample of staging's texts, read by Presidio: whether people stand where nobody masked them.

Strangers whom no column knows escape the search for originals; this looks for them, and says with
what certainty. Only kept columns count: what is found in masked ones are fakes.
"""

from __future__ import annotations

from typing import Any

from greenroom.data.policy import Policy
from greenroom.data.schema import Column, Schema, Table, quote
from greenroom.data.source import Connection
from greenroom.data.text import TextMasker

CELLS = 1500
"""Texts that are read."""
LETTERS = 1000
_TEXTS = frozenset({"bpchar", "citext", "hstore", "json", "jsonb", "text", "varchar", "xml",
                    "_text", "_varchar"})  # fmt: skip


def look_at_kept(
    target: Connection, schema: Schema, policy: Policy, masker: TextMasker, cells: int = CELLS
) -> dict[str, Any]:
    """Read some texts of every kept column; say how many hold what looks like somebody's.

    Source of the bound: the rule of three, for n texts without a finding 3/n at 95 %.
    """
    columns = [
        (table, column)
        for table in schema.tables
        for column in table.columns
        if _is_kept_text(policy, table, column)
    ]
    read, places = 0, dict[str, int]()
    for table, column in columns:
        share = max(20, cells // len(columns))
        texts = _texts(target, table, column, share)
        read += len(texts)
        found = sum(bool(masker.find(text, column.name)) for text in texts)
        if found:
            places[f"{table.key}.{column.name}"] = found
    return {"columns": len(columns), "texts": read, "places": places,
            "words": _words(len(columns), read, places)}  # fmt: skip


def _is_kept_text(policy: Policy, table: Table, column: Column) -> bool:
    decision = policy.decision(table, column)
    known = policy.tables.get(table.key) or policy.tables.get(table.policy_key)
    has_rows = known is not None and known.rows == "all"
    return has_rows and decision is not None and decision.method == "keep" and (
        column.base_type in _TEXTS
    )  # fmt: skip


def _texts(target: Connection, table: Table, column: Column, count: int) -> list[str]:
    """Give different values of a column, from all over it."""
    name = quote(column.name)
    where = f"from only {table.sql} where {name} is not null"
    rows = target.execute(
        f"select distinct left({name}::text, {LETTERS}) from (select {name} {where}"
        f" order by random() limit {count}) picked".encode()
    ).fetchall()
    return [str(text) for (text,) in rows]


def _words(columns: int, read: int, places: dict[str, int]) -> str:
    if not read:
        return "no column of texts is kept as it is"
    looked = f"{read:,} different texts of the {columns} kept columns of texts were read"
    if not places:
        return f"{looked}: nobody was found; at 95 %, fewer than {300 / read:.2g} % hold somebody"
    listed = ", ".join(f"{name} ({count})" for name, count in sorted(places.items())[:10])
    return f"{looked}: something that looks like somebody's stands in {listed}"
