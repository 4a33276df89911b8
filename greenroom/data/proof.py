"""The proof: every original of every masked column is looked for in what staging holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from greenroom.data import canaries
from greenroom.data.compiling import goes_plainly, is_loaded
from greenroom.data.copy import TablePlan, as_it_is
from greenroom.data.pieces import SEPARATOR, texts, texts_in_octets
from greenroom.data.pipe import read_blocks
from greenroom.data.refusals import STAGING
from greenroom.data.rows import values_of
from greenroom.data.schema import Column, Table, quote
from greenroom.data.source import Connection
from greenroom.data.tally import NUMBER_TYPES, WHOLE_TYPES, Findings
from greenroom.data.verify import Leak, Needles, Origin, Scanner
from greenroom.errors import LeakFound, SyncFailed

if TYPE_CHECKING:
    from greenroom.data.needles import MarkedNeedles
    from greenroom.data.sync import SyncPlan

BLOCK_OCTETS, OVERLAP_OCTETS = 1 << 20, 1 << 16
Say = Callable[[str], None]
_DEFINITIONS = """
select 'a view''s definition', pg_get_viewdef(c.oid) from pg_class c join pg_namespace n
  on n.oid = c.relnamespace where c.relkind in ('v', 'm') and {ours}
union all select 'a constraint', pg_get_constraintdef(k.oid) from pg_constraint k
  join pg_namespace n on n.oid = k.connamespace where {ours}
union all select 'a default', pg_get_expr(d.adbin, d.adrelid) from pg_attrdef d
union all select 'a function''s body', p.prosrc from pg_proc p join pg_namespace n
  on n.oid = p.pronamespace where {ours}
union all select 'an enum''s label', e.enumlabel from pg_enum e
union all select 'a policy', coalesce(pg_get_expr(p.polqual, p.polrelid), '')
  || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '') from pg_policy p
union all select 'an index', pg_get_indexdef(i.indexrelid) from pg_index i join pg_class c
  on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace where {ours}
union all select 'a comment', description from pg_description where objoid >= 16384
""".format(ours="n.nspname !~ '^pg_' and n.nspname <> 'information_schema'")


@dataclass
class Proof:
    """What was looked for, where, and what was found."""

    needles: int = 0
    """Patterns: each original in each encoding."""
    scanned_octets: int = 0
    leaks: list[Leak] = field(default_factory=list)
    originals: dict[str, int] = field(default_factory=dict)
    """Distinct values that production has, by masked ``table.column``."""
    coincidences: dict[str, int] = field(default_factory=dict)
    """Kept values that are somebody's number by chance, by ``table.column``."""
    weak: dict[str, int] = field(default_factory=dict)
    """Originals too short to prove anything, by ``table.column``."""
    canaries: int = 0
    """Made-up originals that were planted, one in each form, and found again."""


def prove(source: Connection, target: Connection, plan: SyncPlan, say: Say) -> Proof:
    """Look for every original of every masked column in all of staging.

    Errors: LeakFound, naming tables and columns, never a value; SyncFailed when a canary is missed.
    """
    proof, planted = Proof(), canaries.make()
    needles = _collect(source, plan, proof)
    canaries.add_to(needles, planted)
    scanner, longest = needles.build(), 6 * needles.longest  # an escape of JSON has six octets
    proof.canaries = _find_canaries(target, planted, scanner, longest)
    findings = Findings()
    for table in plan.tables:
        for column in table.table.columns:
            _look(target, table, column, scanner, findings, longest)
    for what, definition in target.execute(_DEFINITIONS.encode()).fetchall():
        findings.look(str(what), str(definition or "").encode(), scanner)
    proof.leaks, proof.scanned_octets = findings.leaks, findings.octets
    proof.coincidences = findings.coincidences
    if findings.leaks:
        raise LeakFound(_describe(findings.leaks), hint=_HINT)
    say(f"proof: {proof.needles:,} patterns, {proof.scanned_octets:,} bytes, no original found")
    return proof


def _find_canaries(
    target: Connection, planted: dict[str, str], scanner: Scanner, longest: int
) -> int:  # fmt: skip
    """Look for what was planted, the way that everything else is looked through."""
    findings = Findings()
    canaries.plant(target, planted)
    for column in canaries.TABLE.columns:
        _look(target, canaries.PLAN, column, scanner, findings, longest)
    target.execute(f"drop table {canaries.TABLE.sql}".encode())
    return canaries.check(planted, findings.leaks)


_HINT = "Decide those columns: `greenroom data decide`. Staging stays as it was."


def _look(
    target: Connection, plan: TablePlan, column: Column, scanner: Scanner, findings: Findings,
    longest: int,
) -> None:  # fmt: skip
    """Look into one column of staging, each kind as it can hold an original."""
    place = f"{plan.table.key}.{column.name}"
    kind = column.base_type
    is_kept = all(column.name != name for name, _ in plan.masked)
    if kind in WHOLE_TYPES:
        are_numbers = is_kept and kind in NUMBER_TYPES
        for lines in _lines(target, plan.table, column):
            findings.look_whole(place, lines, scanner, are_numbers=are_numbers)
        return
    for text in _texts(target, plan.table, column, longest):
        if is_kept or column.name in plan.random:
            findings.weigh(place, text, SEPARATOR, scanner)
        else:
            findings.look(place, text, scanner)


def _describe(leaks: list[Leak]) -> str:
    places = sorted({f"{leak.place} (from {leak.origin})" for leak in leaks})
    more = f" and {len(places) - 5} more" if len(places) > 5 else ""
    return f"originals were found after masking in {', '.join(places[:5])}{more}"


def _collect(source: Connection, plan: SyncPlan, proof: Proof) -> Needles | MarkedNeedles:
    needles = _needles()
    for table in plan.tables:
        for name, _ in table.masked:
            origin, count = Origin(table.table.key, name), 0
            is_proved = table.proved is None or name in table.proved
            for block in distinct_blocks(source, table.table, name):  # also of rows that stay away
                count += block.count(b"\n")
                if is_proved:
                    needles.add_block(origin, block)
            proof.originals[str(origin)] = count
    proof.needles = len(needles)
    proof.weak = {str(origin): count for origin, count in needles.weak.items()}
    return needles


def _needles() -> Needles | MarkedNeedles:
    if not is_loaded() or goes_plainly():
        return Needles()
    from greenroom.data.needles import MarkedNeedles

    return MarkedNeedles()


def check_counts(
    source: Connection, target: Connection, tables: Iterable[TablePlan]
) -> dict[str, int]:
    """Count the rows of every table on both sides, before any hook; give the counts.

    Errors: SyncFailed when they differ.
    """
    counts = {}
    for table in tables:
        where = f" where {table.where}" if table.where else ""
        wanted = _count(source, f"{table.table.sql}{where}")
        got = _count(target, table.table.sql)
        if wanted != got:
            raise SyncFailed(
                f"{table.table.key}: {got:,} rows arrived of {wanted:,}",
                hint="Sync again; if it happens again, please report it.",
            )
        counts[table.table.key] = got
    return counts


def _count(connection: Connection, what: str) -> int:
    row = connection.execute(f"select count(*) from only {what}".encode()).fetchone()
    assert row is not None
    return int(str(row[0]))


def count_distinct(target: Connection, plan: SyncPlan) -> dict[str, int]:
    """Count the distinct values of every masked column, by ``table.column``."""
    found = {}
    for table in plan.tables:
        for name, _ in table.masked:
            value, rows = _values_of(table.table, name)
            row = target.execute(f"select count(distinct {value}) from {rows}".encode()).fetchone()
            assert row is not None
            found[f"{table.table.key}.{name}"] = int(str(row[0]))
    return found


def _values_of(table: Table, column: str) -> tuple[str, str]:
    """Give an expression for a column's values as text, and what it is selected from."""
    value, rows = f"{quote(column)}::text", f"only {table.sql}"
    if table.column(column).base_type.startswith("_"):  # its elements, in whatever dimensions
        return "gr_e.gr_value::text", f"{rows}, unnest({quote(column)}) as gr_e (gr_value)"
    return value, rows


def distinct_values(
    source: Connection, table: Table, column: str, where: str = ""
) -> Iterator[str]:
    """Give each distinct value of a column, as text; of an array, of each of its elements."""
    for block in distinct_blocks(source, table, column, where):
        yield from values_of(block)


def distinct_blocks(
    source: Connection, table: Table, column: str, where: str = ""
) -> Iterator[bytes]:
    """Give the same many at a time, one a line of COPY."""
    value, rows = _values_of(table, column)
    condition = f"({value}) is not null" + (f" and ({where})" if where else "")
    command = f"copy (select distinct {value} from {rows} where {condition}) to stdout"
    return read_blocks(source, command + as_it_is(source), table.key)


def value_blocks(source: Connection, table: Table, column: str) -> Iterator[bytes]:
    """Give each value of a column as often as it comes, many at a time, one a line of COPY."""
    value, rows = _values_of(table, column)
    command = f"copy (select {value} from {rows} where ({value}) is not null) to stdout"
    return read_blocks(source, command + as_it_is(source), table.key)


def _lines(target: Connection, table: Table, column: Column) -> Iterator[bytes]:
    """Give a column's values, many at a time, one a line as COPY writes them."""
    value = f"{quote(column.name)}::text"
    command = f"copy (select {value} from only {table.sql} where ({value}) is not null) to stdout"
    return read_blocks(target, f"{command}{as_it_is(target)}", table.key, STAGING)


def _texts(
    target: Connection, table: Table, column: Column, longest: int, octets: int = BLOCK_OCTETS
) -> Iterator[bytes]:
    """Give a column's values, many at a time, with the separator between them: none holds it.

    ``longest`` is the number of octets of the longest original, in any encoding.
    """
    batch: list[bytes] = []
    size = 0
    has_encoding = not as_it_is(target)
    overlap = max(OVERLAP_OCTETS, longest)
    for block in _lines(target, table, column):
        is_plain = has_encoding and b"\\" not in block and len(block) <= 2 * octets
        found: Iterable[bytes]
        if is_plain and column.base_type != "bytea":
            found = (block[:-1].replace(b"\n", SEPARATOR),)
        else:
            found = _told(block, column, octets, overlap, has_encoding=has_encoding)
        for text in found:
            batch.append(text)
            size += len(text)
            if size > octets:
                yield SEPARATOR.join(batch)
                batch, size = [], 0
    if batch:
        yield SEPARATOR.join(batch)


def _told(
    block: bytes, column: Column, octets: int, overlap: int, *, has_encoding: bool
) -> Iterator[bytes]:
    """Give what each row of a block says, long ones in pieces."""
    for row in block[:-1].split(b"\n"):
        if column.base_type == "bytea":
            yield from texts_in_octets(row, octets, overlap)
        else:
            yield from texts(row, octets, overlap, has_encoding=has_encoding)
