"""Where a copy of production goes: databases that change places by name, and their server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from greenroom.data.load import on_database
from greenroom.data.refusals import STAGING, is_lost, lost, refused
from greenroom.data.source import Connection
from greenroom.data.swap import beside, drop
from greenroom.errors import DatabaseUnavailable


@dataclass(frozen=True)
class Place:
    """Where the copy goes."""

    server_url: str
    """The server's administrator's address, on any database."""
    live: str
    """Name of the database that staging uses."""
    owner: str | None = None

    @property
    def next(self) -> str:
        """Name of the database that is being filled."""
        return beside(self.live, "next")

    @property
    def previous(self) -> str:
        """Name of the one before, kept for the way back."""
        return beside(self.live, "prev")

    @contextmanager
    def server(self) -> Iterator[Connection]:
        """Open a session of the administrator.

        Errors: DatabaseUnavailable.
        """
        url = on_database(self.server_url, "postgres")
        try:
            connection = psycopg.connect(url, autocommit=True, connect_timeout=10)
        except psycopg.OperationalError as error:
            raise DatabaseUnavailable("the environments' database server is away") from error
        try:
            yield connection
        except psycopg.Error as error:
            raise (lost(STAGING) if is_lost(connection) else refused(error, STAGING)) from None
        finally:
            connection.close()


def discard_next(place: Place) -> None:
    """Drop a database that is not to be finished. Idempotent."""
    with place.server() as server:
        drop(server, place.next)
