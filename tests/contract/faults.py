"""What tests of syncs that fail share: a place with a database in use, and what must hold after."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from greenroom.data import source
from greenroom.data.copy import TablePlan
from greenroom.data.introspect import read_schema
from greenroom.data.load import on_database
from greenroom.data.place import Place
from greenroom.data.source import Snapshot
from greenroom.data.swap import drop, exists
from greenroom.data.sync import SyncPlan, run_sync
from greenroom.errors import GreenroomError
from greenroom.settings import Settings

Kernel = Callable[[str], str | None]
Decide = Callable[[Snapshot], SyncPlan]
OURS = f"application_name = '{source.NAME}' and datname = current_database()"


@contextmanager
def place_on(server_url: str) -> Iterator[Place]:
    """Give a place whose database in use holds a table ``old``; all of it goes at the end."""
    made = Place(server_url, f"staging_{secrets.token_hex(4)}")
    execute(server_url, f"create database {made.live}")
    execute(on_database(server_url, made.live), "create table old as select 'as it was' as x")
    try:
        yield made
    finally:
        with psycopg.connect(server_url, autocommit=True) as server:
            for name in (made.live, made.next, made.previous):
                drop(server, name)


def execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def value(url: str, query: str) -> Any:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def eventually(holds: Callable[[], Any]) -> Any:
    for _ in range(600):
        if found := holds():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen")


def masking(**kernels: Kernel) -> Decide:
    """Mask columns by their name, wherever they stand."""

    def decide(snapshot: Snapshot) -> SyncPlan:
        return plan_for(snapshot.connection, **kernels)

    return decide


def plan_for(connection: source.Connection, **kernels: Kernel) -> SyncPlan:
    plans = []
    for table in read_schema(connection).tables:
        masked = tuple((c.name, kernels[c.name]) for c in table.columns if c.name in kernels)
        plans.append(TablePlan(table, masked))
    return SyncPlan(tuple(plans))


def refused(url: str, place: Place, home: Path, decide: Decide, **options: Any) -> GreenroomError:
    """Run a sync that fails, and see that nothing came of it; give its error."""
    with pytest.raises(GreenroomError) as caught:
        run_sync(Settings(home=home), url, place, decide, lambda _: None, **options)
    error = caught.value
    assert error.hint
    assert "arga" not in f"{error} {error.hint}"
    assert value(on_database(place.server_url, place.live), "select x from old") == "as it was"
    with psycopg.connect(place.server_url) as server:
        assert not exists(server, place.next)
        assert not exists(server, place.previous)
    eventually(lambda: value(url, f"select count(*) = 0 from pg_stat_activity where {OURS}"))
    return error


def arrives(url: str, place: Place, home: Path, decide: Decide, **options: Any) -> str:
    """Run a sync that ends well; give staging's address."""
    run_sync(Settings(home=home), url, place, decide, lambda _: None, **options)
    return on_database(place.server_url, place.live)


def terminate(url: str, which: str) -> None:
    """End sessions of the sync by a condition, and wait until they are gone."""
    pids = value(url, f"select array_agg(pid) from pg_stat_activity where {OURS} and {which}")
    assert pids
    those = f"from pg_stat_activity where pid = any(array{pids})"
    value(url, f"select count(pg_terminate_backend(pid)) {those}")
    eventually(lambda: value(url, f"select count(*) = 0 {those}"))


def once(act: Callable[[], object]) -> Callable[[], None]:
    """Act at the first call only."""
    calls: list[None] = []

    def call() -> None:
        calls.append(None)
        if len(calls) == 1:
            act()

    return call
