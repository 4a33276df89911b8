"""Laws of discovery, whatever the schema: it decides all, can be carried out, tells no value."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from greenroom.data.discover import propose
from greenroom.data.plan import try_plan
from greenroom.data.policy import Decision, Policy, dump_policy, load_policy, undecided
from greenroom.data.schema import Column, ForeignKey, Schema, Table

pytestmark = pytest.mark.unit

NAMES = (
    "id", "name", "E-Mail", "phone", "zip", "dob", "salary", "notes", "x", "token", "lat", "ip",
    "uid", "status", "Über", 'a "b"', "number", "iban", "avatar", "last4", "city", "label", "n\n",
)  # fmt: skip
TYPES = (
    "text", "varchar", "bpchar", "citext", "int4", "int8", "numeric", "float8", "date",
    "timestamptz", "uuid", "json", "jsonb", "bytea", "bool", "inet", "macaddr", "hstore", "xml",
    "tsvector", "point", "vector", "home", "mood", "_text", "_int4", "_jsonb", "_inet", "_mood",
)  # fmt: skip
VALUES = st.sampled_from(
    ["", " ", "Zwiebelfisch", "q.zwiebel@mail.com", "+49 30 9018201", "192.0.2.77", "{", "[]",
     '{"zwiebel@mail.com": 1}', "DE89370400440532013000", "a" * 5000, "\ud83d\ude00", "0", "\x00"]
) | st.text(max_size=30)  # fmt: skip
WORDS = ("wiebel", "9018201", "192.0.2.77", "5320130")


@st.composite
def schemas(draw: st.DrawFn) -> tuple[Schema, dict[tuple[str, str], list[str]]]:
    tables, samples = [], {}
    for number, table_name in enumerate(draw(st.lists(st.sampled_from(
        ("users", "sessions", "orders", "Tag ☂", "phones", "audits")
    ), min_size=1, max_size=4, unique=True))):  # fmt: skip
        names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=6, unique=True))
        columns = []
        for name in names:
            kind = draw(st.sampled_from(TYPES))
            has_length = kind in ("varchar", "bpchar") and draw(st.booleans())
            columns.append(
                Column(
                    name,
                    kind,
                    kind,
                    draw(st.integers(1, 40)) if has_length else None,
                    is_nullable=draw(st.booleans()),
                    is_unique=draw(st.booleans()),
                    is_generated=draw(st.integers(0, 9)) == 0,
                )
            )
        keys: tuple[ForeignKey, ...] = ()
        if number and draw(st.booleans()):
            target = draw(st.sampled_from(tables))
            here, there = draw(st.sampled_from(columns)), draw(st.sampled_from(target.columns))
            if here.base_type == there.base_type:
                keys = (ForeignKey("f", (here.name,), target.key, (there.name,)),)
        table = Table("public", table_name, tuple(columns), foreign_keys=keys)
        tables.append(table)
        for column in columns:
            samples[table.key, column.name] = draw(st.lists(VALUES, max_size=6))
    return Schema(tuple(tables)), samples


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(schemas())
def test_whatever_the_schema(made: tuple[Schema, dict[tuple[str, str], list[str]]]) -> None:
    schema, samples = made
    found = propose(schema, samples, Policy(), labels=frozenset({"mood"}))
    assert undecided(found.policy, schema) == []
    assert found.vanished == ()
    text = dump_policy(found.policy)
    assert load_policy(text).fingerprint() == found.policy.fingerprint()
    assert not [word for word in WORDS if word in text]
    try_plan(found.policy, schema)
    again = propose(schema, samples, found.policy, labels=frozenset({"mood"}))
    assert again.policy == found.policy
    assert again.new_columns == ()


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(schemas(), st.data())
def test_what_somebody_decided_stays(
    made: tuple[Schema, dict[tuple[str, str], list[str]]], data: st.DataObject
) -> None:
    schema, samples = made
    policy = propose(schema, samples, Policy(), labels=frozenset({"mood"})).policy
    keys = [key for key, table in policy.tables.items() if table.columns]
    if not keys:
        return
    key = data.draw(st.sampled_from(keys))
    name = data.draw(st.sampled_from(sorted(policy.tables[key].columns)))
    mine = Decision("constant", {"value": "x"}, "so", "ada")
    before = Policy({key: type(policy.tables[key])(columns={name: mine})})
    found = propose(schema, samples, before, labels=frozenset({"mood"})).policy
    assert found.tables[key].columns[name] is mine
    assert undecided(found, schema) == []
