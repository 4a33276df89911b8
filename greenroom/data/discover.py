"""Discovery: a proposal of what should become of every column, with its evidence, for review.

Names, types, comments and the shapes of sampled values vote. What remains open is never kept: a
text that nothing is known of is read for people, a document is masked text by text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import psycopg

from greenroom.data import evidence, hints
from greenroom.data.hints import Vote
from greenroom.data.plan import joined_groups
from greenroom.data.policy import Decision, Policy, TablePolicy, undecided
from greenroom.data.pseudonyms import Pseudonyms
from greenroom.data.schema import Column, Schema, Table, quote
from greenroom.data.source import Connection
from greenroom.errors import InvalidInput

ROWS = 200
"""Values of a column that are looked at."""
LETTERS = 2000
"""Characters of a value that are looked at."""
SMALL_PAGES = 2000
"""Tables of fewer pages are read from their beginning; larger ones at random places."""
TIMEOUT_SECONDS = 20
BY = "discovered"
Samples = Mapping[tuple[str, str], Sequence[str]]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Discovery:
    """A proposed policy, and what is new in it."""

    policy: Policy
    new_columns: tuple[tuple[str, str], ...] = ()
    """``(table, column)`` that nobody had decided about."""
    new_tables: tuple[str, ...] = ()
    """Tables whose rows are proposed to stay away."""
    vanished: tuple[str, ...] = ()
    """What the policy names and production does not have any more."""
    unread: tuple[str, ...] = field(default=())
    """Tables that could not be sampled: decided by names and types alone."""


def discover(
    connection: Connection, schema: Schema, known: Policy | None = None,
    say: Say = lambda _: None,
) -> Discovery:  # fmt: skip
    """Propose decisions for what ``known`` leaves open; what it decides is not touched.

    Reads at most ``ROWS`` rows of a table, in a session that cannot write; keeps no value.
    """
    before = known or Policy()
    open_tables = {table.key for table, _ in undecided(before, schema)}
    samples, unread = {}, []
    for table in schema.tables:
        if table.key not in open_tables:
            continue
        say(f"looking at {table.key}")
        try:
            samples.update(_sample(connection, table))
        except psycopg.Error:
            unread.append(table.key)
    found = propose(schema, samples, before)
    return replace(found, unread=tuple(unread))


def _sample(connection: Connection, table: Table) -> dict[tuple[str, str], list[str]]:
    columns = [c.name for c in table.columns if not c.is_generated and _is_sampled(c)]
    if not columns:
        return {}
    values: dict[tuple[str, str], list[str]] = {(table.key, name): [] for name in columns}
    where = ""
    if table.pages > SMALL_PAGES:
        percent = min(100.0, 100.0 * 40 / table.pages)
        where = f" tablesample system ({percent:.6f}) repeatable (7)"
    listed = ", ".join(f"left({quote(name)}::text, {LETTERS})" for name in columns)
    with connection.transaction():
        connection.execute(f"set local statement_timeout = '{TIMEOUT_SECONDS}s'".encode())
        rows = connection.execute(
            f"select {listed} from only {table.sql}{where} limit {ROWS}".encode()
        ).fetchall()
        for row in rows:
            for name, value in zip(columns, row, strict=True):
                if value is not None:
                    values[table.key, name].append(str(value))
        for name in [n for n in columns if rows and not values[table.key, n]]:
            found = connection.execute(
                f"select left({quote(name)}::text, {LETTERS}) from only {table.sql}"
                f" where {quote(name)} is not null limit 50".encode()
            ).fetchall()
            values[table.key, name] = [str(value) for (value,) in found]
    return values


def _is_sampled(column: Column) -> bool:
    kind = column.base_type.removeprefix("_")
    return kind in hints.TEXTS or kind in ("inet", "cidr", "hstore")


def propose(schema: Schema, samples: Samples, before: Policy) -> Discovery:
    """Decide about every open column. Pure."""
    referred = {key.target for table in schema.tables for key in table.foreign_keys}
    missing: dict[str, dict[str, Decision]] = {}
    emptied: list[str] = []
    for table, column in undecided(before, schema):
        known = before.tables.get(table.key) or before.tables.get(table.policy_key)
        if known is None and _is_emptied(table, referred):
            if table.policy_key not in emptied:
                emptied.append(table.policy_key)
            continue
        decided = missing.setdefault(table.policy_key, {})
        if column.name not in decided:
            decided[column.name] = _decide(table, column, samples.get((table.key, column.name), ()))
    _join(schema, before, missing)
    tables = dict(before.tables)
    for key, columns in missing.items():
        known = tables.get(key) or TablePolicy()
        tables[key] = replace(known, columns={**known.columns, **columns})
    for key in emptied:
        tables[key] = TablePolicy(rows="none")
    return Discovery(
        replace(before, tables=tables),
        tuple((key, name) for key, columns in missing.items() for name in columns),
        tuple(emptied),
        _vanished(before, schema),
    )


def _is_emptied(table: Table, referred: set[str]) -> bool:
    is_named_so = hints.EMPTIED_TABLE.match(hints.words_of(table.name)) is not None
    return is_named_so and table.key not in referred


def _vanished(before: Policy, schema: Schema) -> tuple[str, ...]:
    known: dict[str, set[str]] = {}
    for table in schema.tables:
        for key in (table.key, table.policy_key):
            known.setdefault(key, set()).update(column.name for column in table.columns)
    gone = [key for key in before.tables if key not in known]
    for key, decided in before.tables.items():
        if key in known:
            gone += [f"{key}.{name}" for name in decided.columns if name not in known[key]]
    return tuple(gone)


def _decide(table: Table, column: Column, values: Sequence[str]) -> Decision:
    votes = [vote for vote in (hints.by_name(table, column), _by_sample(column, values)) if vote]
    chosen = _choose(votes) or _by_type(table, column, values)
    chosen = _fitting(table, column, chosen)
    return Decision(chosen.method, {}, chosen.why, BY, round(min(chosen.confidence, 0.99), 2))


def _by_sample(column: Column, values: Sequence[str]) -> Vote | None:
    if column.base_type.startswith("_"):
        values = [part.strip('"') for value in values for part in value.strip("{}").split(",")]
    return evidence.by_values(values)


def _choose(votes: list[Vote]) -> Vote | None:
    """Let names and values decide together: agreement is surer than each alone."""
    if not votes:
        return None
    first = votes[0]
    if len(votes) == 1:
        return first
    other = votes[1]
    if first.method == other.method:
        sure = 1 - (1 - first.confidence) * (1 - other.confidence)
        return Vote(first.method, sure, f"{first.why}; {other.why}")
    if first.method == "text" or other.confidence > first.confidence:
        first, other = other, first
    if other.method == "text" and first.method == "full_name":
        first, other = other, first  # a text that begins like a name is a text
    return Vote(first.method, first.confidence * 0.9, f"{first.why}; but {other.why}")


def _by_type(table: Table, column: Column, values: Sequence[str]) -> Vote:
    kind = column.base_type.removeprefix("_")
    if kind in hints.DOCUMENTS:
        return Vote("json", 0.9, "a document: every text in it is read for people")
    if kind in ("inet", "cidr"):
        return Vote("ip", 0.95, "a network address by its type")
    if kind in ("macaddr", "macaddr8"):
        return Vote("mac", 0.95, "a hardware address by its type")
    if kind in ("bytea", "oid", "lo"):
        return Vote("binary", 0.8, "octets that nobody can read for people")
    if kind == "tsvector":
        return Vote("null", 0.8, "words of other columns' texts; build the index anew in a hook")
    if kind in ("point", "box", "circle", "lseg", "path", "polygon", "geometry", "geography"):
        return Vote("coordinates", 0.6, "a place")
    if kind in hints.NUMBERS:
        return _number(table, column)
    if kind in hints.MOMENTS or kind in hints.KEPT_TYPES or kind == "uuid":
        return Vote("keep", 0.9, f"a {column.type}: it names nobody")
    if kind not in hints.TEXTS and kind not in ("hstore", "xml", "record"):
        return Vote("keep", 0.85, "one of the labels of its type") if not values else Vote(
            "text", 0.5, "a type of its own: read for people"
        )  # fmt: skip
    return _text(table, column, values)


def _number(table: Table, column: Column) -> Vote:
    is_key = column.name in table.primary_key or column.is_identity
    why = "a key" if is_key else "a number that stands for nobody"
    return Vote("keep", 0.95 if is_key else 0.9, why)


def _text(table: Table, column: Column, values: Sequence[str]) -> Vote:
    if evidence.is_opaque(values) and not column.name.endswith("_id"):
        return Vote("token", 0.7, "long values of letters and digits, nearly all different")
    if evidence.are_moments(values):
        return Vote("keep", 0.8, "dates and times")
    is_named, is_counted = hints.is_code_name(column), hints.is_counted_name(column)
    if is_counted and evidence.are_counted(values):
        return Vote("keep", 0.8, "named like a number of orders or things, and codes without space")
    if things := evidence.of_things(values):
        return Vote("keep", 0.8 if is_named else 0.6, f"all values are {things}")
    if evidence.are_codes(values) and (is_named or column.is_unique or len(set(values)) <= 40):
        return Vote("keep", 0.85 if is_named else 0.7, "short codes without a space")
    if is_named and not values:
        return Vote("keep", 0.6, "named like a code; there are no values to look at")
    if not values:
        return Vote("text", 0.4, "nothing is known of it: read for people")
    return Vote("text", 0.6, "text: whoever is named in it becomes somebody else")


def _fitting(table: Table, column: Column, vote: Vote) -> Vote:
    """Give another method where a column cannot take the chosen one."""
    if vote.method == "null" and not column.is_nullable:
        return replace(vote, method="empty")
    if vote.method == "empty" and column.is_unique:
        return replace(vote, method="token")
    if vote.method in ("keep", "json", "text"):
        return vote
    try:
        Pseudonyms(b"0" * 32).for_column(vote.method, column, {})
    except InvalidInput:
        return Vote("text", vote.confidence / 2, vote.why)
    return vote


def _join(schema: Schema, before: Policy, missing: dict[str, dict[str, Decision]]) -> None:
    """Give columns that a foreign key joins the same decision: what is surest to be somebody's."""
    for group in joined_groups(schema):
        decided = []
        for table, column in group:
            known = before.decision(table, column)
            decided.append(known or missing.get(table.policy_key, {}).get(column.name))
        fixed = [before.decision(table, column) for table, column in group]
        kept = next((d for d in fixed if d is not None), None)
        masked = [d for d in decided if d is not None and d.method != "keep"]
        is_key = all(c.base_type in hints.NUMBERS or c.base_type == "uuid" for _, c in group)
        if kept is None and (is_key or not masked):
            kept = next((d for d in decided if d is not None and d.method == "keep"), None)
        chosen = kept or max(masked, key=lambda d: d.confidence or 0.0, default=None)
        if chosen is None:
            continue
        for table, column in group:
            mine = missing.get(table.policy_key, {})
            if column.name in mine and mine[column.name].method != chosen.method:
                why = f"joined by a foreign key: {chosen.why}"
                mine[column.name] = replace(chosen, why=why, by=BY)
