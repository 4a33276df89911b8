"""Databases changing places under their names; whoever is connected is asked to connect anew."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from greenroom.data.source import Connection
from greenroom.errors import SyncFailed
from greenroom.names import IDENTIFIER_OCTETS, digest_tail

END_SECONDS = 10.0
_LOCK = 7_466_733
"""Advisory lock of everybody who renames databases."""


def beside(name: str, suffix: str) -> str:
    """Name a database that stands beside another: ``shop_next``; distinct however long it is."""
    if len(name.encode()) + len(suffix) < IDENTIFIER_OCTETS:
        return f"{name}_{suffix}"
    tail = f"_{digest_tail(name)}_{suffix}"
    return name.encode()[: IDENTIFIER_OCTETS - len(tail)].decode(errors="ignore") + tail


def exists(server: Connection, name: str) -> bool:
    """Whether a server has a database of that name."""
    found = server.execute("select from pg_database where datname = %s", (name,)).fetchone()
    return found is not None


def end_sessions(server: Connection, name: str) -> None:
    """End every session of a database, all at once, and wait until they are gone.

    Errors: SyncFailed.
    """
    deadline = time.monotonic() + END_SECONDS
    query = "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = %s"
    while True:
        row = server.execute(query, (name,)).fetchone()
        if row is None or not row[0]:
            return
        if time.monotonic() > deadline:
            raise SyncFailed(f"sessions of {name} do not end")
        time.sleep(0.005)


@contextmanager
def closed(server: Connection, *names: str) -> Iterator[None]:
    """Keep everybody out of databases for a moment."""
    for name in names:
        _allow(server, name, False)
    try:
        for name in names:
            end_sessions(server, name)
        yield
    finally:
        ensure_open(server, *names)


def _allow(server: Connection, name: str, allowed: bool) -> None:
    server.execute(
        sql.SQL("alter database {} allow_connections {}").format(
            sql.Identifier(name), sql.SQL("true" if allowed else "false")
        )
    )


def ensure_open(server: Connection, *names: str) -> None:
    """Let sessions into databases that a swap has left closed, killed halfway. Idempotent."""
    for name in names:
        if exists(server, name):
            _allow(server, name, True)


def carry_settings(server: Connection, before: str, after: str) -> None:
    """Give a database what was set for another: those settings do not travel with a name."""
    rows = server.execute(
        "select unnest(setconfig) from pg_db_role_setting s join pg_database d"
        " on d.oid = s.setdatabase where d.datname = %s and s.setrole = 0", (before,)
    ).fetchall()  # fmt: skip
    for (setting,) in rows:
        name, _, value = str(setting).partition("=")
        server.execute(
            sql.SQL("alter database {} set {} to {}").format(
                sql.Identifier(after), sql.Identifier(name), sql.Literal(value)
            )
        )


def swap(server: Connection, live: str, new: str, previous: str) -> None:
    """Put ``new`` in the place of ``live``, which is kept as ``previous``; both names at once.

    Killed anywhere, ``live`` is the old or the new one, whole. A former ``previous`` goes.
    Idempotent: without ``new`` there is nothing to do.

    Errors: SyncFailed.
    """
    server.execute("select pg_advisory_lock(%s)", (_LOCK,))
    try:
        if not exists(server, new):
            ensure_open(server, live, previous)  # one that was killed has left them closed
            return
        if not exists(server, live):
            _rename(server, (new, live))
            return
        drop(server, previous)
        carry_settings(server, live, new)
        with closed(server, live, new):
            _rename(server, (live, previous), (new, live))
        ensure_open(server, live, previous)
    finally:
        server.execute("select pg_advisory_unlock(%s)", (_LOCK,))


def swap_back(server: Connection, live: str, previous: str, aside: str) -> None:
    """Return to ``previous``, and keep what was live in its stead: both names at once.

    ``aside`` is a name that nobody has, for the moment between. Killed anywhere, both are there.

    Errors: SyncFailed when nothing was kept.
    """
    server.execute("select pg_advisory_lock(%s)", (_LOCK,))
    try:
        if not exists(server, previous):
            raise SyncFailed("no earlier database is kept", hint="Sync anew.")
        carry_settings(server, live, previous)
        with closed(server, live, previous):
            _rename(server, (live, aside), (previous, live), (aside, previous))
    finally:
        server.execute("select pg_advisory_unlock(%s)", (_LOCK,))


def _rename(server: Connection, *pairs: tuple[str, str]) -> None:
    try:
        with server.transaction():
            for before, after in pairs:
                server.execute(
                    sql.SQL("alter database {} rename to {}").format(
                        sql.Identifier(before), sql.Identifier(after)
                    )
                )
    except psycopg.Error as error:
        raise SyncFailed(f"the databases could not be swapped: {error.sqlstate}") from error


def drop(server: Connection, name: str) -> None:
    """Delete a database, ending its sessions. Idempotent."""
    if exists(server, name):
        server.execute(sql.SQL("alter database {} is_template false").format(sql.Identifier(name)))
    server.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
