"""A whole sync between real servers: everything arrives, the people do not."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from greenroom.data.copy import TablePlan
from greenroom.data.identities import Identities
from greenroom.data.introspect import read_schema
from greenroom.data.load import on_database
from greenroom.data.place import Place, discard_next
from greenroom.data.plan import identity_columns, make_plan
from greenroom.data.policy import load_policy
from greenroom.data.pseudonyms import Pseudonyms
from greenroom.data.source import Snapshot, hold_snapshot
from greenroom.data.swap import drop, exists
from greenroom.data.sync import (  # fmt: skip
    Job,
    SyncPlan,
    copy_part,
    distinct_values,
    finish_tables,
    make_tables,
    plan_parts,
    prove_job,
    publish,
    run_hooks,
    run_sync,
    settle,
)
from greenroom.data.text import TextMasker
from greenroom.errors import LeakFound, SourceUnavailable, SyncFailed
from greenroom.settings import Settings

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]
SHOP = """
create extension citext;
create type mood as enum ('happy', 'sad');
create domain email as citext check (value ~ '@');
create table users (id bigint generated always as identity primary key, email email unique,
  full_name text not null, note text, mood mood default 'happy', tags text[],
  upper_name text generated always as (upper(full_name)) stored, born date);
create table "Odd ""Näme
☂" ("Key" int primary key, "select" text, doc jsonb, raw bytea, span int4range);
create table empty_rows ();
create table orders (id serial, user_email email references users (email) on update cascade,
  total numeric, placed timestamptz, primary key (id, placed)) partition by range (placed);
create table orders_2025 partition of orders for values from ('2025-01-01') to ('2026-01-01');
create table orders_2026 partition of orders for values from ('2026-01-01') to ('2027-01-01');
create table animal (name text); create table dog (breed text) inherits (animal);
create table node (id int primary key, next int references node deferrable initially deferred);
create materialized view names as select full_name from users;
create view v as select count(*) as n from users;
create function refuse() returns trigger language plpgsql as $$begin raise 'no'; end$$;
insert into users (email, full_name, note, tags, born) select 'Person' || g || '@mail.test',
  'Marga Person' || g, E'a\\tb\\nc\\\\d ü ' || g, array['x', null, 'NULL', ''], '1980-01-01'
  from generate_series(1, 500) g;
insert into users (email, full_name) values (null, '');
insert into "Odd ""Näme
☂" values (1, E'\\\\N', '{"a": [1, null]}', '\\x005c0a', '[1,5)'), (2, null, null, null, 'empty');
insert into empty_rows default values; insert into empty_rows default values;
insert into orders (user_email, total, placed) select 'person' || g || '@MAIL.test', 'NaN',
  '2025-06-01'::timestamptz + g * interval '1 day' from generate_series(1, 400) g;
insert into animal values ('cat'); insert into dog values ('rex', 'pug');
insert into node values (1, 2), (2, 1);
create trigger t before insert on users for each row execute function refuse();
refresh materialized view names;
"""
ODD = 'public."Odd ""Näme\n☂"'


@pytest.fixture
def place(postgres_server: str) -> Iterator[Place]:
    made = Place(postgres_server, f"staging_{secrets.token_hex(4)}")
    yield made
    with psycopg.connect(postgres_server, autocommit=True) as server:
        for name in (made.live, made.next, made.previous):
            drop(server, name)


@pytest.fixture
def source(postgres_dsn: str) -> str:
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(SHOP)
    return postgres_dsn


def fake_email(value: str) -> str:
    return f"fake{abs(hash(value.lower()))}@example.test"


def decide(snapshot: Snapshot, **kernels: object) -> SyncPlan:
    """Mask the e-mail addresses and names wherever they stand."""
    known = {"email": fake_email, "user_email": fake_email, "full_name": lambda v: v and "Anybody"}
    known |= kernels  # type: ignore[arg-type]
    plans = []
    for table in read_schema(snapshot.connection).tables:
        masked = tuple((c.name, known[c.name]) for c in table.columns if c.name in known)
        plans.append(TablePlan(table, masked))
    return SyncPlan(tuple(plans))


def value(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def test_everything_arrives_but_the_people(source: str, place: Place, tmp_path: object) -> None:
    said: list[str] = []
    settings = Settings(home=str(tmp_path))
    result = run_sync(settings, source, place, decide, said.append)
    staging = on_database(place.server_url, place.live)
    assert result.rows["public.users"] == 501
    assert result.proof.leaks == []
    assert result.proof.needles > 1000
    assert result.proof.canaries == 11
    same = [
        "select md5(string_agg((id, note, mood, tags, born)::text, '|' order by id)) from users",
        f"select md5(string_agg(o::text, '|' order by o.\"Key\")) from {ODD} o",
        "select count(*) from empty_rows",
        "select string_agg(total::text || placed::text, '|' order by id) from orders",
        "select string_agg(tableoid::regclass::text || name, '|' order by name) from animal",
        "select string_agg(n::text, '|' order by id) from node n",
        "select count(*) from users u join orders o on o.user_email = u.email",
        "select last_value from users_id_seq",
        "select count(*) from pg_indexes where schemaname = 'public'",
        "select count(*) from pg_constraint where connamespace = 'public'::regnamespace",
        "select n from v",
    ]
    for query in same:
        assert value(staging, query) == value(source, query), query
    assert value(staging, "select count(*) from users where email::text like '%mail.test%'") == 0
    assert value(staging, "select upper_name from users where id = 7") == "ANYBODY"
    assert value(staging, "select count(*) from names where full_name = 'Anybody'") == 500
    assert value(staging, "select to_regnamespace('greenroom_sync') is null")
    with psycopg.connect(place.server_url) as server:
        assert not exists(server, place.next)
    assert any("no original found" in line for line in said)


def test_a_second_one_takes_the_firsts_place(source: str, place: Place, tmp_path: object) -> None:
    settings = Settings(home=str(tmp_path))
    run_sync(settings, source, place, decide, print)
    with psycopg.connect(source, autocommit=True) as connection:
        connection.execute("delete from orders")
    run_sync(settings, source, place, decide, print)
    assert value(on_database(place.server_url, place.live), "select count(*) from orders") == 0
    assert value(on_database(place.server_url, place.previous), "select count(*) from orders") > 0  # type: ignore[operator]


def untouched(place: Place) -> bool:
    with psycopg.connect(place.server_url) as server:
        return not exists(server, place.next) and not exists(server, place.live)


def test_a_leak_stops_it_before_the_swap(source: str, place: Place, tmp_path: object) -> None:
    with psycopg.connect(source, autocommit=True) as connection:
        connection.execute("update users set note = 'ask person9@mail.test' where id = 3")
    with pytest.raises(LeakFound) as found:
        run_sync(Settings(home=str(tmp_path)), source, place, decide, print)
    assert "public.users.note" in str(found.value)
    assert "email)" in str(found.value)  # the column it came from
    assert "person9" not in str(found.value).lower()
    assert untouched(place)


@pytest.mark.parametrize("text", ["ask Person9@mail.test", "PERSON9@MAIL.TEST"])
def test_an_original_in_octets_stops_it(
    source: str, place: Place, tmp_path: object, text: str
) -> None:
    with psycopg.connect(source, autocommit=True) as connection:
        row = (b"\x00\xff" + text.encode() + b"\x00",)
        connection.execute(f"update {ODD} set raw = %s".encode(), row)
    with pytest.raises(LeakFound, match="raw"):
        run_sync(Settings(home=str(tmp_path)), source, place, decide, print)
    assert untouched(place)


def test_somebody_whose_row_stays_away_is_looked_for(
    source: str, place: Place, tmp_path: object
) -> None:
    with psycopg.connect(source, autocommit=True) as connection:
        connection.execute("update users set note = 'ask person9@mail.test' where id = 3")

    def few(snapshot: Snapshot) -> SyncPlan:
        plan = decide(snapshot)
        narrowed = (replace(t, where="id < 5") if t.table.name == "users" else t
                    for t in plan.tables if "orders" not in t.table.name)  # fmt: skip
        return replace(plan, tables=tuple(narrowed))

    with pytest.raises(LeakFound, match=r"users\.note"):
        run_sync(Settings(home=str(tmp_path)), source, place, few, print)


def test_an_original_in_a_definition_stops_it(source: str, place: Place, tmp_path: object) -> None:
    with psycopg.connect(source, autocommit=True) as connection:
        connection.execute("alter table animal alter name set default 'person9@mail.test'")
    with pytest.raises(LeakFound, match="a default"):
        run_sync(Settings(home=str(tmp_path)), source, place, decide, print)
    assert untouched(place)


def test_hooks_run_after_the_rows_were_counted(source: str, place: Place, tmp_path: object) -> None:
    def hooked(snapshot: Snapshot) -> SyncPlan:
        return replace(
            decide(snapshot),
            truncated=("users",),  # takes orders along: they refer to it
            statements=("delete from animal", "insert into dog values ('ben', 'mutt')"),
        )

    result = run_sync(Settings(home=str(tmp_path)), source, place, hooked, print)
    staging = on_database(place.server_url, place.live)
    assert result.rows["public.users"] == 501
    assert value(staging, "select count(*) from users") == 0
    assert value(staging, "select count(*) from orders") == 0
    assert value(staging, "select string_agg(name, ',') from animal") == "ben"


def test_a_hook_that_fails_undoes_them_all(source: str, place: Place, tmp_path: object) -> None:
    def hooked(snapshot: Snapshot) -> SyncPlan:
        return replace(decide(snapshot), statements=("delete from animal", "delete from nothing"))

    with pytest.raises(SyncFailed, match="hook 2"):
        run_sync(Settings(home=str(tmp_path)), source, place, hooked, print)
    assert untouched(place)


def job_of(snapshot: Snapshot, source: str, place: Place, home: object) -> Job:
    return Job(Settings(home=str(home)), source, snapshot.id, place, decide(snapshot), "same")


def test_it_goes_on_where_it_was_interrupted(source: str, place: Place, tmp_path: object) -> None:
    copied: list[str] = []
    with hold_snapshot(source) as snapshot:
        job = job_of(snapshot, source, place, tmp_path)
        make_tables(job)
        parts = plan_parts(job, snapshot.connection.info.server_version, least_octets=1)
        assert len(parts) > 5
        for part in parts[:3]:
            copy_part(job, part)
        make_tables(job)  # as a run that takes it up would
        with job.target() as target:
            kept = target.execute("select count(*) from greenroom_sync.chunks").fetchone()
        assert kept == (3,)
        for part in parts:
            copy_part(job, part, tell=lambda chunk, _: copied.append(chunk.table))
        for _ in range(2):
            finish_tables(job)
            run_hooks(job)
        with job.target() as target:  # killed between the indexes and the note that they are there
            target.execute("delete from greenroom_sync.stages where name = 'indexes'")
        assert finish_tables(job)["public.users"] == 501
        prove_job(job, print)
        settle(job)
        publish(place)
        publish(place)
    assert len(copied) == sum(map(len, parts))
    assert value(on_database(place.server_url, place.live), "select count(*) from users") == 501


def test_another_snapshot_starts_over(source: str, place: Place, tmp_path: object) -> None:
    for _ in range(2):
        with hold_snapshot(source) as snapshot:
            job = job_of(snapshot, source, place, tmp_path)
            make_tables(job)
            with job.target() as target:
                left = target.execute("select count(*) from greenroom_sync.chunks").fetchone()
            assert left == (0,)
            copy_part(job, plan_parts(job, snapshot.connection.info.server_version)[0])
    discard_next(place)
    assert untouched(place)


def test_a_role_that_could_write_is_told(source: str, place: Place, tmp_path: object) -> None:
    said: list[str] = []
    run_sync(Settings(home=str(tmp_path)), source, place, decide, said.append)
    assert any("superuser" in line for line in said)


def test_fakes_that_collide_stop_it(source: str, place: Place, tmp_path: object) -> None:
    def collide(snapshot: Snapshot) -> SyncPlan:
        return decide(snapshot, email=lambda _: "one@example.test")

    with pytest.raises(SyncFailed, match="unique"):
        run_sync(Settings(home=str(tmp_path)), source, place, collide, print)
    assert untouched(place)


def test_a_fake_that_a_check_forbids_stops_it(source: str, place: Place, tmp_path: object) -> None:
    def forbid(snapshot: Snapshot) -> SyncPlan:
        return decide(snapshot, email=lambda _: "no address")

    with pytest.raises(SyncFailed, match=r"public\.users") as refused:
        run_sync(Settings(home=str(tmp_path)), source, place, forbid, print)
    assert "no address" not in str(refused.value)
    assert untouched(place)


def test_a_value_that_cannot_be_masked_is_not_shown(
    source: str, place: Place, tmp_path: object
) -> None:
    def fail(snapshot: Snapshot) -> SyncPlan:
        def kernel(value: str) -> str:
            raise ValueError(f"bad {value}")

        return decide(snapshot, full_name=kernel)

    with pytest.raises(SyncFailed, match=r"public\.users\.full_name") as refused:
        run_sync(Settings(home=str(tmp_path)), source, place, fail, print)
    assert "Marga" not in str(refused.value)
    assert untouched(place)


def test_a_table_that_may_not_be_read(source: str, place: Place, tmp_path: object) -> None:
    role = f"reader_{secrets.token_hex(4)}"
    with psycopg.connect(source, autocommit=True) as connection:
        connection.execute(f"create role {role} login password 'x'")
        connection.execute(f"grant select on users to {role}")
    try:
        parts = psycopg.conninfo.make_conninfo(source, user=role, password="x")
        with pytest.raises(SyncFailed, match="may not read"):
            run_sync(Settings(home=str(tmp_path)), parts, place, decide, print)
    finally:
        with psycopg.connect(source, autocommit=True) as connection:
            connection.execute(f"drop owned by {role}")
            connection.execute(f"drop role {role}")


def test_production_that_is_away(place: Place, tmp_path: object) -> None:
    with pytest.raises(SourceUnavailable):
        run_sync(
            Settings(home=str(tmp_path)), "postgresql://x:y@127.0.0.1:1/none", place, decide, print
        )
    assert untouched(place)


POLICY = """
version: 1
tables:
  public.products: {columns: {id: keep, slug: keep, name: keep, category: keep, price_cents: keep,
    was_cents: keep, tagline: keep, description: keep, glaze: keep, size: keep, picture_alt: keep,
    featured: keep, position: keep}}
  public.customers: {columns: {id: keep, email: email, full_name: full_name, phone: phone,
    street: street, city: city, postcode: postcode, country: keep, birthday: birth_date,
    notes: text, created_at: keep}}
  public.orders: {columns: {id: keep, token: uuid, customer_id: keep, status: keep,
    total_cents: keep, ship_name: full_name, ship_address: street, gift_note: text,
    placed_at: keep}}
  public.order_items: {columns: {order_id: keep, product_id: keep, quantity: keep,
    price_cents: keep}}
  public.tickets: {columns: {id: keep, customer_id: keep, email: email, subject: text, body: text,
    status: keep, created_at: keep}}
  public.events: {columns: {id: keep, kind: keep, payload: json, occurred_at: keep}}
  public.outbox: {rows: none}
  public.schema_migrations: {rows: all, columns: {version: keep, applied_at: keep}}
"""


def test_the_demos_customers_become_other_people(
    postgres_dsn: str, place: Place, tmp_path: object
) -> None:
    from greenroom.demo.production_data import fill_production

    fill_production(postgres_dsn, customers=300)
    policy = load_policy(POLICY)
    said: list[str] = []

    def plan(snapshot: Snapshot) -> SyncPlan:
        schema = read_schema(snapshot.connection)
        people = Identities()
        for table, column, method in identity_columns(policy, schema):
            people.harvest(method, distinct_values(snapshot.connection, table, column.name))
        pseudonyms = Pseudonyms(b"k" * 32, is_original=people.knows)
        return make_plan(policy, schema, pseudonyms, TextMasker(pseudonyms, people))

    result = run_sync(Settings(home=str(tmp_path)), postgres_dsn, place, plan, said.append)
    staging = on_database(place.server_url, place.live)
    assert result.rows["public.customers"] == 300
    assert result.proof.leaks == []
    assert value(staging, "select count(distinct email) from customers") == 300
    assert (
        value(staging, "select count(*) from customers where email !~ '@example[.](com|net|org)$'")
        == 0
    )
    joined = "select count(*) from tickets t join customers c on t.email = c.email"
    assert value(staging, joined) == value(postgres_dsn, joined)
    assert value(staging, "select count(*) from outbox") == 0
