"""Production's database: opened so that it can only be read, and held as it is at one moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
from psycopg import errors, sql

from greenroom.data.refusals import PRODUCTION, is_lost, lost, refused
from greenroom.data.schema import quote
from greenroom.errors import SourceUnavailable, SyncFailed

CONNECT_SECONDS = 10
LOCK_SECONDS = 5
"""How long we wait for a lock; a migration that holds one is never waited for longer."""
NAME = "greenroom-sync"
"""How our sessions are called in production's ``pg_stat_activity``."""
_SETTINGS = {
    "default_transaction_read_only": "on",
    "row_security": "off",  # a filtered read is an error then, not a silent zero rows
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "lock_timeout": f"{LOCK_SECONDS}s",
    "client_encoding": "UTF8",
    "extra_float_digits": "3",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
}
GONE = "Whoever held it was ended, or held it for too long. Staging stays as it was; sync again."
_SYSTEM = "('pg_catalog', 'information_schema', 'pg_toast')"

Connection = psycopg.Connection[tuple[object, ...]]


def open_source(url: str) -> Connection:
    """Open a session that cannot write, whatever its role may.

    Errors: SourceUnavailable.
    """
    try:
        connection = psycopg.connect(
            url, autocommit=True, connect_timeout=CONNECT_SECONDS, application_name=NAME
        )
        try:
            for name, value in _SETTINGS.items():
                connection.execute(sql.SQL("set {} = {}").format(sql.Identifier(name), value))
            if connection.info.server_version >= 170000:
                connection.execute("set transaction_timeout = 0")
        except BaseException:
            connection.close()
            raise
    except psycopg.OperationalError as error:
        raise SourceUnavailable(
            "production's database does not answer",
            hint="Is it up, and may this machine connect? `greenroom project set-database` names"
            " its address anew.",
        ) from error
    return connection


@contextmanager
def opened(url: str) -> Iterator[Connection]:
    """Open a session that cannot write for the block.

    Errors: SourceUnavailable, SyncFailed.
    """
    connection = open_source(url)
    try:
        yield connection
    except psycopg.Error as error:
        raise (lost(PRODUCTION) if is_lost(connection) else refused(error, PRODUCTION)) from None
    finally:
        connection.close()


@dataclass(frozen=True)
class Snapshot:
    """Production as it was at one moment; lives as long as the session that holds it."""

    id: str
    taken_at: datetime
    connection: Connection
    locked: tuple[str, ...]


@contextmanager
def hold_snapshot(url: str) -> Iterator[Snapshot]:
    """Hold production at one moment: its tables locked against change of shape, not of rows.

    The locks are taken first. A session that joins an exported snapshot after a TRUNCATE would
    otherwise read no rows, and no error would tell (measured on Postgres 15 and 18).

    Errors: SourceUnavailable, SyncFailed (a table that may not be read, a migration under way).
    """
    with opened(url) as connection:
        tables = _list_tables(connection)
        with connection.transaction():
            connection.execute("set transaction isolation level repeatable read, read only")
            _lock(connection, tables)
            row = connection.execute("select pg_export_snapshot()").fetchone()
            assert row is not None
            if _list_tables(connection) != tables:
                raise SyncFailed(
                    "production's tables changed while they were locked", hint="Sync again."
                )
            yield Snapshot(str(row[0]), datetime.now(UTC), connection, tuple(tables))


@contextmanager
def joined(url: str, snapshot: str) -> Iterator[Connection]:
    """Open a session that sees exactly what a held snapshot sees.

    Errors: SourceUnavailable, SyncFailed when the snapshot is gone.
    """
    with opened(url) as connection, connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        try:
            connection.execute(sql.SQL("set transaction snapshot {}").format(sql.Literal(snapshot)))
        except (errors.InvalidParameterValue, errors.UndefinedObject) as error:
            raise SyncFailed("the snapshot of production is gone", hint=GONE) from error
        yield connection


def _list_tables(connection: Connection) -> list[str]:
    """List what holds rows or parts that do, as SQL names: extensions' own tables do not count."""
    rows = connection.execute(
        "select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        f" where c.relkind in ('r', 'p') and n.nspname not in {_SYSTEM}"
        " and n.nspname !~ '^pg_(toast_)?temp_' and not exists (select from pg_depend d"
        " where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')"
        " order by 1, 2"
    ).fetchall()
    return [f"{quote(str(schema))}.{quote(str(name))}" for schema, name in rows]


def _lock(connection: Connection, tables: Sequence[str]) -> None:
    if not tables:
        return
    try:
        names = sql.SQL(", ").join(map(sql.SQL, tables))
        connection.execute(sql.SQL("lock table only {} in access share mode").format(names))
    except errors.LockNotAvailable as error:
        raise SyncFailed(
            "production is being migrated: a table is locked",
            hint="Sync again when the migration is through.",
        ) from error
    except errors.InsufficientPrivilege as error:
        raise SyncFailed(
            f"the role may not read all of production: {str(error).splitlines()[0]}",
            hint="Grant it SELECT on every table (the role pg_read_all_data has it).",
        ) from error


def read_warnings(connection: Connection) -> list[str]:
    """Say in words what the role could do that a reading role should not be able to."""
    row = connection.execute(
        "select rolsuper, rolcreaterole or rolcreatedb, exists (select from pg_class c"
        " join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p')"
        f" and n.nspname not in {_SYSTEM} and has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE'))"
        " from pg_roles where rolname = current_user"
    ).fetchone()
    assert row is not None
    is_super, makes, writes = row
    found = []
    if is_super:
        found.append("its role is a superuser; give the sync one that can only read")
    elif writes:
        found.append("its role could write; the session refuses to, but a reading role is safer")
    if makes and not is_super:
        found.append("its role could make roles or databases")
    return found
