"""Databases of their own for environments, copied from a project's anonymized one in seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql

from greenroom.data.databases import DatabaseServer
from greenroom.data.load import on_database
from greenroom.data.source import Connection
from greenroom.data.swap import beside, drop, end_sessions, ensure_open, exists, swap
from greenroom.errors import DatabaseUnavailable, SyncFailed

CLONE_SINCE, STRATEGY_SINCE = 180000, 150000
"""Server versions with ``file_copy_method``, and with a choice of strategy."""


@dataclass(frozen=True)
class Template:
    """A project's anonymized database: nobody connects to it, environments are copied from it."""

    database: str
    objects_owner: str
    """A role that owns what is in it, and nothing else; it cannot log in."""


def protect(server: Connection, template: Template) -> None:
    """Close a database to everybody, so that it can be copied at any time. Idempotent."""
    name = sql.Identifier(template.database)
    server.execute(sql.SQL("alter database {} is_template true").format(name))
    server.execute(sql.SQL("alter database {} allow_connections false").format(name))
    end_sessions(server, template.database)


def ensure_objects_owner(server: Connection, role: str) -> None:
    """Make the role that owns what is in a template. Idempotent."""
    known = server.execute("select from pg_roles where rolname = %s", (role,)).fetchone()
    if known is None:
        server.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
        server.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(role)))


def clone(server_url: str, template: Template, database: str, role: str) -> tuple[str, str]:
    """Give a role a fresh copy of a template under a database's name; what was there goes.

    Gives the address for the role, whose password is new, and how it was copied: ``clone`` (no
    disk used, where the file system can), ``file_copy`` or ``wal_log``. Killed anywhere, the old
    database or the new one is there.

    Errors: SyncFailed, DatabaseUnavailable.
    """
    with _server(server_url) as server:
        _check(server, template)
    url = DatabaseServer(server_url).ensure_database(database, role)
    _, how = make_fresh(server_url, template, database, role)
    take_place(server_url, database)
    return url, how


def make_fresh(server_url: str, template: Template, database: str, role: str) -> tuple[str, str]:
    """Copy a template beside a role's database, for the role; give its name, and how.

    Idempotent: what an earlier attempt left goes. Errors: SyncFailed, DatabaseUnavailable.
    """
    fresh = beside(database, "fresh")
    with _server(server_url) as server:
        _check(server, template)
        drop(server, fresh)
        how = _copy(server, template.database, fresh)
        _open(server, fresh)
        _give(on_database(server_url, fresh), template.objects_owner, role)
        name, owner = sql.Identifier(fresh), sql.Identifier(role)
        server.execute(sql.SQL("alter database {} owner to {}").format(name, owner))
    return fresh, how


def take_place(server_url: str, database: str) -> None:
    """Put the fresh copy in the place of a database, which goes. Idempotent.

    Errors: SyncFailed, DatabaseUnavailable.
    """
    with _server(server_url) as server:
        gone = beside(database, "gone")
        swap(server, database, beside(database, "fresh"), gone)
        drop(server, gone)


def discard_copies(server_url: str, database: str) -> None:
    """Drop a copy that did not take its place, and one that was replaced. Idempotent."""
    with _server(server_url) as server:
        for suffix in ("fresh", "gone"):
            drop(server, beside(database, suffix))
        ensure_open(server, database)


def reopen(server_url: str, database: str) -> None:
    """Let a role into its database again, whose replacement was killed halfway. Idempotent.

    Errors: DatabaseUnavailable.
    """
    with _server(server_url) as server:
        ensure_open(server, database)


@contextmanager
def _server(server_url: str) -> Iterator[Connection]:
    try:
        with psycopg.connect(on_database(server_url, "postgres"), autocommit=True) as server:
            yield server
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable("the server of the environments' databases is away") from error


def _check(server: Connection, template: Template) -> None:
    if not exists(server, template.database):
        raise SyncFailed("the project has no anonymized database yet", hint="Sync it first.")


def _copy(server: Connection, template: str, fresh: str) -> str:
    version = server.info.server_version
    plain = sql.SQL("create database {} template {}").format(
        sql.Identifier(fresh), sql.Identifier(template)
    )
    ways: list[tuple[str, Callable[[], object]]] = []
    if version >= CLONE_SINCE:
        ways.append(("clone", lambda: _by_reflink(server, plain)))
    if version >= STRATEGY_SINCE:
        ways.append(("wal_log", lambda: server.execute(plain + sql.SQL(" strategy wal_log"))))
    else:
        ways.append(("file_copy", lambda: server.execute(plain)))
    for name, way in ways:
        try:
            way()
        except psycopg.errors.ObjectInUse as error:
            raise SyncFailed("the anonymized database is in use", hint="Try again.") from error
        except psycopg.Error:
            if name == ways[-1][0]:
                raise
            drop(server, fresh)
            continue
        return name
    raise AssertionError("the last way returns or raises")


def _by_reflink(server: Connection, plain: sql.Composed) -> None:
    server.execute("set file_copy_method = clone")
    try:
        server.execute(plain + sql.SQL(" strategy file_copy"))
    finally:
        server.execute("reset file_copy_method")


def _open(server: Connection, fresh: str) -> None:
    name = sql.Identifier(fresh)
    server.execute(sql.SQL("alter database {} is_template false").format(name))
    server.execute(sql.SQL("alter database {} allow_connections true").format(name))
    server.execute(sql.SQL("revoke all on database {} from public").format(name))


def _give(url: str, before: str, role: str) -> None:
    with psycopg.connect(url, autocommit=True) as inside:
        inside.execute(
            sql.SQL("reassign owned by {} to {}").format(
                sql.Identifier(before), sql.Identifier(role)
            )
        )
