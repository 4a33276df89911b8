"""What a database refuses, told without any value: on which side, why, and what to do about it.

Source of the codes: PostgreSQL documentation, appendix A, "PostgreSQL Error Codes".
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection
from typing import Any

import psycopg
from psycopg.pq import ConnStatus, TransactionStatus

from greenroom.errors import DatabaseUnavailable, GreenroomError, SourceUnavailable, SyncFailed

PRODUCTION, STAGING = "production", "staging"
AWAY = "Is it up, and the network to it? What was there before is still in use; sync again."
DECIDE = "`greenroom data decide` gives a column another method."
_HINTS = {
    "22001": f"What the method makes is longer than the column: {DECIDE}",
    "22P05": f"The method makes letters that the database's encoding lacks: {DECIDE}",
    "22": f"The method makes values that the column's type does not take: {DECIDE}",
    "23502": f"The method makes NULL where the column forbids it: {DECIDE}",
    "23514": f"The method makes values that production's check forbids: {DECIDE}",
    "23": f"The method makes values that production's constraint forbids: {DECIDE}",
    "40001": "A replica drops readers that stand in the way of what its primary sends: set"
    " hot_standby_feedback = on there, or raise max_standby_streaming_delay.",
    "42501": "Grant the reading role SELECT on it (the role pg_read_all_data has it), and exempt it"
    " from row security (BYPASSRLS).",
    "3F": "Its shape has changed since the sync was planned: sync again.",
    "42": "Its shape has changed since the sync was planned: sync again.",
    "53100": "Its disk is full: make room, or name another server (GREENROOM_DATABASE_URL).",
    "53200": "It is out of memory or of room for locks: raise max_locks_per_transaction there.",
    "53": "Raise that limit on the server.",
    "54": "A row or value is larger than Postgres itself can send: leave its table empty"
    " (`rows: none`), or the value out by `where`.",
    "55P03": "A migration holds or wants a table: sync again when it is through.",
    "57014": "Somebody, or a limit of the server's, cancelled it: sync again.",
    "58": "The server cannot use its own files: its log says why.",
    "P0": f"A function of production's refuses the row, perhaps for a fake in it: {DECIDE}",
    "XX": "The server cannot read its own data, or a value is too large for it: its log says why.",
}
_LOST = ("57P", "08")
_TELLS_VALUES = ("22", "42601")
"""Bad data, and statements that are none: what these quote may be a person's, or secret."""
_QUOTED = re.compile(r'".*"', re.DOTALL)
_COLUMN = re.compile(r", column (?P<rest>.+)", re.DOTALL)
_INDEX = re.compile(r"could not create (?:unique index|exclusion constraint) \"(?P<name>.+)\"")
_INDEXED = """
select n.nspname || '.' || c.relname, array(select distinct a.attname::text from pg_attribute a
  where a.attrelid = i.indrelid and a.attnum > 0 and (a.attnum = any(i.indkey) or exists (
  select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = i.indexrelid
  and d.refobjid = i.indrelid and d.refobjsubid = a.attnum)))
from pg_index i join pg_class x on x.oid = i.indexrelid join pg_class c on c.oid = i.indrelid
join pg_namespace n on n.oid = c.relnamespace where x.relname = %s"""
Connection = psycopg.Connection[Any]


def is_lost(connection: Connection) -> bool:
    """Whether a session has ended."""
    with contextlib.suppress(psycopg.Error):
        if connection.pgconn.status == ConnStatus.OK:
            connection.pgconn.consume_input()
    return connection.pgconn.status != ConnStatus.OK


def is_at_fault(connection: Connection) -> bool:
    """Whether it was this session, in a transaction, that an error came from."""
    in_error = connection.info.transaction_status == TransactionStatus.INERROR
    return in_error or is_lost(connection)


def lost(side: str, what: str = "") -> GreenroomError:
    """Say that a server broke off."""
    where = f"{what}: " if what else ""
    if side == PRODUCTION:
        return SourceUnavailable(f"{where}production's database broke off", hint=AWAY)
    return DatabaseUnavailable(f"{where}the environments' database server broke off", hint=AWAY)


def refused(
    error: psycopg.Error, side: str, what: str = "", columns: Collection[str] = ()
) -> GreenroomError:
    """Say what a server refused, without values; ``columns`` are those that may be named."""
    code = error.sqlstate or ""
    if code.startswith(_LOST):
        return lost(side, what)
    column = blamed(error, columns)
    where = ".".join(filter(None, (what, column)))
    text = " / ".join(filter(None, (message(error), error.diag.constraint_name)))
    told = f"{side} refused: {text}" + (f" ({code})" if code else "")
    return SyncFailed(f"{where}: {told}" if where else told, hint=hint(code))


def message(error: psycopg.Error) -> str:
    """Give a server's message, without values and statements that it may quote."""
    text, code = error.diag.message_primary or type(error).__name__, error.sqlstate or ""
    if code.startswith("P0"):
        return "a function raised an error"
    if code.startswith(_TELLS_VALUES):
        return _QUOTED.sub('"…"', text).split(":")[0]
    return text


def hint(code: str) -> str:
    """Say what to do about an error of a code."""
    found = _HINTS.get(code) or _HINTS.get(code[:2])
    return found or "Sync again; if it happens again, please report it."


def blamed(error: psycopg.Error, columns: Collection[str]) -> str:
    """Give the column that a row of COPY stopped at; empty when none of these."""
    if error.diag.column_name in columns:
        return str(error.diag.column_name)
    found = _COLUMN.search(error.diag.context or "")
    rest = found["rest"] if found else ""
    fits = (name for name in columns if rest == name or rest.startswith((f"{name}:", f"{name}\n")))
    return max(fits, key=len, default="")


def name_columns(error: SyncFailed, production: Connection) -> SyncFailed:
    """Add the table and columns of the unique index that an error names, if it names one."""
    found = _INDEX.search(error.message)
    row = production.execute(_INDEXED, (found["name"],)).fetchone() if found else None
    if row is None:
        return error
    table, columns = str(row[0]), ", ".join(map(str, row[1]))
    return SyncFailed(f"{error.message}, on {table} ({columns})", hint=error.hint)
