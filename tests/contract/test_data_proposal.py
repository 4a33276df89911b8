"""What discovery proposes is carried out as it stands: a whole sync, proved, without an edit."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import psycopg
import pytest

from greenroom.data.discover import discover
from greenroom.data.identities import Identities
from greenroom.data.introspect import read_schema
from greenroom.data.load import on_database
from greenroom.data.place import Place
from greenroom.data.plan import identity_columns, make_plan
from greenroom.data.pseudonyms import Pseudonyms
from greenroom.data.source import Snapshot, open_source
from greenroom.data.swap import drop
from greenroom.data.sync import Result, SyncPlan, distinct_values, run_sync
from greenroom.data.text import TextMasker
from greenroom.demo.production_data import fill_production
from greenroom.settings import Settings

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]
CLINIC = """
create extension citext; create extension hstore;
create type kin as enum ('mother', 'father');
create table people (id uuid primary key default gen_random_uuid(), login varchar(20) unique,
  "E-Mail" citext unique not null, vorname text, nachname varchar(12), dob date, tel text,
  iban text, plz varchar(5), ort text, tags text[], aliases text[], props hstore, kin kin,
  password_digest text, "Salary" numeric(9, 2), mail_count int, ip inet, searched tsvector);
create table visits (id bigserial primary key, person_mail citext references people ("E-Mail")
  on update cascade, number text unique, reason text, chart jsonb, scan bytea, at timestamptz);
create table sessions (id text primary key, data text);
insert into people (login, "E-Mail", vorname, nachname, dob, tel, iban, plz, ort, tags, aliases,
  props, kin, password_digest, "Salary", mail_count, ip, searched)
  select 'quasimir' || g, 'Quasimir.Zwiebelfisch' || g || '@mail.com', 'Quasimir',
  'Zwiebelfi' || g, date '1960-01-01' + g, '+49 30 9018' || 1000 + g,
  'DE' || lpad(g::text, 20, '0'), lpad((10000 + g)::text, 5, '0'), 'Berlin', '{red,blue}',
  array['quasimir' || g || '@mail.com', 'x'], hstore('note', 'calls Quasimir.Zwiebelfisch' || g
  || '@mail.com'), 'mother', '$2b$12$' || md5(g::text) || md5(g::text), 1000 + g, g,
  ('10.1.' || g % 250 || '.7')::inet, to_tsvector('Quasimir Zwiebelfi' || g)
  from generate_series(1, 300) g;
insert into visits (person_mail, number, reason, chart, scan, at)
  select lower("E-Mail"::text), 'V-2026-' || mail_count, 'wrote from ' || "E-Mail" || ' on Monday',
  jsonb_build_object('patient', jsonb_build_object('email', "E-Mail", 'phone', tel)),
  convert_to("E-Mail"::text, 'UTF8'), now() from people;
insert into sessions values ('abc', 'Quasimir.Zwiebelfisch1@mail.com');
"""


@pytest.fixture
def place(postgres_server: str) -> Iterator[Place]:
    made = Place(postgres_server, f"staging_{secrets.token_hex(4)}")
    yield made
    with psycopg.connect(postgres_server, autocommit=True) as server:
        for name in (made.live, made.next, made.previous):
            drop(server, name)


def sync_as_proposed(url: str, place: Place, home: object) -> Result:
    connection = open_source(url)
    try:
        policy = discover(connection, read_schema(connection)).policy
    finally:
        connection.close()

    def plan(snapshot: Snapshot) -> SyncPlan:
        schema = read_schema(snapshot.connection)
        people = Identities()
        for table, column, method in identity_columns(policy, schema):
            people.harvest(method, distinct_values(snapshot.connection, table, column.name))
        pseudonyms = Pseudonyms(b"k" * 32, is_original=people.knows)
        return make_plan(policy, schema, pseudonyms, TextMasker(pseudonyms, people))

    return run_sync(Settings(home=str(home)), url, place, plan, lambda _: None)


def value(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def test_a_clinic_with_types_of_every_kind(
    postgres_dsn: str, place: Place, tmp_path: object
) -> None:
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(CLINIC)
    result = sync_as_proposed(postgres_dsn, place, tmp_path)
    staging = on_database(place.server_url, place.live)
    assert result.proof.leaks == []
    assert value(staging, "select count(*) from people") == 300
    everything = "select count(*) from {0} t where t::text ~* 'zwiebel|quasimir|5175617369'"
    for table in ("people", "visits", "sessions"):
        assert value(postgres_dsn, everything.format(table)) != 0
        assert value(staging, everything.format(table)) == 0, table
    joined = 'select count(*) from visits v join people p on p."E-Mail" = v.person_mail'
    assert value(staging, joined) == 300
    numbers = "select md5(string_agg(number, ',' order by number)) from visits"
    assert value(staging, numbers) == value(postgres_dsn, numbers)
    assert value(staging, "select count(*) from sessions") == 0


def test_the_demos_shop(postgres_dsn: str, place: Place, tmp_path: object) -> None:
    fill_production(postgres_dsn, customers=200)
    result = sync_as_proposed(postgres_dsn, place, tmp_path)
    staging = on_database(place.server_url, place.live)
    assert result.proof.leaks == []
    same = "select md5(string_agg(p::text, '|' order by p.id)) from products p"
    assert value(staging, same) == value(postgres_dsn, same)
    assert value(staging, "select count(distinct email) from customers") == 200
