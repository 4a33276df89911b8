"""Fewer rows that still fit together."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from greenroom.data.introspect import read_schema
from greenroom.data.load import on_database
from greenroom.data.place import Place
from greenroom.data.plan import make_plan
from greenroom.data.policy import Decision, Policy, TablePolicy, dump_policy, load_policy
from greenroom.data.pseudonyms import Pseudonyms
from greenroom.data.schema import Column, ForeignKey, Schema, Table
from greenroom.data.source import Snapshot
from greenroom.data.sync import Result, SyncPlan, run_sync
from greenroom.errors import InvalidPolicy
from greenroom.settings import Settings
from tests.contract.test_data_sync import place, value

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]
__all__ = ["place"]
SHOP = """
create table plans (id int primary key);
create table customers (id int primary key, plan_id int references plans, country text,
  friend_id int references customers);
create table orders (id int, customer_id int not null references customers, placed date,
  primary key (id, placed)) partition by range (placed);
create table orders_1 partition of orders for values from ('2025-01-01') to ('2025-07-01');
create table orders_2 partition of orders for values from ('2025-07-01') to ('2026-01-01');
create table items (order_id int, placed date, n int,
  foreign key (order_id, placed) references orders);
create table teams (id int primary key, lead_id int);
create table people (id int primary key, team_id int references teams);
alter table teams add foreign key (lead_id) references people;
create table sessions (id int primary key);
create table visits (id int primary key, session_id int references sessions, customer_id int
  references customers);
create table logs (line text);
insert into plans select generate_series(1, 5);
insert into customers select g, 1 + g % 5, case when g % 4 = 0 then 'DE' else 'FR' end,
  case when g > 1 then g - 1 end from generate_series(1, 400) g;
insert into orders select g, 1 + g % 400, '2025-01-01'::date + g % 365
  from generate_series(1, 900) g;
insert into items select id, placed, n from orders, generate_series(1, 2) n;
insert into people select g, null from generate_series(1, 20) g;
insert into teams select g, g from generate_series(1, 20) g;
update people set team_id = 21 - id;
insert into sessions select generate_series(1, 30);
insert into visits select g, 1 + g % 30, 1 + g % 400 from generate_series(1, 500) g;
insert into logs values ('x');
"""


@pytest.fixture
def source(postgres_dsn: str) -> str:
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(SHOP)
    return postgres_dsn


def policy_of(schema: Schema, **tables: TablePolicy) -> Policy:
    made = {}
    for table in schema.tables:
        given = tables.get(table.policy_key.removeprefix("public."), TablePolicy())
        columns = {column.name: Decision("keep") for column in table.columns}
        made[table.policy_key] = TablePolicy(given.rows, given.where, columns, given.sample)
    return load_policy(dump_policy(Policy(made)))


def subset(source: str, place: Place, home: Path, **tables: TablePolicy) -> Result:
    def decide(snapshot: Snapshot) -> SyncPlan:
        schema = read_schema(snapshot.connection)
        return make_plan(policy_of(schema, **tables), schema, Pseudonyms(b"k" * 32))

    return run_sync(Settings(home=home), source, place, decide, print)


def test_what_hangs_on_a_filtered_table_goes_with_it(
    source: str, place: Place, tmp_path: Path
) -> None:
    german = TablePolicy(where="country = 'DE'")
    rows = subset(source, place, tmp_path, customers=german).rows
    staging = on_database(place.server_url, place.live)
    assert rows["public.customers"] == 100
    assert rows["public.plans"] == 5
    assert rows["public.logs"] == 1
    orders = "select count(*) from orders o join customers c on c.id = o.customer_id"
    assert value(staging, orders) == value(source, f"{orders} where country = 'DE'")
    assert value(staging, "select count(*) from items") == 2 * value(staging, orders)  # type: ignore[operator]
    assert value(staging, "select count(friend_id) from customers") == 0  # none of theirs is German


def test_a_share_is_the_same_each_time(source: str, place: Place, tmp_path: Path) -> None:
    few = TablePolicy(sample=20)
    first = subset(source, place, tmp_path, customers=few).rows
    again = subset(source, place, tmp_path, customers=few).rows
    assert first == again
    assert 40 < first["public.customers"] < 130
    staging = on_database(place.server_url, place.live)
    assert value(staging, "select count(*) from visits where customer_id is null") == 0


def test_circles_are_opened(source: str, place: Place, tmp_path: Path) -> None:
    rows = subset(source, place, tmp_path, people=TablePolicy(where="id <= 5")).rows
    staging = on_database(place.server_url, place.live)
    assert rows["public.people"] == 5
    lost = "select count(*) from teams where lead_id is not null and lead_id > 5"
    assert value(staging, lost) == 0


def test_references_to_an_emptied_table_become_null(
    source: str, place: Place, tmp_path: Path
) -> None:
    rows = subset(source, place, tmp_path, sessions=TablePolicy(rows="none")).rows
    staging = on_database(place.server_url, place.live)
    assert rows["public.visits"] == 500
    assert value(staging, "select count(session_id) from visits") == 0
    assert value(staging, "select count(customer_id) from visits") == 500


def test_a_reference_that_must_not_be_null_is_told(source: str) -> None:
    with psycopg.connect(source) as connection:
        schema = read_schema(connection)
    policy = policy_of(schema, customers=TablePolicy(rows="none"))
    with pytest.raises(InvalidPolicy, match=r"orders\.customer_id must refer"):
        make_plan(policy, schema, Pseudonyms(b"k" * 32))


def test_without_filters_nothing_is_narrowed(source: str, place: Place, tmp_path: Path) -> None:
    rows = subset(source, place, tmp_path).rows
    assert rows["public.customers"] == 400
    assert rows["public.visits"] == 500
    staging = on_database(place.server_url, place.live)
    assert value(staging, "select count(friend_id) from customers") == 399
    assert value(staging, "select count(lead_id) from teams") == 20


def test_a_share_that_is_none() -> None:
    with pytest.raises(InvalidPolicy, match="percentage"):
        load_policy("version: 1\ntables: {public.a: {sample: 0}}\n")


def test_a_condition_that_doubles_with_every_table_is_told() -> None:
    def layer(number: int) -> Table:
        keys = tuple(
            ForeignKey(f"k{side}", (f"c{side}",), f"public.t{number - 1}", ("id",))
            for side in range(2)
        )
        columns = tuple(Column(name, "int", "int4") for name in ("id", "c0", "c1"))
        return Table("public", f"t{number}", columns, ("id",), foreign_keys=keys if number else ())

    schema = Schema(tuple(layer(number) for number in range(18)))
    policy = policy_of(schema, t0=TablePolicy(where="id < 5"))
    with pytest.raises(InvalidPolicy, match="too many others"):
        make_plan(policy, schema, Pseudonyms(b"k" * 32))
