"""The policy: read, written, checked against a schema; nothing is decided by silence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenroom.data.options import read_options
from greenroom.data.plan import make_plan, suggest_truncates
from greenroom.data.policy import (
    METHODS,
    READING_METHODS,
    Decision,
    Policy,
    TablePolicy,
    check_decided,
    dump_policy,
    load_policy,
    undecided,
)
from greenroom.data.pseudonyms import Pseudonyms
from greenroom.data.schema import Column, ForeignKey, Schema, Table
from greenroom.errors import InvalidPolicy, Undecided

pytestmark = pytest.mark.unit
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)
OPTIONS = {
    "constant": st.fixed_dictionaries(
        {}, optional={"value": st.one_of(TEXTS, st.integers(-9, 9), st.booleans())}
    ),
    "postcode": st.fixed_dictionaries(
        {}, optional={"keep": st.integers(0, 5), "generalise": st.booleans()}
    ),
    "number": st.fixed_dictionaries({}, optional={"percent": st.floats(0.01, 100)}),
    "coordinates": st.fixed_dictionaries({}, optional={"decimals": st.integers(0, 3)}),
}  # fmt: skip
METHODS_WITH_OPTIONS = st.sampled_from(sorted(METHODS)).flatmap(
    lambda method: st.tuples(st.just(method), OPTIONS.get(method, st.just({})))
)
DECISIONS = st.builds(
    lambda both, *rest: Decision(*both, *rest), METHODS_WITH_OPTIONS,
    st.one_of(st.just(""), TEXTS), st.one_of(st.just(""), TEXTS),
    st.one_of(st.none(), st.integers(0, 100).map(lambda n: n / 100)),
)  # fmt: skip
TABLES = st.builds(
    TablePolicy, st.sampled_from(["all", "none", "schema only"]), st.one_of(st.just(""), TEXTS),
    st.dictionaries(TEXTS, DECISIONS, max_size=3),
)  # fmt: skip
POLICIES = st.builds(
    Policy, st.dictionaries(TEXTS, TABLES, max_size=3),
    st.lists(TEXTS, max_size=2).map(tuple), st.lists(TEXTS, max_size=2).map(tuple),
)  # fmt: skip
USERS = Table(
    "public", "users",
    (
        Column("id", "bigint", "int8"), Column("email", "text", "text", is_unique=True),
        Column("shout", "text", "text", is_generated=True),
    ),
)  # fmt: skip
ORDERS = Table(
    "public", "orders_2025", (Column("buyer", "text", "text"),), parent="public.orders",
    foreign_keys=(ForeignKey("f", ("buyer",), "public.users", ("email",)),),
)  # fmt: skip
SCHEMA = Schema((USERS, ORDERS))
OPTION = "version: 1\ntables:\n  t:\n    columns:\n      a: {method: %s, options: {%s}}"
WHOLE = """\
version: 1
tables:
  public.users:
    columns:
      id: keep
      email: {method: email, by: ada, why: "it is one"}
  public.orders:
    where: "total > 0"
    columns: {buyer: email}
hooks:
  truncate: [public.users]
  sql: ["select 1"]
"""


@given(POLICIES)
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_again(policy: Policy) -> None:
    assert load_policy(dump_policy(policy)) == policy
    assert load_policy(dump_policy(policy)).fingerprint() == policy.fingerprint()


def test_reasons_do_not_change_what_it_means() -> None:
    policy = load_policy(WHOLE)
    assert policy.fingerprint() == load_policy(WHOLE.replace("it is one", "so it is")).fingerprint()
    assert (
        policy.fingerprint() != load_policy(WHOLE.replace("id: keep", "id: digits")).fingerprint()
    )
    assert policy.tables["public.users"].columns["email"].why == "it is one"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ("empty",)),
        ("version: 2", ("version must be 1",)),
        ("version: 1\ntabels: {}", ("yaml:2", "tabels", "tables")),
        ("version: 1\ntables:\n  t:\n    columns:\n      a: mask", ("yaml:5", "mask", "email")),
        ("version: 1\ntables: {t: {rows: some}}", ("rows", "schema only")),
        ("version: 1\ntables: {t: {columns: {a: {why: x}}}}", ("no method",)),
        ("version: 1\ntables: {t: {}, t: {}}", ("twice",)),
        ("version: 1\nhooks: {sql: x}", ("must be a list",)),
        ("version: 1\ntables: {t: {where: 2026-02-30}}", ("yaml:2", "t.where", "quotes")),
        ("version: 1\ntables: {t: {sample: true}}", ("percentage",)),
        (OPTION % ("number", "percnt: 5"), ("yaml:5", "t.a", "no option 'percnt'", "percent")),
        (OPTION % ("text_strict", "strict: 1"), ("takes no options",)),
        (OPTION % ("postcode", "keep: -3"), ("keep", "'-3'", "0 to 5")),
        (OPTION % ("postcode", "keep: true"), ("keep", "0 to 5")),
        (OPTION % ("postcode", "generalise: 'no'"), ("true or false",)),
        (OPTION % ("number", "percent: .nan"), ("0.01 to 100",)),
        (OPTION % ("coordinates", "decimals: 9"), ("0 to 3",)),
        ("version: 1\ntables: [", ("not valid YAML",)),
        ("version: &a 1\ntables: *a", ("aliases",)),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(text: str, words: tuple[str, ...]) -> None:
    with pytest.raises(InvalidPolicy) as refused:
        load_policy(text)
    for word in words:
        assert word in refused.value.message + refused.value.hint


def test_options_are_read_by_what_they_take() -> None:
    texts = {"keep": "2", "generalise": "False", "other": "3"}
    assert read_options("postcode", texts) == {"keep": 2, "generalise": False, "other": "3"}
    assert read_options("postcode", {"keep": "two", "generalise": "no"}) == {
        "keep": "two", "generalise": "no",
    }  # fmt: skip
    assert read_options("number", {"percent": "2.5"}) == {"percent": 2.5}
    assert read_options("constant", {"value": "007"}) == {"value": "007"}


def test_a_column_that_nobody_named_stops_everything() -> None:
    policy = load_policy(WHOLE)
    assert undecided(policy, SCHEMA) == []
    grown = replace(USERS, columns=(*USERS.columns, Column("ssn", "text", "text")))
    with pytest.raises(Undecided, match=r"public\.users\.ssn") as refused:
        check_decided(policy, Schema((grown, ORDERS)))
    assert "data discover" in refused.value.hint
    with pytest.raises(Undecided, match=r"public\.orders\.buyer"):
        check_decided(Policy(), Schema((ORDERS,)))


def test_a_column_that_is_not_there_is_refused() -> None:
    policy = load_policy(WHOLE.replace("id: keep", "id: keep\n      gone: keep"))
    with pytest.raises(InvalidPolicy, match="gone"):
        check_decided(policy, SCHEMA)
    other = load_policy(WHOLE + "")
    with pytest.raises(InvalidPolicy, match=r"public\.users"):
        check_decided(other, Schema((ORDERS,)))


def test_a_plan_masks_what_was_decided() -> None:
    plan = make_plan(load_policy(WHOLE), SCHEMA, Pseudonyms(b"k" * 32))
    users, orders = plan.tables
    assert users.columns == ("email", "id")
    assert orders.where == "total > 0"
    email, buyer = users.masked[0][1], orders.masked[0][1]
    assert str(email("Ada@x.test")).lower() == buyer("ada@x.test")
    assert plan.truncated == (USERS.sql,)
    assert plan.statements == ("select 1",)


def test_rows_that_stay_away_need_no_decisions() -> None:
    policy = Policy({"public.users": TablePolicy("none"), "public.orders": TablePolicy("none")})
    plan = make_plan(policy, SCHEMA, Pseudonyms(b"k" * 32))
    assert (plan.tables, plan.schema_only) == ((), (USERS, ORDERS))


def test_both_ends_of_a_key_become_the_same() -> None:
    with pytest.raises(InvalidPolicy, match="refers to"):
        make_plan(
            load_policy(WHOLE.replace("{buyer: email}", "{buyer: username}")), SCHEMA,
            Pseudonyms(b"k" * 32),
        )  # fmt: skip


def test_a_method_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InvalidPolicy, match=r"public\.users\.email.*unique"):
        make_plan(
            load_policy(WHOLE.replace("method: email", "method: empty")), SCHEMA,
            Pseudonyms(b"k" * 32),
        )  # fmt: skip


def test_every_method_can_be_made() -> None:
    column = Column("c", "text", "text")
    for method in METHODS:
        if method not in {"keep", *READING_METHODS}:
            assert Pseudonyms(b"k" * 32).for_column(method, column, {"value": "x"})


def test_queues_and_sessions_are_suggested_to_be_emptied() -> None:
    assert suggest_truncates(Schema((USERS, Table("public", "sessions", ())))) == [
        "public.sessions"
    ]
