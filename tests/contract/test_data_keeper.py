"""A snapshot outlives the run that took it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from greenroom.data.keeper import check_kept, ensure_snapshot, release, renew
from greenroom.data.source import joined
from greenroom.errors import SourceUnavailable, SyncFailed
from greenroom.settings import Settings

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    made = Settings(home=tmp_path)
    yield made
    pid = keeper(made)
    release(made, "one")
    if pid is not None:
        eventually(lambda: has_ended(pid))


def has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def keeper(settings: Settings) -> int | None:
    file = settings.path("run", "snapshots", "one.json")
    return int(json.loads(file.read_text())["pid"]) if file.exists() else None


def eventually(holds: Callable[[], bool]) -> None:
    for _ in range(300):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def rows(url: str, snapshot: str) -> object:
    with joined(url, snapshot) as connection:
        return connection.execute("select count(*) from t").fetchone()


def test_whoever_comes_later_sees_the_same_moment(settings: Settings, postgres_dsn: str) -> None:
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute("create table t as select generate_series(1, 7)")
        first = ensure_snapshot(settings, "one", postgres_dsn)
        connection.execute("delete from t")
    again = ensure_snapshot(settings, "one", postgres_dsn)
    assert again == first
    assert any("superuser" in warning for warning in first.warnings)
    renew(settings, "one")
    assert rows(postgres_dsn, first.id) == (7,)


def test_it_ends_when_it_is_let_go(settings: Settings, postgres_dsn: str) -> None:
    made = ensure_snapshot(settings, "one", postgres_dsn)
    pid = keeper(settings)
    assert pid is not None
    release(settings, "one")
    release(settings, "one")
    eventually(lambda: has_ended(pid))
    with pytest.raises(SyncFailed), joined(postgres_dsn, made.id):
        pass


def test_a_killed_one_is_replaced(settings: Settings, postgres_dsn: str) -> None:
    first = ensure_snapshot(settings, "one", postgres_dsn)
    pid = keeper(settings)
    assert pid is not None
    psutil.Process(pid).kill()
    eventually(lambda: has_ended(pid))
    again = ensure_snapshot(settings, "one", postgres_dsn)
    assert again.id != first.id


def test_production_that_is_away_is_told(settings: Settings) -> None:
    with pytest.raises(SourceUnavailable):
        ensure_snapshot(settings, "one", "postgresql://a:hunter2secret@127.0.0.1:1/x")
    known = "".join(
        file.read_text() for file in settings.path("run", "snapshots").iterdir()
    )  # fmt: skip
    assert "hunter2secret" not in known


def test_the_address_is_on_no_command_line(settings: Settings, postgres_dsn: str) -> None:
    ensure_snapshot(settings, "one", postgres_dsn)
    pid = keeper(settings)
    assert pid is not None
    assert "postgresql" not in " ".join(psutil.Process(pid).cmdline())


def test_it_gives_way_to_a_migration(settings: Settings, postgres_dsn: str) -> None:
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute("create table t as select generate_series(1, 7)")
    made = ensure_snapshot(settings, "one", postgres_dsn)
    with joined(postgres_dsn, made.id) as reader:
        reader.execute("select count(*) from t")
        with psycopg.connect(postgres_dsn, autocommit=True) as migration:
            migration.execute("set lock_timeout = '20s'")
            migration.execute("alter table t add column more text")  # waits for us, then goes on
        with pytest.raises(psycopg.OperationalError):
            reader.execute("select count(*) from t")
    eventually(lambda: told(settings) is not None)
    with pytest.raises(SyncFailed, match="migrated"):
        check_kept(settings, "one")


def told(settings: Settings) -> str | None:
    file = settings.path("run", "snapshots", "one.json")
    return json.loads(file.read_text()).get("error") if file.exists() else None


def test_it_is_not_held_longer_than_it_may(
    settings: Settings, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREENROOM_SNAPSHOT_MAX_SECONDS", "0.5")
    ensure_snapshot(settings, "one", postgres_dsn)
    eventually(lambda: told(settings) is not None)
    with pytest.raises(SyncFailed, match="limit"):
        check_kept(settings, "one")
