"""A sample of what was kept finds people that nobody masked, and says where, never who."""

from __future__ import annotations

import psycopg
import pytest

from greenroom.data.identities import Identities
from greenroom.data.introspect import read_schema
from greenroom.data.policy import Decision, Policy, TablePolicy
from greenroom.data.pseudonyms import Pseudonyms
from greenroom.data.quasi import kept_columns, measure
from greenroom.data.sample import look_at_kept
from greenroom.data.text import TextMasker

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]


def look(url: str, **methods: str) -> dict[str, object]:
    columns = {name: Decision(method) for name, method in methods.items()}
    policy = Policy({"public.t": TablePolicy(columns=columns)})
    masker = TextMasker(Pseudonyms(b"k" * 32), Identities())
    with psycopg.connect(url, autocommit=True) as connection:
        return look_at_kept(connection, read_schema(connection), policy, masker)


@pytest.fixture
def url(postgres_dsn: str) -> str:
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute("create table t (code text, remark text, n int)")
        connection.execute("insert into t select 'SKU-' || g, case when g % 50 = 0 then"
                           " 'write to ada.lovelace@gmail.com' else 'blue' end, g"
                           " from generate_series(1, 400) g")  # fmt: skip
    return postgres_dsn


def test_nobody_in_codes(url: str) -> None:
    found = look(url, code="keep", remark="text", n="keep")
    assert found["columns"] == 1
    assert found["places"] == {}
    assert "nobody was found" in str(found["words"])


def test_somebody_in_a_kept_text(url: str) -> None:
    found = look(url, code="keep", remark="keep", n="keep")
    assert list(found["places"]) == ["public.t.remark"]  # type: ignore[call-overload]
    assert "lovelace" not in str(found)


def test_nothing_kept(url: str) -> None:
    assert "no column" in str(look(url, code="token", remark="text", n="keep")["words"])


@pytest.mark.parametrize("kind", ["date", "text", "varchar(20)", "timestamptz", "char(10)"])
@pytest.mark.parametrize("method", ["birth_date", "year"])
def test_who_shares_a_birth_date_of_any_type(postgres_dsn: str, kind: str, method: str) -> None:
    columns = {"email": Decision("email"), "born": Decision(method)}
    policy = Policy({"public.p": TablePolicy(columns=columns)})
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(f"create table p (email text, born {kind})")
        connection.execute(
            "insert into p values ('a', '1980-01-02'), ('b', '1980-03-04'), ('c', '1991-05-06')"
        )
        [(table, kept)] = kept_columns(policy, read_schema(connection))
        found = measure(connection, table, kept)
        assert (found.columns, found.rows, found.k) == (("born",), 3, 1)
        assert found.in_small_groups == 3
        if kind != "date" and "time" not in kind:
            connection.execute("update p set born = '04.03.1980'")
            assert measure(connection, table, kept).k == 3, "of these nothing was kept"
