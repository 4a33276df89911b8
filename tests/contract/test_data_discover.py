"""Discovery on a real server: it reads little, changes nothing, and fits what is there."""

from __future__ import annotations

import psycopg
import pytest

from greenroom.data.discover import discover
from greenroom.data.introspect import read_schema
from greenroom.data.plan import try_plan
from greenroom.data.policy import Policy, load_policy
from greenroom.data.source import opened
from greenroom.errors import SourceUnavailable, SyncFailed
from tests.contract.test_data_sync import POLICY, SHOP

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]


def proposed(url: str, known: Policy | None = None) -> Policy:
    with opened(url) as connection:
        schema = read_schema(connection)
        found = discover(connection, schema, known)
        try_plan(found.policy, schema)
        assert found.unread == ()
        return found.policy


def test_the_demos_shop_needs_no_edits(postgres_dsn: str) -> None:
    from greenroom.demo.production_data import fill_production

    fill_production(postgres_dsn, customers=300)
    found, wanted = proposed(postgres_dsn), load_policy(POLICY)
    assert set(found.tables) == set(wanted.tables)
    for key, table in wanted.tables.items():
        assert found.tables[key].rows == table.rows
        for name, decision in table.columns.items():
            method = found.tables[key].columns[name].method
            is_read = decision.method == "keep" and method == "text" and key == "public.products"
            assert method == decision.method or is_read, f"{key}.{name}: {method}"


def test_odd_types_and_names(postgres_dsn: str) -> None:
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(SHOP)
    found = proposed(postgres_dsn)
    users = found.tables["public.users"].columns
    assert users["email"].method == "email"
    assert users["full_name"].method == "full_name"
    assert users["born"].method == "birth_date"
    assert found.tables["public.orders"].columns["user_email"].method == "email"
    assert "upper_name" not in users


def test_a_table_that_may_not_be_read_is_decided_by_names(postgres_dsn: str) -> None:
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(
            "create table secret_people (email text); create table open_ones (n int)"
        )
        connection.execute("create role barred login password 'x'")
        connection.execute("grant select on open_ones to barred")
    try:
        url = psycopg.conninfo.make_conninfo(postgres_dsn, user="barred", password="x")
        with opened(url) as barred:
            found = discover(barred, read_schema(barred))
        assert found.unread == ("public.secret_people",)
        assert found.policy.tables["public.secret_people"].columns["email"].method == "email"
    finally:
        with psycopg.connect(postgres_dsn, autocommit=True) as connection:
            connection.execute("drop owned by barred")
            connection.execute("drop role barred")


def test_what_production_refuses_is_told_as_ours(postgres_dsn: str) -> None:
    with pytest.raises(SyncFailed, match="production refused"), opened(postgres_dsn) as connection:
        connection.execute("select * from nothing_there")
    with pytest.raises(SourceUnavailable, match="broke off"), opened(postgres_dsn) as connection:
        connection.execute("select pg_terminate_backend(pg_backend_pid())")
