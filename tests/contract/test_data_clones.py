"""Environments' copies of an anonymized database."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import pytest

from greenroom.data.clones import (
    Template,
    clone,
    discard_copies,
    ensure_objects_owner,
    protect,
    reopen,
)
from greenroom.data.databases import CONNECTION_LIMIT, DatabaseServer
from greenroom.data.load import give_to, on_database
from greenroom.data.swap import drop
from greenroom.errors import SyncFailed

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]


@dataclass(frozen=True)
class World:
    """A server with a template, and names for two environments."""

    server: str
    template: Template
    mine: str
    theirs: str


@pytest.fixture
def world(postgres_server: str) -> Iterator[World]:
    mark = secrets.token_hex(4)
    template = Template(f"template_{mark}", f"owner_{mark}")
    made = World(postgres_server, template, f"mine_{mark}", f"theirs_{mark}")
    with psycopg.connect(postgres_server, autocommit=True) as server:
        ensure_objects_owner(server, template.objects_owner)
        ensure_objects_owner(server, template.objects_owner)
        server.execute(f"create database {template.database}")
        with psycopg.connect(
            on_database(postgres_server, template.database), autocommit=True
        ) as inside:
            inside.execute(
                "create schema shop; create type shop.mood as enum ('a');"
                "create table shop.t (id serial primary key, m shop.mood);"
                "create view shop.v as select * from shop.t; insert into shop.t (m) values ('a')"
            )
            give_to(inside, template.objects_owner)
        protect(server, template)
        protect(server, template)
        yield made
        for name in (made.mine, made.theirs):
            DatabaseServer(postgres_server).drop_database(name, name)
        drop(server, template.database)
        server.execute(f"drop role {template.objects_owner}")


def test_its_role_owns_it_and_reaches_no_other(world: World) -> None:
    mine, how = clone(world.server, world.template, world.mine, world.mine)
    theirs, _ = clone(world.server, world.template, world.theirs, world.theirs)
    assert how in ("clone", "wal_log", "file_copy")
    with psycopg.connect(mine, autocommit=True) as connection:
        connection.execute("alter table shop.t add column note text")
        connection.execute("alter type shop.mood add value 'b'")
        connection.execute("insert into shop.t (m) values ('a')")
        connection.execute("drop view shop.v")
        row = connection.execute("select count(*) from shop.t").fetchone()
        assert row == (2,)
        held = connection.execute(
            "select rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls,"
            " rolconnlimit from pg_roles where rolname = current_user"
        ).fetchone()
        assert held == (False, False, False, False, False, CONNECTION_LIMIT)
        assert connection.execute("show statement_timeout").fetchone() == ("2min",)
    with psycopg.connect(theirs) as connection:
        assert connection.execute("select count(*) from shop.t").fetchone() == (1,)
    for other in (world.theirs, world.template.database):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(on_database(mine, other))


def test_a_refresh_takes_the_place_of_what_was_there(world: World) -> None:
    first, _ = clone(world.server, world.template, world.mine, world.mine)
    held = psycopg.connect(first, autocommit=True)
    held.execute("insert into shop.t (m) values ('a')")
    again, _ = clone(world.server, world.template, world.mine, world.mine)
    with pytest.raises(psycopg.OperationalError):
        held.execute("select 1")
    held.close()
    with psycopg.connect(again) as connection:
        assert connection.execute("select count(*) from shop.t").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(first)  # its credentials are new
    assert not [n for n in DatabaseServer(world.server).list_databases(world.mine) if "_" in n[-6:]
                and n != world.mine]  # fmt: skip

    server = DatabaseServer(world.server)
    for _ in range(2):  # its environment is destroyed
        server.drop_database(world.mine, world.mine)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(again)
    with psycopg.connect(world.server) as connection:
        known = "select from pg_roles where rolname = %s"
        assert connection.execute(known, (world.mine,)).fetchone() is None


@pytest.mark.parametrize("mend", [reopen, discard_copies])
def test_one_whose_replacement_was_killed_lets_its_role_in_again(
    world: World, mend: Callable[[str, str], None]
) -> None:
    mine, _ = clone(world.server, world.template, world.mine, world.mine)
    with psycopg.connect(world.server, autocommit=True) as server:
        server.execute(f"alter database {world.mine} allow_connections false")
    with pytest.raises(psycopg.OperationalError, match="not currently accepting"):
        psycopg.connect(mine)
    for _ in range(2):
        mend(world.server, world.mine)
    psycopg.connect(mine).close()
    mend(world.server, world.theirs)  # there is none


def test_without_a_template(world: World) -> None:
    missing = Template("nothing_there", world.template.objects_owner)
    with pytest.raises(SyncFailed, match="no anonymized database"):
        clone(world.server, missing, world.mine, world.mine)
