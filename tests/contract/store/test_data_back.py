"""Going back to the data before the last sync, and no sync meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest

from greenroom.data import back
from greenroom.data.load import on_database
from greenroom.data.place import Place
from greenroom.data.swap import drop
from greenroom.errors import InvalidInput, SyncFailed
from greenroom.names import template_name
from greenroom.store import projects, syncs
from greenroom.store.work import unit_of_work
from tests.contract.faults import value

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]


@pytest.fixture
def place(store_url: str) -> Iterator[Place]:
    """A project ``shop`` with the data of two syncs: ``old``, and ``new`` which is in use."""
    with unit_of_work() as work:
        shop = projects.add_project(work, "shop", "/srv/git/shop", actor="ada")
        url = "postgresql://nobody:x@127.0.0.1:1/none"
        projects.set_production_database_url(work, shop, url, actor="ada")
        made = Place(store_url, template_name("shop", str(shop.id)))
    with made.server() as server:
        for name, what in ((made.live, "new"), (made.previous, "old")):
            server.execute(f"create database {name}".encode())
            with psycopg.connect(on_database(store_url, name)) as one:
                one.execute(f"create table data as select '{what}' as x".encode())
    yield made
    with made.server() as server:
        for name in (made.live, made.previous):
            drop(server, name)


def in_use(place: Place) -> object:
    with place.server() as server:  # what is only cloned from takes no sessions
        server.execute(f"alter database {place.live} allow_connections true".encode())
    return value(on_database(place.server_url, place.live), "select x from data")


def order_sync() -> None:
    with unit_of_work() as work:
        shop = projects.get_project(work, "shop")
        syncs.create_sync(work, shop, None, requested_by="ada")


def test_there_and_back(place: Place) -> None:
    for wanted in ("old", "new"):
        back.return_data("shop", actor="ada")
        assert in_use(place) == wanted
    with place.server() as server:
        drop(server, place.previous)
    with pytest.raises(SyncFailed, match="no earlier database"):
        back.return_data("shop", actor="ada")


def test_not_while_a_sync_is_under_way(place: Place) -> None:
    order_sync()
    with pytest.raises(InvalidInput, match="a sync is under way"):
        back.return_data("shop", actor="ada")
    assert in_use(place) == "new"


def test_no_sync_begins_meanwhile(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    ordered = threading.Thread(target=order_sync)
    waited: list[bool] = []
    go_back = back.go_back

    def slowly(where: Place) -> None:
        ordered.start()
        ordered.join(0.5)
        waited.append(ordered.is_alive())
        go_back(where)

    monkeypatch.setattr(back, "go_back", slowly)
    back.return_data("shop", actor="ada")
    ordered.join(10)
    assert waited == [True]
    assert in_use(place) == "old"
