"""Whatever goes wrong in a sync: told in words with a hint, staging as it was, production free."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from greenroom.data import dump, source, sync
from greenroom.data.load import on_database
from greenroom.data.place import Place
from greenroom.data.source import Snapshot, joined
from greenroom.data.sync import SyncPlan
from greenroom.errors import DatabaseUnavailable, SourceUnavailable, SyncFailed
from tests.contract.faults import (
    OURS,
    arrives,
    eventually,
    execute,
    masking,
    once,
    place_on,
    plan_for,
    refused,
    terminate,
    value,
)

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]
SHOP = """
create domain mail as text constraint is_mail check (value ~ '@');
create table users (id int generated always as identity primary key, email mail,
  phone varchar(12) constraint has_plus check (phone ~ '^[+]'), full_name text not null, note text);
insert into users (email, phone, full_name, note) select 'marga' || g || '@mail.test',
  '+1' || 1000000 + g, 'Marga Person' || g, repeat('n', 2000) from generate_series(1, 4000) g;
create unique index users_email_lower on users (lower(email));
create table orders (id int primary key, user_id int references users);
insert into orders select g, g from generate_series(1, 100) g;
analyze;
"""


@pytest.fixture
def shop(postgres_dsn: str) -> str:
    execute(postgres_dsn, SHOP)
    return postgres_dsn


@pytest.fixture
def place(postgres_server: str) -> Iterator[Place]:
    with place_on(postgres_server) as made:
        yield made


# --- sessions that end ----------------------------------------------------------------------------


def test_the_copying_session_is_ended(shop: str, place: Place, tmp_path: Path) -> None:
    end = once(lambda: terminate(shop, "query ilike 'copy%'"))

    def mask(value: str) -> str:
        end()
        return "Anybody"

    error = refused(shop, place, tmp_path, masking(full_name=mask))
    assert isinstance(error, SourceUnavailable)
    assert error.message == "public.users: production's database broke off"
    assert error.transient


def test_the_loading_session_is_ended(shop: str, place: Place, tmp_path: Path) -> None:
    inside = on_database(place.server_url, place.next)
    end = once(lambda: terminate(inside, "query ilike 'copy%'"))

    def mask(value: str) -> str:
        end()
        return "Anybody"

    error = refused(shop, place, tmp_path, masking(full_name=mask))
    assert isinstance(error, DatabaseUnavailable)
    assert "public.users" in error.message


FIRST = f"backend_start = (select min(backend_start) from pg_stat_activity where {OURS})"


def test_the_snapshots_session_is_ended(shop: str, place: Place, tmp_path: Path) -> None:
    check = once(lambda: terminate(shop, FIRST))
    error = refused(shop, place, tmp_path, masking(), check=check)
    assert isinstance(error, SyncFailed)
    assert "snapshot" in error.message


def test_a_snapshot_that_is_lost_proves_nothing(
    shop: str, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prove = sync.prove

    def lose(*arguments: Any) -> Any:  # production is emptied before its originals are read
        terminate(shop, FIRST)
        execute(shop, "truncate users cascade")
        return prove(*arguments)

    monkeypatch.setattr(sync, "prove", lose)
    error = refused(shop, place, tmp_path, masking(full_name=lambda _: "Anybody"))
    assert "snapshot" in error.message


def test_a_snapshot_of_another_day(shop: str) -> None:
    with pytest.raises(SyncFailed, match="gone") as caught, joined(shop, "00000003-0000001B-1"):
        pass
    assert "sync again" in caught.value.hint


# --- migrations -----------------------------------------------------------------------------------


@contextmanager
def migrating(url: str, statement: str) -> Iterator[Callable[[], None]]:
    """Give a function that starts a migration, which must have come through at the end."""
    failed: list[Exception] = []

    def run() -> None:
        try:
            execute(url, statement)
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=run)

    def start() -> None:
        thread.start()
        eventually(lambda: value(url, "select exists (select from pg_locks where not granted)"))

    yield start
    thread.join(60)
    assert not thread.is_alive()
    assert not failed


@pytest.mark.parametrize(
    "statement",
    [
        "alter table users add column more int",
        "alter table users drop column note",
        "truncate users cascade",
        "drop table orders",
    ],
)
@pytest.mark.parametrize("is_late", [False, True])
def test_a_migration_comes_first(
    shop: str, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str,
    is_late: bool,
) -> None:  # fmt: skip
    monkeypatch.setitem(source._SETTINGS, "lock_timeout", "200ms")
    with migrating(shop, statement) as start:
        calls = [lambda: None, start] if is_late else [start, lambda: None]
        error = refused(
            shop, place, tmp_path, masking(), check=lambda: calls.pop(0)() if calls else None
        )
    assert isinstance(error, SyncFailed)
    assert "migration" in error.hint


def test_a_migration_comes_before_the_schema_is_read(
    shop: str, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dump, "LOCK_SECONDS", 1)
    with migrating(shop, "alter table users add column more int") as start:

        def decide(snapshot: Snapshot) -> SyncPlan:
            plan = plan_for(snapshot.connection)
            start()
            return plan

        error = refused(shop, place, tmp_path, decide)
    assert "migration" in error.hint


@pytest.mark.parametrize("what", ["column note", "constraint has_plus"])
def test_what_went_between_plan_and_copy(
    shop: str, place: Place, tmp_path: Path, what: str
) -> None:
    with psycopg.connect(shop) as connection:
        plan = plan_for(connection)
    execute(shop, f"alter table users drop {what}")
    if what.startswith("column"):
        error = refused(shop, place, tmp_path, lambda _: plan)
        assert "public.users" in error.message
        assert '"note" does not exist' in error.message
        assert "since the sync was planned" in error.hint
    else:
        staging = arrives(shop, place, tmp_path, lambda _: plan)
        assert value(staging, "select count(*) from users") == 4000
