"""What would stop a sync is said before it starts; how fast production is read has a limit."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from greenroom.data.load import on_database
from greenroom.data.pipe import Pace
from greenroom.data.place import Place
from greenroom.data.policy import Policy, TablePolicy
from greenroom.data.preflight import Facts, check, list_obstacles, look, read_facts
from greenroom.data.source import opened
from greenroom.errors import SyncFailed
from tests.contract.faults import arrives, execute, masking, place_on, value

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]
FACTS = Facts(15)


@pytest.fixture
def place(postgres_server: str) -> Iterator[Place]:
    with place_on(postgres_server) as made:
        yield made


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (replace(FACTS, source_major=12), "Postgres 12; 13 to 18 are known"),
        (replace(FACTS, source_major=19), "Postgres 19"),
        (replace(FACTS, unreadable=[f"t{n}" for n in range(12)]), "12 of its tables: t0, "),
        (replace(FACTS, filtered=["public.secured"]), "row security hides rows"),
        (replace(FACTS, missing_extensions=["postgis"]), "no postgis"),
        (replace(FACTS, needed_octets=10**9, free_octets=10**9), "needs some 1.3 GB, and 1.0 GB"),
    ],
)
def test_each_is_told_with_what_to_do(facts: Facts, said: str) -> None:
    (found,) = list_obstacles(facts)
    assert said in found.message
    assert found.hint
    assert list_obstacles(replace(FACTS, needed_octets=10**9)) == [], "a disk that is not seen"


def test_a_role_that_sees_too_little_is_told_all_of_it(postgres_dsn: str, place: Place) -> None:
    role = f"reader_{secrets.token_hex(4)}"
    execute(
        postgres_dsn,
        "create table seen (id int); create table hidden (id int); create schema apart;"
        'create table apart."Odd ""one""" (id int); create table secured (id int);'
        "alter table secured enable row level security;"
        f"create role {role} login password 'x'; grant select on seen, secured to {role}",
    )
    try:
        reader = psycopg.conninfo.make_conninfo(postgres_dsn, user=role, password="x")
        unreadable, filtered = look(reader, place)
        assert unreadable.message.startswith("the role may not read 2 of its tables:")
        assert 'apart."Odd ""one"""' in unreadable.message
        assert "public.secured" in filtered.message
        with pytest.raises(SyncFailed, match=r"may not read.*row security") as caught:
            check(reader, place)
        assert "BYPASSRLS" in caught.value.hint
        assert look(postgres_dsn, place, Policy({"public.seen": TablePolicy(rows="none")})) == []
    finally:
        execute(postgres_dsn, f"drop owned by {role}")
        execute(postgres_dsn, f"drop role {role}")


def test_what_stays_away_needs_no_room(postgres_dsn: str, place: Place) -> None:
    execute(
        postgres_dsn,
        "create table events (id int) partition by range (id);"
        "create table events_1 partition of events for values from (0) to (1000);"
        'insert into events select generate_series(1, 900); create table "Odd one" (id int);'
        'insert into "Odd one" select generate_series(1, 900)',
    )
    nothing = TablePolicy(rows="none")
    policy = Policy({"public.events": nothing, 'public."Odd one"': nothing})
    kept = replace(policy, tables={**policy.tables, "public.events_1": TablePolicy()})
    with place.server() as server, opened(postgres_dsn) as source:
        needed = [read_facts(source, server, one).needed_octets for one in (None, policy, kept)]
    assert needed[1] == 0 < needed[2] < needed[0]


def test_readers_keep_to_a_pace() -> None:
    pace, begun = Pace(1_000_000), time.monotonic()
    for _ in range(5):
        pace.wait(50_000)
    assert time.monotonic() - begun >= 0.19, "the fifth waits for the four before it"


HOSTILE = ['qu"ote', "new\nline", "emoji 🦊", "semi;colon", "back\\slash", "select", "ÜPPER", "%s"]


def test_hostile_names_and_circles_of_keys(postgres_dsn: str, place: Place, tmp_path: Path) -> None:
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        for name in HOSTILE:
            quoted = psycopg.sql.Identifier(name)
            connection.execute(
                psycopg.sql.SQL(
                    "create table {0} ({0} int primary key, {1} text, other int);"
                    "insert into {0} values (1, 'marga', 1)"
                ).format(quoted, psycopg.sql.Identifier(f"text of {name}"))
            )
        for name, other in zip(HOSTILE, [*HOSTILE[1:], HOSTILE[0]], strict=True):
            connection.execute(
                psycopg.sql.SQL("alter table {0} add foreign key (other) references {1}").format(
                    psycopg.sql.Identifier(name), psycopg.sql.Identifier(other)
                )
            )
    kernels = {f"text of {name}": str.upper for name in HOSTILE}
    staging = arrives(postgres_dsn, place, tmp_path, masking(**kernels))
    with psycopg.connect(staging, autocommit=True) as connection:
        for name in HOSTILE:
            found = connection.execute(
                psycopg.sql.SQL("select * from {}").format(psycopg.sql.Identifier(name))
            )
            assert found.fetchall() == [(1, "MARGA", 1)]
    assert value(staging, "select count(*) from pg_constraint where contype = 'f'") == len(HOSTILE)


def test_two_thousand_tables(postgres_dsn: str, place: Place, tmp_path: Path) -> None:
    execute(
        postgres_dsn,
        "do $$ begin for n in 1..2000 loop execute format('create unlogged table t%s as"
        " select %s as id, ''marga'' as name', n, n); end loop; end $$",
    )
    staging = arrives(postgres_dsn, place, tmp_path, masking(name=str.upper))
    assert value(staging, "select count(*) from pg_class where relname ~ '^t[0-9]+$'") == 2000
    assert value(staging, "select name from t1999") == "MARGA"
    assert on_database(place.server_url, place.live)
