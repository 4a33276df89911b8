"""An environment's own database: a role that owns it and reaches no other."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from greenroom.errors import DatabaseUnavailable, PlatformError

CONNECTION_LIMIT = 40
"""Connections one environment may hold: one that leaks must not starve the others."""
STATEMENT_TIMEOUT = "120s"


@dataclass(frozen=True)
class DatabaseServer:
    """The server that environments' databases live on, as its administrator reaches it."""

    url: str

    @contextlib.contextmanager
    def _connect(self) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
        try:
            with psycopg.connect(self.url, autocommit=True, connect_timeout=5) as connection:
                yield connection
        except psycopg.OperationalError as error:
            raise DatabaseUnavailable(
                "the server of the environments' databases does not answer"
            ) from error
        except psycopg.Error as error:
            raise PlatformError(f"the databases' server refused: {str(error)[:300]}") from error

    def address(self, database: str, role: str, password: str) -> str:
        """Give the URL that a project's process uses."""
        known = conninfo_to_dict(self.url)
        host, port = str(known.get("host") or "localhost"), known.get("port") or 5432
        who = f"{quote(role, safe='')}:{quote(password, safe='')}"
        if host.startswith("/"):
            return f"postgresql://{who}@/{quote(database)}?host={quote(host, safe='')}&port={port}"
        where = f"[{host}]" if ":" in host else host
        mode = f"?sslmode={known['sslmode']}" if known.get("sslmode") else ""
        return f"postgresql://{who}@{where}:{port}/{quote(database)}{mode}"

    def readdress(self, url: str) -> str:
        """Give a known database's URL by where the server is now: its port may have changed."""
        parts = urlsplit(url)
        role, password = unquote(parts.username or ""), unquote(parts.password or "")
        return self.address(unquote(parts.path.lstrip("/")), role, password)

    def ensure_database(self, database: str, role: str) -> str:
        """Create role and database if missing, give the role a new password, and give the URL.

        Idempotent, but for the password: each call gives a new one.
        """
        password = secrets.token_urlsafe(24)
        name, owner = sql.Identifier(database), sql.Identifier(role)
        with self._connect() as connection:
            known = connection.execute(
                "select 1 from pg_roles where rolname = %s", (role,)
            ).fetchone()
            verb = sql.SQL("alter role" if known else "create role")
            connection.execute(
                sql.SQL(
                    "{} {} login nosuperuser nocreatedb nocreaterole noreplication nobypassrls"
                    " connection limit {} password {}"
                ).format(verb, owner, sql.Literal(CONNECTION_LIMIT), sql.Literal(password))
            )
            connection.execute(
                sql.SQL("alter role {} set statement_timeout = {}").format(
                    owner, sql.Literal(STATEMENT_TIMEOUT)
                )
            )
            known = connection.execute(
                "select 1 from pg_database where datname = %s", (database,)
            ).fetchone()
            if not known:
                connection.execute(sql.SQL("grant {} to current_user").format(owner))
                connection.execute(sql.SQL("create database {} owner {}").format(name, owner))
            connection.execute(sql.SQL("revoke all on database {} from public").format(name))
        return self.address(database, role, password)

    def drop_database(self, database: str, role: str) -> None:
        """Drop database and role, ending their connections. Idempotent."""
        with self._connect() as connection:
            connection.execute(
                sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(database))
            )
            connection.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(role)))

    def list_databases(self, prefix: str = "gr_") -> list[str]:
        """List the environments' databases that exist."""
        with self._connect() as connection:
            rows = connection.execute(
                "select datname from pg_database where starts_with(datname, %s) order by 1",
                (prefix,),
            ).fetchall()
        return [str(row[0]) for row in rows]


def socket_address(url: str, folder: str) -> str:
    """Turn a TCP address of our own server into one through its socket in ``folder``."""
    parts = urlsplit(url)
    who = f"{parts.username}:{parts.password}"
    return f"postgresql://{who}@{parts.path}?host={quote(folder, safe='')}&port={parts.port}"


def renamed_host(url: str, host: str) -> str:
    """Turn an address into one by another name of the same server."""
    parts = urlsplit(url)
    who, port = f"{parts.username}:{parts.password}", parts.port or 5432
    return parts._replace(netloc=f"{who}@{host}:{port}").geturl()
