"""The demo's invented production data, in a real Postgres."""

from __future__ import annotations

import re

import psycopg
import pytest

from greenroom.demo.production_data import fill_production
from greenroom.errors import DatabaseUnavailable
from tests.conftest import free_port


def rows(dsn: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query.encode()).fetchall()


def test_production_is_filled_once_and_the_same_each_time(postgres_dsn: str) -> None:
    told: list[float] = []
    counts = fill_production(postgres_dsn, customers=400, progress=told.append)
    assert counts["customers"] == counts["events"] == 400
    assert counts["orders"] == 800
    assert counts["tickets"] == 60
    assert counts["order_items"] >= 800
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)
    fingerprint = "select md5(string_agg(c::text, '|' order by id)) from {} c"
    before = [rows(postgres_dsn, fingerprint.format(t)) for t in ("customers", "tickets", "events")]
    assert fill_production(postgres_dsn, customers=400) == counts
    assert fill_production(postgres_dsn, customers=100) == counts
    with psycopg.connect(postgres_dsn) as connection:
        connection.execute(
            "truncate customers, orders, order_items, tickets, events restart identity"
        )
    fill_production(postgres_dsn, customers=400)
    after = [rows(postgres_dsn, fingerprint.format(t)) for t in ("customers", "tickets", "events")]
    # created_at of tickets and all else is drawn from the same dice
    assert after == before


def test_production_holds_nobody_real(postgres_dsn: str) -> None:
    fill_production(postgres_dsn, customers=600)
    everything = " ".join(
        str(value)
        for table in ("customers", "orders", "tickets", "events")
        for row in rows(postgres_dsn, f"select to_json(t)::text from {table} t")
        for value in row
    )
    domains = set(re.findall(r"@([\w.-]+\w)", everything))
    assert domains
    assert all(re.search(r"(^|\.)example(\.(com|org|net))?$|\.test$", name) for name in domains)
    addresses = set(re.findall(r'"ip": "([\d.]+)"', everything.replace("\\", "")))
    assert addresses
    assert all(a.startswith(("192.0.2.", "198.51.100.", "203.0.113.")) for a in addresses)
    assert rows(
        postgres_dsn,
        "select count(*) > 40 from tickets t join customers c on c.id = t.customer_id"
        " where position(c.full_name in t.body) > 0 or position(c.email in t.body) > 0"
        " or position(c.phone in t.body) > 0",
    ) == [(True,)]


def test_filling_says_when_there_is_no_database() -> None:
    with pytest.raises(DatabaseUnavailable, match="does not answer"):
        fill_production(f"postgresql://nobody@127.0.0.1:{free_port()}/nothing")
