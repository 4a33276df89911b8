"""Fewer rows that still fit together: a filter or share of some tables, carried along keys. Pure.

A row comes along when every row that it refers to does. Where that would go in a circle, or leads
to a table that stays empty, the reference becomes NULL instead, if it may.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from greenroom.data.policy import Policy, TablePolicy
from greenroom.data.schema import ForeignKey, Schema, Table, quote
from greenroom.errors import InvalidPolicy

LONGEST = 100_000
"""Characters of a condition: each table that two others refer to doubles it."""
SEED = 7
"""Of the hash that chooses a share of the rows: the same ones in every sync."""


@dataclass(frozen=True)
class Detached:
    """References that are set to NULL where the row that they name did not come along."""

    table: Table
    columns: tuple[str, ...]
    target: str
    """The other table, for SQL."""
    target_columns: tuple[str, ...]

    @property
    def statement(self) -> str:
        """The SQL that does it, in staging, before the keys are made."""
        nulls = ", ".join(f"{quote(name)} = null" for name in self.columns)
        filled = " and ".join(f"t.{quote(name)} is not null" for name in self.columns)
        pairs = zip(self.columns, self.target_columns, strict=True)
        same = " and ".join(f"p.{quote(b)} = t.{quote(a)}" for a, b in pairs)
        return (
            f"update only {self.table.sql} t set {nulls} where {filled}"
            f" and not exists (select from {self.target} p where {same})"
        )


@dataclass(frozen=True)
class Subset:
    """Which rows of which tables come along."""

    conditions: Mapping[str, str]
    """SQL by the table's ``key``; a table that is not here comes along whole."""
    detached: tuple[Detached, ...] = ()


def plan_subset(policy: Policy, schema: Schema) -> Subset:
    """Carry the filters and shares of a policy along the foreign keys.

    Errors: InvalidPolicy when a reference that must not be NULL would lead nowhere.
    """
    return _Planner(policy, schema).plan()


class _Planner:
    def __init__(self, policy: Policy, schema: Schema) -> None:
        self._policy, self._schema = policy, schema
        self._groups: dict[str, list[Table]] = {}
        for table in schema.tables:
            self._groups.setdefault(table.policy_key, []).append(table)
        self._conditions: dict[str, str] = {}
        self._open: list[str] = []
        self._detached: list[Detached] = []

    def plan(self) -> Subset:
        for key in self._groups:
            self._condition(key)
        conditions = {
            table.key: self._conditions[key]
            for key, tables in self._groups.items()
            for table in tables
            if self._conditions[key] and self._rows(key) == "all"
        }
        return Subset(conditions, tuple(self._detached))

    def _decided(self, key: str) -> TablePolicy:
        table = self._groups[key][0]
        return self._policy.tables.get(key) or self._policy.tables.get(table.key) or TablePolicy()

    def _rows(self, key: str) -> str:
        return self._decided(key).rows

    def _condition(self, key: str) -> str:
        """Give which rows of a table come along; empty for all of them."""
        if key in self._conditions:
            return self._conditions[key]
        self._open.append(key)
        parts = self._own(key)
        if self._rows(key) == "all":
            for foreign_key in _distinct_keys(self._groups[key]):
                parts += self._through(key, foreign_key)
        self._open.pop()
        joined = "".join(parts) if len(parts) < 2 else " and ".join(f"({part})" for part in parts)
        if len(joined) > LONGEST:
            raise InvalidPolicy(
                f"the rows of {key} depend on too many others to be chosen",
                hint="Filter fewer tables, or tables that fewer others refer to.",
            )
        self._conditions[key] = joined
        return self._conditions[key]

    def _own(self, key: str) -> list[str]:
        decided = self._decided(key)
        parts = [decided.where] if decided.where else []
        if decided.sample is not None:
            table = self._groups[key][0]
            names = table.primary_key or tuple(c.name for c in table.columns if not c.is_generated)
            row = " || ',' || ".join(f"coalesce({quote(name)}::text, '')" for name in names)
            share = round(decided.sample * 100)
            parts.append(f"abs(hashtextextended({row}, {SEED}) % 10000) < {share}")
        return parts

    def _through(self, key: str, foreign_key: ForeignKey) -> list[str]:
        """Give what a reference demands of a row."""
        table = self._schema.by_key.get(foreign_key.target)
        target = table.policy_key if table else foreign_key.target
        if target not in self._groups:
            return []
        if self._rows(target) != "all" or target in self._open:
            is_whole = target in self._open and not self._is_narrowed(target)
            if not is_whole:
                self._detach(key, foreign_key, target)
            return []
        condition = self._condition(target)
        if not condition:
            return []
        here = ", ".join(map(quote, foreign_key.columns))
        there = ", ".join(map(quote, foreign_key.target_columns))
        nobody = " or ".join(f"{quote(name)} is null" for name in foreign_key.columns)
        chosen = f"select {there} from {self._sql(target)} where {condition}"
        return [f"{nobody} or ({here}) in ({chosen})"]

    def _is_narrowed(self, key: str, seen: frozenset[str] = frozenset()) -> bool:
        """Whether a table, or one that it refers to, however far, does not come along whole."""
        decided = self._decided(key)
        if decided.where or decided.sample is not None:
            return True
        for foreign_key in _distinct_keys(self._groups[key]):
            table = self._schema.by_key.get(foreign_key.target)
            target = table.policy_key if table else foreign_key.target
            if target in self._groups and target not in {*seen, key}:
                if self._rows(target) != "all":
                    continue  # its references become NULL, its rows stay
                if self._is_narrowed(target, seen | {key}):
                    return True
        return False

    def _detach(self, key: str, foreign_key: ForeignKey, target: str) -> None:
        for table in self._groups[key]:
            for name in foreign_key.columns:
                if not table.column(name).is_nullable:
                    raise InvalidPolicy(
                        f"{key}.{name} must refer to a row of {target}, which does not come along",
                        hint=f"Let {target}'s rows come along, or leave {key} empty, too.",
                    )
            made = Detached(table, foreign_key.columns, self._sql(target, only=False),
                            foreign_key.target_columns)  # fmt: skip
            if made not in self._detached:
                self._detached.append(made)

    def _sql(self, key: str, *, only: bool = True) -> str:
        """Give a table's name for SQL, a partitioned one with its partitions."""
        first = self._groups[key][0]
        if first.parent:
            return key  # as policies name it: quoted where it must be
        return f"only {first.sql}" if only else first.sql


def _distinct_keys(tables: list[Table]) -> list[ForeignKey]:
    """Give the foreign keys of a table, or of a partitioned one, each once."""
    found = {(k.columns, k.target, k.target_columns): k for t in tables for k in t.foreign_keys}
    return list(found.values())
