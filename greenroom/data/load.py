"""A fresh database that is filled beside the one in use: made, finished, never half published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from greenroom.data.refusals import message
from greenroom.data.schema import quote
from greenroom.data.source import Connection
from greenroom.errors import DatabaseUnavailable, SyncFailed

_FAST = {
    "synchronous_commit": "off",
    "session_replication_role": "replica",  # no trigger or key of the old shape acts on the way
    "maintenance_work_mem": "256MB",
    "client_encoding": "UTF8",
    "row_security": "off",
    "statement_timeout": "0",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
}
_LENT = "greenroom_sync.lent"
"""Functions that have a search path only while the database is made."""


@contextmanager
def open_target(url: str) -> Iterator[Connection]:
    """Open a session that loads.

    Errors: DatabaseUnavailable.
    """
    try:
        connection = psycopg.connect(
            url, autocommit=True, connect_timeout=10, application_name="greenroom-sync"
        )
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable("the server of the environments' databases is away") from error
    try:
        for name, value in _FAST.items():
            try:
                connection.execute(sql.SQL("set {} = {}").format(sql.Identifier(name), value))
            except psycopg.errors.InsufficientPrivilege:
                continue  # an administrator without superuser's rights loads a little slower
        yield connection
    finally:
        connection.close()


def on_database(server_url: str, name: str) -> str:
    """Give the address of another database on the same server."""
    return make_conninfo(server_url, dbname=name)


def create_like(server: Connection, source: Connection, name: str, owner: str | None) -> None:
    """Create an empty database with the source's encoding and sorting.

    Errors: SyncFailed when this server does not have them.
    """
    version = source.info.server_version
    provider = "datlocprovider" if version >= 150000 else "'c'"
    row = source.execute(
        f"select pg_encoding_to_char(encoding), datcollate, datctype, {provider}"
        " from pg_database where datname = current_database()"
    ).fetchone()
    assert row is not None
    encoding, collate, ctype, provided = (str(value) for value in row)
    parts = [
        sql.SQL("create database {} template template0 encoding {}").format(
            sql.Identifier(name), sql.Literal(encoding)
        )
    ]
    if provided == "c":
        parts.append(
            sql.SQL("lc_collate {} lc_ctype {}").format(sql.Literal(collate), sql.Literal(ctype))
        )
    if owner is not None:
        parts.append(sql.SQL("owner {}").format(sql.Identifier(owner)))
    try:
        server.execute(sql.SQL(" ").join(parts))
    except (psycopg.errors.WrongObjectType, psycopg.errors.InvalidParameterValue) as error:
        raise SyncFailed(
            f"production sorts by {collate}, which the server of the environments does not have",
            hint="Install that locale there, or name another server in GREENROOM_DATABASE_URL.",
        ) from error
    server.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(name)))


def set_sequences(source: Connection, target: Connection) -> int:
    """Let every sequence go on where production's stands; give how many."""
    rows = source.execute(
        "select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where c.relkind = 'S' and n.nspname not in ('pg_catalog', 'information_schema')"
        " and n.nspname !~ '^pg_' and not exists (select from pg_depend d"
        " where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')"
    ).fetchall()
    count = 0
    for schema, name in rows:
        qualified = f"{quote(str(schema))}.{quote(str(name))}"
        state = source.execute(f"select last_value, is_called from {qualified}").fetchone()
        assert state is not None
        known = target.execute("select to_regclass(%s)", (qualified,)).fetchone()
        if known is None or known[0] is None:
            continue  # its table is left out
        target.execute("select setval(%s::regclass, %s, %s)", (qualified, *state))
        count += 1
    return count


def refresh_views(source: Connection, target: Connection) -> list[str]:
    """Fill the materialized views that production has filled, those that others need first.

    Errors: SyncFailed.
    """
    pending = [
        f"{quote(str(schema))}.{quote(str(name))}"
        for schema, name in source.execute(
            "select n.nspname, c.relname from pg_class c join pg_namespace n"
            " on n.oid = c.relnamespace where c.relkind = 'm' and c.relispopulated order by c.oid"
        ).fetchall()
    ]
    done: list[str] = []
    pending = [name for name in pending if _is_there(target, name)]
    while pending:
        failed: list[str] = []
        error: psycopg.Error | None = None
        for name in pending:
            try:
                target.execute(f"refresh materialized view {name}".encode())
                done.append(name)
            except psycopg.errors.ObjectNotInPrerequisiteState as why:
                failed, error = [*failed, name], why  # another one is to be filled first
            except psycopg.Error as why:
                raise SyncFailed(f"{name} cannot be filled: {message(why)}") from None
        if len(failed) == len(pending):
            raise SyncFailed(f"{failed[0]} cannot be filled") from error
        pending = failed
    return done


def _is_there(target: Connection, name: str) -> bool:
    known = target.execute("select to_regclass(%s)", (name,)).fetchone()
    return known is not None and known[0] is not None


def lend_paths(source: Connection, target: Connection) -> None:
    """Let functions find what they name without a schema, until :func:`return_paths`. Idempotent.

    Programs that make indexes search no schema, and since version 17 neither does the server while
    it makes one, so that such a function of an index would stop the sync.
    """
    row = source.execute("select current_setting('search_path')").fetchone()
    with target.transaction():
        target.execute(f"create table if not exists {_LENT} (signature regprocedure primary key)")
        target.execute(
            f"insert into {_LENT} select p.oid from pg_proc p join pg_namespace n"
            " on n.oid = p.pronamespace"
            " join pg_language l on l.oid = p.prolang where p.prokind in ('f', 'w')"
            " and l.lanname not in ('c', 'internal') and n.nspname !~ '^pg_'"
            " and n.nspname <> 'information_schema' and not exists (select from pg_depend d"
            " where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')"
            " and not exists (select from unnest(p.proconfig) c where c ~ '^search_path=')"
        )
        names = _lent(target)
        target.execute("select set_config('search_path', %s, true)", row)
        for name in names:
            target.execute(f"alter function {name} set search_path from current".encode())


def return_paths(target: Connection) -> None:
    """Give functions back the form that production's have. Idempotent."""
    if not _is_there(target, _LENT):
        return
    with target.transaction():
        for name in _lent(target):
            target.execute(f"alter function {name} reset search_path".encode())
        target.execute(f"drop table {_LENT}")


def _lent(target: Connection) -> list[str]:
    """List them by their full names, which a transaction without a search path prints."""
    target.execute("set local search_path to ''")
    return [str(name) for (name,) in target.execute(f"select signature::text from {_LENT}")]


def give_to(target: Connection, role: str) -> None:
    """Make a role the owner of everything in the database, and of nothing else."""
    who = sql.Identifier(role)
    rows = target.execute(
        "select format('alter %s %I.%I owner to ', case c.relkind when 'v' then 'view'"
        " when 'm' then 'materialized view' when 'S' then 'sequence' else 'table' end,"
        " n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where c.relkind in ('r', 'p', 'v', 'm', 'S') and n.nspname !~ '^pg_'"
        " and n.nspname <> 'information_schema' and not exists (select from pg_depend d"
        " where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('e', 'i'))"
        " and not (c.relkind = 'S' and exists (select from pg_depend d where d.classid ="
        " 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('a', 'i')))"
        " union all select format('alter schema %I owner to ', nspname) from pg_namespace"
        " where nspname !~ '^pg_' and nspname <> 'information_schema'"
        " union all select format('alter %s %s owner to ', case p.prokind when 'p' then"
        " 'procedure' when 'a' then 'aggregate' else 'function' end, p.oid::regprocedure)"
        " from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname !~ '^pg_'"
        " and n.nspname <> 'information_schema' and not exists (select from pg_depend d"
        " where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')"
        " union all select format('alter %s %I.%I owner to ', case t.typtype when 'd' then"
        " 'domain' else 'type' end, n.nspname, t.typname) from pg_type t join pg_namespace n"
        " on n.oid = t.typnamespace left join pg_class c on c.oid = t.typrelid"
        " where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
        " and t.typtype in ('d', 'e', 'c', 'r') and (c.oid is null or c.relkind = 'c')"
        " and not exists (select from pg_depend d where d.classid = 'pg_type'::regclass"
        " and d.objid = t.oid and d.deptype = 'e')"
    ).fetchall()
    for (statement,) in rows:
        target.execute(sql.SQL(str(statement)) + who)


def run_hooks(target: Connection, truncated: Sequence[str], statements: Sequence[str]) -> None:
    """Empty tables of queues, sessions and tokens, then run the project's own SQL.

    Errors: SyncFailed, naming the statement's number, for its text may hold what is secret.
    """
    for name in truncated:
        target.execute(f"truncate {name} cascade")
    for number, statement in enumerate(statements, 1):
        try:
            target.execute(statement.encode())
        except psycopg.Error as error:
            raise SyncFailed(f"hook {number} failed: {message(error)}") from None


def analyze(target: Connection) -> None:
    """Let the planner know what came."""
    target.execute("analyze")
