"""The unit of work: the only thing that commits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session as Work

from greenroom.errors import DatabaseUnavailable
from greenroom.settings import Settings, load_settings

__all__ = ["Work", "database_url", "engine_for", "unit_of_work"]


def database_url(settings: Settings | None = None) -> str:
    """Give the store's address as a libpq URL.

    The server of our own writes it to ``<home>/run/database-url`` (mode 0600) when it starts.

    Errors: DatabaseUnavailable.
    """
    settings = settings or load_settings()
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    file = settings.path("run", "database-url")
    try:
        return file.read_text().strip()
    except OSError as error:
        raise DatabaseUnavailable(
            "Greenroom has no database yet" if not file.exists() else f"cannot read {file}",
            hint="Start the platform with `greenroom up`, or set GREENROOM_DATABASE_URL.",
        ) from error


@lru_cache(maxsize=8)
def engine_for(url: str) -> Engine:
    """Give the process's engine for a libpq URL."""
    scheme, rest = url.split("://", 1)
    return create_engine(
        f"postgresql+psycopg://{rest}" if scheme in ("postgres", "postgresql") else url,
        pool_size=5,
        max_overflow=10,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 5, "application_name": "greenroom"},
    )


@contextmanager
def unit_of_work(url: str | None = None) -> Iterator[Work]:
    """Open a transaction; commit at the end, roll back on any error.

    Errors: DatabaseUnavailable (transient) when the server cannot be reached or goes away.
    """
    try:
        with Work(engine_for(url or database_url()), expire_on_commit=False) as work, work.begin():
            yield work
    except OperationalError as error:
        raise DatabaseUnavailable(
            "the database does not answer",
            hint="Is the platform running? `greenroom doctor` tells.",
        ) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise DatabaseUnavailable("the database connection was lost") from error
        raise
