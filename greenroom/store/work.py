"""The unit of work: the only thing that commits."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from sqlalchemy import Engine, create_engine, event, select, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import ORMExecuteState, with_loader_criteria
from sqlalchemy.orm import Session as Work

from greenroom.errors import DatabaseUnavailable
from greenroom.rights import OWNER, Actor, acting_as, check_right, current_actor
from greenroom.settings import Settings, load_settings
from greenroom.store.base import Base

__all__ = ["Work", "actor_of", "ask_right", "database_url", "engine_for", "platform_work",
           "take_turn", "unit_of_work"]  # fmt: skip
_ACTOR, _ASKED, _WROTE = "actor", "asked", "wrote"


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
        hide_parameters=True,  # an error's text goes into logs; values may be people's, or secret
        connect_args={"connect_timeout": 5, "application_name": "greenroom"},
    )


@contextmanager
def unit_of_work(url: str | None = None) -> Iterator[Work]:
    """Open a transaction; commit at the end, roll back on any error.

    It belongs to whoever acts now (``greenroom.rights``): it finds only what they may see, and a
    change that asked for no right is committed for administrators alone.

    Errors: DatabaseUnavailable (transient) when the server cannot be reached or goes away;
    NotAllowed.
    """
    actor = current_actor()
    try:
        with Work(engine_for(url or database_url()), expire_on_commit=False) as work, work.begin():
            work.info[_ACTOR] = actor
            yield work
            work.flush()
            if work.info.get(_WROTE) and not work.info.get(_ASKED):
                check_right(actor, "platform.change")
    except OperationalError as error:
        raise DatabaseUnavailable(
            "the database does not answer",
            hint="Is the platform running? `greenroom doctor` tells.",
        ) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise DatabaseUnavailable("the database connection was lost") from error
        raise


@contextmanager
def platform_work() -> Iterator[Work]:
    """Open a transaction of the platform's own: bookkeeping about what was allowed already."""
    with acting_as(OWNER), unit_of_work() as work:
        yield work


def actor_of(work: Work) -> Actor:
    """Give for whom a transaction is."""
    found: Actor = work.info.get(_ACTOR, OWNER)
    return found


def ask_right(work: Work, act: str, project_id: uuid.UUID | None = None) -> None:
    """Return if whoever acts may do something; every change asks, most by ``record_audit``.

    Errors: NotAllowed, saying who may.
    """
    check_right(actor_of(work), act, project_id)
    work.info[_ASKED] = True


def take_turn(work: Work, name: str) -> None:
    """Wait until nobody else does what ``name`` says, and keep others waiting.

    Locks: until this work ends.
    """
    work.execute(text("select pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})


@event.listens_for(Work, "before_flush")
def _note_change(work: Work, *_: Any) -> None:
    if work.new or work.deleted or any(work.is_modified(row) for row in work.dirty):
        work.info[_WROTE] = True


@event.listens_for(Work, "do_orm_execute")
def _show_only_what_may_be_seen(state: ORMExecuteState) -> None:
    actor = actor_of(state.session)
    if actor.is_owner:
        return
    if state.is_insert or state.is_update or state.is_delete:
        state.session.info[_WROTE] = True
    seen = actor.visible()
    if seen is None or not state.is_select or state.is_column_load:
        return
    state.statement = state.statement.options(*_criteria(seen))


@lru_cache(maxsize=256)
def _criteria(seen: frozenset[uuid.UUID]) -> tuple[Any, ...]:
    """Give what keeps the rows of other projects out of every query, whatever its table."""
    projects, tables = sorted(seen), Base.metadata.tables
    environments = tables["environments"].c
    inside = select(environments.id).where(environments.project_id.in_(projects))
    kept = []
    for mapper in Base.registry.mappers:
        entity, columns = mapper.class_, mapper.local_table.c
        if entity.__tablename__ == "projects":
            is_seen = entity.id.in_(projects)
        elif entity.__tablename__ in _PEOPLE:
            continue
        elif "project_id" in columns:
            is_seen = entity.project_id.in_(projects)
        elif "environment_id" in columns:
            is_seen = entity.environment_id.in_(inside)
        else:
            continue
        kept.append(with_loader_criteria(entity, is_seen, include_aliases=True))
    return tuple(kept)


_PEOPLE = frozenset({"api_tokens", "memberships"})
"""Tables about people: their own queries say whose rows are meant."""
