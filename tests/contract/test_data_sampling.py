"""What discovery reads of production: little, of every kind of table, and nothing is changed."""

from __future__ import annotations

import secrets

import psycopg
import pytest

from greenroom.data.discover import Discovery, discover
from greenroom.data.introspect import read_schema
from greenroom.data.load import on_database
from greenroom.data.plan import try_plan
from greenroom.data.sampling import COLUMN_LETTERS, ROWS, SMALL_PAGES, Values, read_values
from greenroom.data.source import open_source
from greenroom.data.swap import drop
from greenroom.errors import SourceUnavailable

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]


def made(url: str, *statements: str) -> Discovery:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())
    connection = open_source(url)
    try:
        schema = read_schema(connection)
        found = discover(connection, schema)
        assert found.unread == ()
        try_plan(found.policy, schema)
        return found
    finally:
        connection.close()


def read(url: str, table: str) -> Values:
    connection = open_source(url)
    try:
        found: Values = {}
        wanted = read_schema(connection).by_key[f"public.{table}"]
        read_values(connection, wanted, wanted.columns, found)
        return found
    finally:
        connection.close()


def test_a_partition_without_rows_does_not_hide_what_the_others_hold(postgres_dsn: str) -> None:
    found = made(
        postgres_dsn,
        "create table log (at date, f1 text, f2 text) partition by range (at)",
        "create table log_1 partition of log for values from ('2025-01-01') to ('2026-01-01')",
        "create table log_2 partition of log for values from ('2026-01-01') to ('2027-01-01')",
        "insert into log select '2026-02-02', 'a' || g || '@mail.com', null"
        " from generate_series(1, 50) g",
    )
    columns = found.policy.tables["public.log"].columns
    assert columns["f1"].method == "email"
    assert columns["f2"].method == "text"
    assert set(found.policy.tables) == {"public.log"}


def test_types_of_their_own(postgres_dsn: str) -> None:
    found = made(
        postgres_dsn,
        "create extension hstore",
        "create type mood as enum ('glad', 'sad')",
        "create type home as (street text, city text)",
        "create type spans as range (subtype = float8)",
        "create domain mail as text check (value ~ '@')",
        "create table x (id uuid primary key, m mood, ms mood[], h home, s spans, a mail, d mail[],"
        " kv hstore, page xml, doc jsonb, docs json[], words tsvector, net inet[], n numeric(4, 1),"
        " named name, small varchar(4) unique, status text check (status in ('a', 'b')))",
        "comment on column x.named is 'Family name of the guest'",
        "insert into x select gen_random_uuid(), 'glad', '{sad}', '(x,y)', '[1,2]',"
        " 'a' || g || '@mail.com', array['b' || g || '@mail.com'], 'a=>b', '<a/>',"
        " ('{\"user\": {\"email\": \"a' || g || '@mail.com\"}}')::jsonb, null, 'x',"
        " '{10.0.0.1}', 1.5, 'n', g, 'a' from generate_series(1, 40) g",
    )
    columns = found.policy.tables["public.x"].columns
    methods = {name: decision.method for name, decision in columns.items()}
    wanted = {
        "id": "keep", "m": "keep", "ms": "keep", "h": "text", "s": "keep", "a": "email",
        "d": "email", "kv": "text", "page": "text", "doc": "json", "words": "null", "net": "ip",
        "n": "keep", "named": "last_name", "status": "keep",
    }  # fmt: skip
    assert {name: methods[name] for name in wanted} == wanted
    assert "user.email (email)" in columns["doc"].why


def test_a_table_of_any_size_costs_the_same(postgres_dsn: str) -> None:
    found = made(
        postgres_dsn,
        "create table big (id int, v text, never text, seldom text, pad char(400))",
        "alter table big set (autovacuum_enabled = off)",
        "insert into big select g, 'a' || g || '@mail.com', null,"
        " case when g % 500 = 0 then '+49 30 9018' || (g % 900 + 100) end, ''"
        " from generate_series(1, 60000) g",
        "analyze big",
    )
    columns = found.policy.tables["public.big"].columns
    assert columns["v"].method == "email"
    assert columns["seldom"].method == "phone"
    assert columns["never"].method == "text"
    values = read(postgres_dsn, "big")
    ids = [int(value) for value in values["public.big", "id"]]
    assert len(ids) == ROWS
    assert max(ids) - min(ids) > 20_000
    with psycopg.connect(postgres_dsn) as connection:
        row = connection.execute("select relpages from pg_class where relname = 'big'").fetchone()
    assert row is not None
    assert row[0] > SMALL_PAGES


def test_cells_of_many_megabytes_are_not_fetched(postgres_dsn: str) -> None:
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute("create table cells (t text, d jsonb)")
        connection.execute("alter table cells alter t set storage external")
        connection.execute(
            "insert into cells select repeat('x', 3000000), '{}' from generate_series(1, 3)"
        )
        connection.execute("insert into cells values (repeat('y ', 4000), '{\"a\": 1}')")
    values = read(postgres_dsn, "cells")
    assert [len(value) for value in values["public.cells", "t"]] == [2_000]
    assert len(values["public.cells", "d"]) == 4


def test_odd_names_and_tables_without_columns(postgres_dsn: str) -> None:
    found = made(
        postgres_dsn,
        'create table "a ""b\n☂%s" ("E-Mail %d" text, "select" text)',
        "create table nothing ()",
        "insert into nothing default values",
        "insert into \"a \"\"b\n☂%s\" select g || '@mail.com', 'x' from generate_series(1, 9) g",
    )
    columns = found.policy.tables['public."a ""b\n☂%s"'].columns
    assert columns["E-Mail %d"].method == "email"


def test_what_is_held_of_a_column_is_bounded(postgres_dsn: str) -> None:
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute("create table long_ones (t text)")
        connection.execute(
            "insert into long_ones select repeat('z ', 3000) from generate_series(1, 300)"
        )
    held = read(postgres_dsn, "long_ones")["public.long_ones", "t"]
    assert COLUMN_LETTERS <= sum(map(len, held)) <= COLUMN_LETTERS + 2_000


def test_values_of_another_encoding_are_decided_by_names(postgres_server: str) -> None:
    name = f"ascii_{secrets.token_hex(4)}"
    with psycopg.connect(postgres_server, autocommit=True) as server:
        server.execute(
            f"create database {name} encoding 'SQL_ASCII' locale 'C' template template0".encode()
        )
    try:
        url = on_database(postgres_server, name)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("create table old (email text)")
            connection.execute("insert into old values (E'\\xfc\\xff')")
        connection = open_source(url)
        found = discover(connection, read_schema(connection))
        connection.close()
        assert found.unread == ("public.old",)
        assert found.policy.tables["public.old"].columns["email"].method == "email"
    finally:
        with psycopg.connect(postgres_server, autocommit=True) as server:
            drop(server, name)


def test_production_that_goes_away_is_told(postgres_dsn: str) -> None:
    with psycopg.connect(postgres_dsn, autocommit=True) as other:
        other.execute("create table a (email text); create table b (email text)")
        connection = open_source(postgres_dsn)
        schema = read_schema(connection)
        ended = [connection.info.backend_pid]

        def end(_: str) -> None:
            other.execute("select pg_terminate_backend(%s)", ended)

        with pytest.raises(SourceUnavailable):
            discover(connection, schema, say=end)
        connection.close()
