"""A sample of what was kept finds people that nobody masked, and says where, never who."""

from __future__ import annotations

import psycopg
import pytest

from greenroom.data.identities import Identities
from greenroom.data.introspect import read_schema
from greenroom.data.policy import Decision, Policy, TablePolicy
from greenroom.data.pseudonyms import Pseudonyms
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
