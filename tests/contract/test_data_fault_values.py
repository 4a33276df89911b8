"""Values, names and shapes that syncs stop at, or must not stop at."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from greenroom.data.identities import Identities
from greenroom.data.introspect import read_schema
from greenroom.data.load import on_database
from greenroom.data.place import Place
from greenroom.data.plan import make_plan
from greenroom.data.policy import load_policy
from greenroom.data.pseudonyms import Pseudonyms
from greenroom.data.source import Snapshot
from greenroom.data.sync import SyncPlan
from greenroom.data.text import TextMasker
from greenroom.errors import InvalidPolicy, LeakFound, SyncFailed, Undecided
from tests.contract.faults import (
    arrives,
    execute,
    masking,
    place_on,
    plan_for,
    refused,
    value,
)

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]
USERS = """
create domain mail as text constraint is_mail check (value ~ '@');
create table users (id int generated always as identity primary key, email mail,
  phone varchar(12) constraint has_plus check (phone ~ '^[+]'), full_name text not null,
  born date, vat int unique, constraint some_name check (full_name <> '' or phone is null));
insert into users (email, phone, full_name, born, vat) select 'marga' || g || '@mail.test',
  '+1' || 1000000 + g, 'Marga Person' || g, '1980-01-01', g from generate_series(1, 9) g;
create unique index users_email_lower on users (lower(email));
"""


@pytest.fixture
def place(postgres_server: str) -> Iterator[Place]:
    with place_on(postgres_server) as made:
        yield made


@pytest.fixture
def users(postgres_dsn: str) -> str:
    execute(postgres_dsn, USERS)
    return postgres_dsn


# --- decisions that do not fit --------------------------------------------------------------------


def decided(columns: str, table: str = "public.users") -> object:
    def decide(snapshot: Snapshot) -> SyncPlan:
        policy = load_policy(f"version: 1\ntables:\n  {table}: {{columns: {{{columns}}}}}\n")
        return make_plan(policy, read_schema(snapshot.connection), Pseudonyms(b"k" * 32))

    return decide


ALL = "id: keep, email: keep, phone: keep, full_name: keep, born: keep, vat: keep"


@pytest.mark.parametrize(
    ("columns", "table", "kind", "named"),
    [
        (f"{ALL}, nickname: full_name", "public.users", InvalidPolicy, "no column 'nickname'"),
        (ALL.replace(", born: keep", ""), "public.users", Undecided, r"public\.users\.born"),
        (ALL, "public.persons", Undecided, r"public\.users\.id"),
        (ALL.replace("born: keep", "born: email"), "public.users", InvalidPolicy, "users.born"),
    ],
)
def test_a_policy_that_does_not_fit(
    users: str, place: Place, tmp_path: Path, columns: str, table: str, kind: type, named: str
) -> None:
    error = refused(users, place, tmp_path, decided(columns, table))
    assert isinstance(error, kind)
    assert re.search(named, error.message)


def test_a_policy_with_a_table_that_is_gone(users: str, place: Place, tmp_path: Path) -> None:
    both = f"{ALL}}}}}\n  public.gone: {{columns: {{id: keep"
    error = refused(users, place, tmp_path, decided(both))
    assert isinstance(error, InvalidPolicy)
    assert "public.gone" in error.message


CASES = {
    "two fakes of a unique index": (
        {"email": lambda _: "one@example.test"},
        ["users_email_lower", "public.users (email)"], ["greenroom data decide"],
    ),
    "two fakes of a unique constraint": (
        {"vat": lambda _: "7"}, ["users_vat_key", "public.users (vat)"], ["greenroom data decide"],
    ),
    "a check of a column": (
        {"phone": lambda _: "0049"}, ["public.users", "has_plus"],
        ["public.users.phone", "has_plus", "greenroom data decide"],
    ),
    "a check of two columns": (
        {"phone": lambda _: "+7", "full_name": lambda _: ""}, ["public.users", "some_name"],
        ["public.users.phone or public.users.full_name", "greenroom data decide"],
    ),
    "a check of a domain": (
        {"email": lambda _: "nobody"}, ["public.users.email", "is_mail"],
        ["public.users.email", "greenroom data decide"],
    ),
    "longer than the column": (
        {"phone": lambda _: "+10000000000000"}, ["public.users.phone", "too long"],
        ["greenroom data decide"],
    ),
    "no value of the type": (
        {"born": lambda _: "Tuesday"}, ["public.users.born", "invalid input"],
        ["greenroom data decide"],
    ),
    "null where it is forbidden": (
        {"full_name": lambda _: None}, ["public.users.full_name", "not-null"],
        ["greenroom data decide"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_fake_that_does_not_fit(users: str, place: Place, tmp_path: Path, case: str) -> None:
    kernels, said, hinted = CASES[case]
    error = refused(users, place, tmp_path, masking(**kernels))
    assert isinstance(error, SyncFailed)
    assert [text for text in said if text not in error.message] == [], error.message
    assert [text for text in hinted if text not in error.hint] == [], error.hint
    for fake in ("one@", "0049", "nobody", "+1000", "Tuesday"):
        assert fake not in error.message + error.hint


# --- encodings ------------------------------------------------------------------------------------


@pytest.fixture
def without_encoding(postgres_server: str) -> Iterator[str]:
    name = f"ascii_{secrets.token_hex(4)}"
    execute(postgres_server, f"create database {name} template template0 encoding sql_ascii")
    yield on_database(postgres_server, name)
    execute(postgres_server, f"drop database {name} with (force)")


LATIN = b"create table people (id int primary key, full_name text, note text, raw bytea);"
LATIN += b"insert into people values (1, 'J\xf6rg M\xfcller', 'caf\xe9', '\\xff00fe'),"
LATIN += b" (2, 'Marga Pers\xc3\xb6n', 'caf\xc3\xa9', null)"


def test_octets_of_no_encoding_pass_as_they_are(
    without_encoding: str, place: Place, tmp_path: Path
) -> None:
    with psycopg.connect(without_encoding, autocommit=True) as connection:
        connection.pgconn.exec_(LATIN)
    seen: list[str] = []

    def mask(value: str) -> str:
        seen.append(value)
        return "Ägidius"

    staging = arrives(without_encoding, place, tmp_path, masking(full_name=mask))
    notes = "select string_agg(encode(note::bytea, 'hex') || '/' || coalesce(encode(raw, 'hex'),"
    notes += " '-'), ',' order by id) from people"
    assert (
        value(staging, notes) == value(without_encoding, notes) == b"636166e9/ff00fe,636166c3a9/-"
    )
    assert seen == ["Jörg Müller", "Marga Persön"]
    names = "select string_agg(distinct encode(full_name::bytea, 'hex'), ',') from people"
    assert bytes.fromhex(value(staging, names).decode()).decode() == "Ägidius"


@pytest.mark.parametrize("note", [b"ask J\xf6rg M\xfcller", b"\xc3\xa9 and J\xf6rg M\xfcller"])
def test_a_leak_in_no_encoding_is_found(
    without_encoding: str, place: Place, tmp_path: Path, note: bytes
) -> None:
    with psycopg.connect(without_encoding, autocommit=True) as connection:
        connection.pgconn.exec_(LATIN)
        connection.pgconn.exec_(b"update people set note = '" + note + b"' where id = 2")
    error = refused(without_encoding, place, tmp_path, masking(full_name=lambda _: "Anybody"))
    assert isinstance(error, LeakFound)
    assert "people.note" in error.message


# --- sizes ----------------------------------------------------------------------------------------


def test_a_cell_of_a_hundred_megabytes(postgres_dsn: str, place: Place, tmp_path: Path) -> None:
    execute(postgres_dsn, "create table large (id int primary key, t text, b bytea)")
    execute(postgres_dsn, "alter table large alter t set storage external,"
            " alter b set storage external")  # fmt: skip
    execute(postgres_dsn, "insert into large values (1, repeat('some text ', 10000000), null),"
            " (2, null, decode(repeat('00ff', 50000000), 'hex')), (3, 'a', 'b')")  # fmt: skip
    staging = arrives(postgres_dsn, place, tmp_path, masking())
    same = "select string_agg(concat(id, md5(t), md5(b)), ',' order by id) from large"
    assert value(staging, same) == value(postgres_dsn, same)


def test_a_document_with_half_a_letter(postgres_dsn: str, place: Place, tmp_path: Path) -> None:
    """Type json takes a lone surrogate that jsonb and every text refuse."""
    execute(
        postgres_dsn,
        "create table events (id int primary key, said json);"
        r"""insert into events values (1,
        '{"cut": "so \ud83d", "who": "marga@zwiebel.com \ude00"}'),
        (2, '{"\ud800": "marga@zwiebel.com", "n": 1e-7}'), (3, '"marga@zwiebel.com\u0000"')""",
    )
    masker = TextMasker(Pseudonyms(b"k" * 32), Identities())
    decide = masking(said=masker.json_kernel("said"))
    staging = arrives(postgres_dsn, place, tmp_path, decide)
    said = value(staging, "select string_agg(said::text, E'\\n' order by id) from events")
    assert "marga" not in said
    assert r'{"cut": "so \ud83d", "who": ' in said
    assert r"\ude00" in said
    assert r'{"\ud800": ' in said


def test_a_materialized_view_shows_what_hooks_left(
    postgres_dsn: str, place: Place, tmp_path: Path
) -> None:
    execute(
        postgres_dsn,
        "create table settings (id int primary key, api_key text);"
        "insert into settings values (1, 'sk-live-1'); create materialized view keys as"
        " select api_key from settings",
    )

    def decide(snapshot: Snapshot) -> SyncPlan:
        hook = "update settings set api_key = 'none'"
        return replace(plan_for(snapshot.connection), statements=(hook,))

    staging = arrives(postgres_dsn, place, tmp_path, decide)
    assert value(staging, "select api_key from keys") == "none"
