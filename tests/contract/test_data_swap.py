"""Databases that change places while clients query them."""

from __future__ import annotations

import itertools
import secrets
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from greenroom.data.load import on_database
from greenroom.data.swap import beside, drop, exists, swap, swap_back
from greenroom.errors import SyncFailed

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]


@pytest.fixture
def names(postgres_server: str) -> Iterator[dict[str, str]]:
    made = {key: f"{key}_{secrets.token_hex(4)}" for key in ("live", "new", "previous", "aside")}
    with psycopg.connect(postgres_server, autocommit=True) as server:
        for generation, key in ((1, "live"), (2, "new")):
            server.execute(f"create database {made[key]}")
            with psycopg.connect(on_database(postgres_server, made[key])) as one:
                one.execute(f"create table v as select {generation} as generation")
        yield made
        for name in made.values():
            drop(server, name)


def generation(server: str, name: str) -> int:
    with psycopg.connect(on_database(server, name)) as one:
        row = one.execute("select generation from v").fetchone()
    assert row is not None
    return int(row[0])


def test_there_and_back_under_clients(postgres_server: str, names: dict[str, str]) -> None:
    seen: list[int] = []
    ended = threading.Event()

    def ask() -> None:
        connection = None
        while not ended.is_set():
            try:
                if connection is None or connection.closed:
                    connection = psycopg.connect(on_database(postgres_server, names["live"]))
                    connection.autocommit = True
                row = connection.execute("select generation from v").fetchone()
                assert row is not None
                seen.append(row[0])
            except psycopg.OperationalError:
                connection = None
            time.sleep(0.002)
        if connection is not None:
            connection.close()

    clients = [threading.Thread(target=ask) for _ in range(6)]
    for client in clients:
        client.start()
    with psycopg.connect(postgres_server, autocommit=True) as server:
        server.execute(f"alter database {names['live']} set work_mem = '7MB'")
        swap(server, names["live"], names["new"], names["previous"])
        swap(server, names["live"], names["new"], names["previous"])  # nothing is left to do
        assert not exists(server, names["new"])
        with psycopg.connect(on_database(postgres_server, names["live"])) as one:
            row = one.execute("show work_mem").fetchone()
            assert row is not None
            assert row[0] == "7MB"
        assert generation(postgres_server, names["previous"]) == 1
        _until(lambda: 2 in seen)
        swap_back(server, names["live"], names["previous"], names["aside"])
        assert generation(postgres_server, names["live"]) == 1
        assert generation(postgres_server, names["previous"]) == 2
        assert not exists(server, names["aside"])
        at = len(seen)
        _until(lambda: 1 in seen[at:])
    ended.set()
    for client in clients:
        client.join()
    changes = [b for a, b in itertools.pairwise(seen) if a != b]
    assert changes == [2, 1]


def _until(condition: object) -> None:
    deadline = time.monotonic() + 20
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_first_one_takes_a_free_name(postgres_server: str, names: dict[str, str]) -> None:
    with psycopg.connect(postgres_server, autocommit=True) as server:
        drop(server, names["live"])
        swap(server, names["live"], names["new"], names["previous"])
        assert generation(postgres_server, names["live"]) == 2
        assert not exists(server, names["previous"])
        with pytest.raises(SyncFailed, match="no earlier"):
            swap_back(server, names["live"], names["previous"], names["aside"])


def test_names_beside_a_long_one_are_distinct_and_fit() -> None:
    long = "gr_" + "ä" * 30
    names = {beside(f"{long}{n}"[:40], s) for n in range(3) for s in ("next", "prev")}
    names |= {beside(f"{'x' * 58}{n}", s) for n in range(3) for s in ("next", "prev")}
    assert all(len(name.encode()) <= 63 for name in names)
    assert len({beside(f"{'x' * 60}{n}", "next") for n in range(3)}) == 3
    assert beside("shop", "next") == "shop_next"
