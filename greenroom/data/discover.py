"""Discovery: a proposal of what should become of every column, with its evidence, for review.

Names, types, comments, constraints, the shapes of sampled values and what Presidio finds in them
vote. What remains open is never kept: a text that nothing is known of is read for people, a
document is masked text by text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from greenroom.data import evidence, hints
from greenroom.data.documents import by_documents
from greenroom.data.hints import Vote
from greenroom.data.plan import joined_groups
from greenroom.data.policy import Decision, Policy, TablePolicy, undecided
from greenroom.data.pseudonyms import Pseudonyms
from greenroom.data.review import list_vanished
from greenroom.data.sampling import UNREADABLE_ERRORS, Values, is_read, read_labels, read_values
from greenroom.data.schema import Column, Schema, Table
from greenroom.data.source import Connection
from greenroom.errors import InvalidInput, SourceUnavailable

BY = "discovered"
NOTHING_TO_READ = hints.NUMBERS | hints.MOMENTS | hints.KEPT_TYPES | {"uuid"}
NOTEWORTHY, SURE = 0.02, 0.2
"""Share of values with a finding that forbids keeping them; the same, against a name that says
that they are codes."""
STAYS_UNIQUE = {"birth_date": "date", "number": "digits", "postcode": "digits", "year": "date"}
"""What a unique column gets instead of a method that gives two values the same fake."""
MAY_COLLIDE = frozenset(
    {"birth_date", "city", "company", "first_name", "full_name", "last_name", "postcode", "street"}
)
Scan = Callable[[Sequence[str], str], Mapping[str, float]]
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

    Reads some 200 rows of a table, in a session that cannot write; keeps no value.

    Errors: SourceUnavailable.
    """
    from greenroom.data.findings import scan  # Presidio: seconds to import

    before = known or Policy()
    labels = read_labels(connection)
    missing: dict[str, list[Column]] = {}
    for table, column in undecided(before, schema):
        missing.setdefault(table.key, []).append(column)
    samples: Values = {}
    unread = []
    for table in schema.tables:
        columns = [c for c in missing.get(table.key, ()) if is_read(c, NOTHING_TO_READ | labels)]
        if not columns:
            continue
        say(f"looking at {table.key}")
        try:
            read_values(connection, table, columns, samples)
        except UNREADABLE_ERRORS as error:
            if connection.closed:
                raise SourceUnavailable(
                    "production's database went away while it was looked at", hint="Try again."
                ) from error
            unread.append(table.key)
    found = propose(schema, samples, before, labels=labels, scan=scan)
    return replace(found, unread=tuple(unread))


def propose(
    schema: Schema, samples: Samples, before: Policy, *, labels: frozenset[str] = frozenset(),
    scan: Scan | None = None,
) -> Discovery:  # fmt: skip
    """Decide about every open column. Pure.

    ``samples`` are by the table's ``policy_key``; ``labels`` are types with a few labels; ``scan``
    says what is found in values.
    """
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
            values = samples.get((table.policy_key, column.name), ())
            decided[column.name] = _decide(table, column, values, labels, scan)
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
        list_vanished(before, schema),
    )


def _is_emptied(table: Table, referred: set[str]) -> bool:
    is_named_so = hints.EMPTIED_TABLE.match(hints.words_of(table.name)) is not None
    return is_named_so and table.key not in referred


def _decide(
    table: Table, column: Column, values: Sequence[str], labels: frozenset[str], scan: Scan | None
) -> Decision:
    kind = column.base_type.removeprefix("_")
    if kind in hints.DOCUMENTS and kind == column.base_type:
        chosen: Vote = by_documents(values)
    elif kind in labels:
        chosen = Vote("keep", 0.85, "one of the labels of its type")
    else:
        checked = hints.by_checks(table, column) if kind in hints.TEXTS else None
        names = checked or hints.by_name(table, column)
        votes = [vote for vote in (names, _by_sample(column, values)) if vote]
        chosen = _choose(votes) or hints.by_comment(column) or _by_type(table, column, values)
        if scan is not None and chosen.method in ("keep", "text") and values:
            chosen = _with_findings(column, chosen, scan(values, column.name))
    chosen = _fitting(table, column, values, chosen)
    return Decision(chosen.method, {}, chosen.why, BY, round(min(chosen.confidence, 0.99), 2))


def _with_findings(column: Column, vote: Vote, found: Mapping[str, float]) -> Vote:
    """Let what was found in a column's values confirm or overrule a vote."""
    is_code = hints.is_code_name(column) or hints.is_counted_name(column)
    least = SURE if is_code and vote.method == "keep" else NOTEWORTHY
    if max(found.values(), default=0.0) < least:
        return vote
    what = ", ".join(f"{kind} in {share:.0%}" for kind, share in list(found.items())[:3])
    if vote.method == "keep":
        return Vote("text", 0.5, f"{vote.why}; but there are {what} of the values")
    return Vote("text", max(vote.confidence, 0.8), f"{vote.why}; there are {what} of them")


def _by_sample(column: Column, values: Sequence[str]) -> Vote | None:
    if column.base_type.removeprefix("_") in NOTHING_TO_READ:
        return None
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
        return Vote("text", 0.6, "documents in an array: read for people as texts")
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
    if kind in ("vector", "halfvec", "sparsevec"):
        return Vote("null", 0.5, "numbers made of a text or picture: they can tell what it was")
    if kind not in hints.TEXTS:
        return Vote("text", 0.5, f"a {column.type}: read for people")
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


def _fitting(table: Table, column: Column, values: Sequence[str], vote: Vote) -> Vote:
    """Give another method where a column cannot take the chosen one."""
    if vote.method in ("keep", "json", "text"):
        return vote
    if not hints.takes(column, vote.method):
        other = _by_type(table, column, values)
        why = f"{other.why}; some values look like {vote.method}"
        return _fitting(table, column, values, replace(other, why=why))
    if vote.method == "null" and not column.is_nullable:
        vote = replace(vote, method="token" if column.is_unique else "empty")
    if column.is_unique:
        all_digits = bool(values) and all(value.isdigit() for value in values)
        instead = "digits" if vote.method == "token" and all_digits else ""
        vote = replace(vote, method=instead or STAYS_UNIQUE.get(vote.method, vote.method))
    try:
        kernel = Pseudonyms(bytes(32)).for_column(vote.method, column, {})
        if column.is_unique and column.max_length:
            kernel("x" * column.max_length)
    except InvalidInput:
        if column.is_unique and column.is_nullable:
            return Vote("null", vote.confidence / 2, f"{vote.why}; too short for unique fakes")
        return Vote("text", vote.confidence / 2, f"{vote.why}; but it does not fit the column")
    shared = [key for key in table.uniques if len(key) > 1 and column.name in key]
    if shared and vote.method in MAY_COLLIDE:
        why = f"{vote.why}; in a unique key with others, where its fakes may collide"
        return Vote(vote.method, min(vote.confidence, 0.6), why)
    return vote


def _join(schema: Schema, before: Policy, missing: dict[str, dict[str, Decision]]) -> None:
    """Give columns that a foreign key joins the same decision.

    What people decided comes first; keys are kept; then what is somebody's, by the column whose
    values must stay unique, then by what is surest.
    """
    for group in joined_groups(schema):
        fixed = [before.decision(table, column) for table, column in group]
        open_ones = [
            (column, decision)
            for table, column in group
            if (decision := missing.get(table.policy_key, {}).get(column.name)) is not None
        ]
        masked = [(c, d) for c, d in open_ones if d.method not in ("keep", "text")]
        kept = [(c, d) for c, d in open_ones if d.method == "keep"]
        is_key = all(c.base_type in hints.NUMBERS or c.base_type == "uuid" for _, c in group)
        choices = (kept or masked) if is_key else (masked or kept)
        chosen = next((d for d in fixed if d is not None), None)
        if chosen is None and choices:
            chosen = max(choices, key=lambda one: (one[0].is_unique, one[1].confidence or 0.0))[1]
            if chosen.method in ("binary", "empty", "null"):  # nothing would join any more
                chosen = replace(chosen, method="token", confidence=0.4)
        if chosen is None:
            continue
        for table, column in group:
            mine = missing.get(table.policy_key, {})
            known = mine.get(column.name)
            if known is not None and (known.method, known.options) != (
                chosen.method, chosen.options,
            ):  # fmt: skip
                why = f"joined by a foreign key: {chosen.why or 'decided there'}"
                mine[column.name] = Decision(
                    chosen.method, chosen.options, why, BY, chosen.confidence or known.confidence
                )
