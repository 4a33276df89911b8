"""Discovery: what it proposes for columns that are labelled by hand."""

from __future__ import annotations

from collections import Counter

import pytest

from greenroom.data import evidence
from greenroom.data.discover import Discovery, propose
from greenroom.data.hints import words_of
from greenroom.data.plan import try_plan
from greenroom.data.policy import Decision, Policy, TablePolicy, dump_policy, load_policy, undecided
from greenroom.data.schema import Column, ForeignKey, Schema, Table
from tests.unit.labelled_columns import labelled, numbers

pytestmark = pytest.mark.unit


def is_right(label: str, method: str) -> bool:
    if label == "any":
        return method in ("keep", "text")
    if label == "free":
        return method != "keep"
    return method == label


def test_labelled_columns_are_found() -> None:
    schema, samples, labels = labelled()
    found = propose(schema, samples, Policy()).policy
    assert len(labels) > 500
    wrong, missed, alarms, people, masked = [], 0, 0, 0, 0
    for (table, column), label in labels.items():
        decided = found.tables[table]
        method = decided.columns[column].method if decided.rows == "all" else "keep"
        is_somebodys = label not in ("any", "keep")
        people += is_somebodys
        masked += method not in ("keep", "text")
        missed += is_somebodys and method == "keep"
        alarms += not is_somebodys and method not in ("keep", "text", "json")
        if not is_right(label, method):
            wrong.append(f"{table}.{column}: {label} became {method}")
    assert (people - missed) / people >= 0.99, wrong
    assert (masked - alarms) / masked >= 0.95, wrong
    assert len(wrong) / len(labels) <= 0.02, wrong


def test_ids_times_and_numbers_are_nobody() -> None:
    for kind, values in numbers():
        vote = evidence.by_values(values)
        assert vote is None, (kind, vote)


def test_the_proposal_can_be_carried_out_and_read_again() -> None:
    schema, samples, _ = labelled()
    found = propose(schema, samples, Policy()).policy
    again = load_policy(dump_policy(found))
    assert again.fingerprint() == found.fingerprint()
    assert undecided(again, schema) == []
    try_plan(again, schema)


def test_no_value_is_in_the_proposal() -> None:
    schema, samples, labels = labelled()
    text = dump_policy(propose(schema, samples, Policy()).policy)
    for key, values in samples.items():
        if labels[key] in ("email", "phone", "iban", "card"):
            assert not any(value in text for value in values)


def one(name: str, kind: str = "text", table: str = "things", values: object = ()) -> Decision:
    schema = Schema((Table("public", table, (Column(name, kind, kind),)),))
    samples = {(f"public.{table}", name): list(values)}  # type: ignore[call-overload]
    return propose(schema, samples, Policy()).policy.tables[f"public.{table}"].columns[name]


def test_nothing_unknown_is_kept() -> None:
    assert one("x").method == "text"
    assert one("x", "hstore").method == "text"
    assert one("x", "bytea").method == "binary"
    assert one("x", "jsonb").method == "json"
    assert one("x", "inet").method == "ip"
    assert one("x", "tsvector").method == "null"
    assert one("x", "xml").method == "text"


def test_values_overrule_a_name_that_misleads() -> None:
    mails = [f"somebody{n}@mail.test" for n in range(50)]
    assert one("description", values=mails).method == "email"
    assert one("status", values=mails).method == "email"
    assert one("code", values=[f"Anna Schmidt{'x' * n}" for n in range(30)]).method != "keep"


def test_evidence_is_told_with_its_confidence() -> None:
    decision = one("email", values=[f"a{n}@mail.test" for n in range(20)])
    assert decision.by == "discovered"
    assert "named like" in decision.why
    assert "100%" in decision.why
    assert decision.confidence is not None
    assert decision.confidence > 0.97


def test_decisions_that_are_there_stay() -> None:
    schema = Schema((Table("public", "users", (Column("email", "text", "text"),
                                               Column("phone", "text", "text"))),))  # fmt: skip
    mine = Decision("constant", {"value": "x"}, "so", "ada")
    before = Policy({"public.users": TablePolicy(columns={"email": mine, "gone": mine}),
                     "public.lost": TablePolicy()})  # fmt: skip
    found = propose(schema, {}, before)
    assert found.policy.tables["public.users"].columns["email"] is mine
    assert found.new_columns == (("public.users", "phone"),)
    assert set(found.vanished) == {"public.lost", "public.users.gone"}


def test_both_ends_of_a_foreign_key_become_the_same() -> None:
    users = Table("public", "users", (Column("mail", "citext", "citext", is_unique=True),))
    posts = Table(
        "public", "posts", (Column("written_by", "citext", "citext"),),
        foreign_keys=(ForeignKey("f", ("written_by",), "public.users", ("mail",)),),
    )  # fmt: skip
    found = propose(Schema((users, posts)), {}, Policy()).policy
    assert found.tables["public.posts"].columns["written_by"].method == "email"
    try_plan(found, Schema((users, posts)))


def test_keys_are_kept_on_both_ends() -> None:
    users = Table("public", "users", (Column("id", "uuid", "uuid", is_unique=True),), ("id",))
    posts = Table(
        "public", "tokens_of", (Column("token", "uuid", "uuid"),),
        foreign_keys=(ForeignKey("f", ("token",), "public.users", ("id",)),),
    )  # fmt: skip
    found = propose(Schema((users, posts)), {}, Policy()).policy
    assert found.tables["public.tokens_of"].columns["token"].method == "keep"


def test_tables_that_act_or_let_in_stay_empty() -> None:
    names = ("sessions", "delayed_jobs", "versions", "password_resets", "outbox", "audit_log")
    columns = (Column("data", "text", "text"),)
    schema = Schema(tuple(Table("public", name, columns) for name in names))
    found: Discovery = propose(schema, {}, Policy())
    assert Counter(t.rows for t in found.policy.tables.values()) == {"none": len(names)}
    assert set(found.new_tables) == {f"public.{name}" for name in names}


def test_a_table_that_others_refer_to_is_not_emptied() -> None:
    sessions = Table("public", "sessions", (Column("id", "int8", "int8"),), ("id",))
    carts = Table(
        "public", "carts", (Column("session_id", "int8", "int8"),),
        foreign_keys=(ForeignKey("f", ("session_id",), "public.sessions", ("id",)),),
    )  # fmt: skip
    found = propose(Schema((sessions, carts)), {}, Policy()).policy
    assert found.tables["public.sessions"].rows == "all"


@pytest.mark.parametrize(
    ("name", "words"),
    [("shipAddress2", "ship_address_2"), ("IPAddress", "ip_address"), ("E-Mail", "e_mail"),
     ("user.name", "user_name"), ("dateOfBirth", "date_of_birth"), ("Straße", "strasse")],
)  # fmt: skip
def test_names_are_read_in_words(name: str, words: str) -> None:
    assert words_of(name) == words


def test_a_long_value_costs_little() -> None:
    assert evidence.by_values(["a " * 1000, "A" * 2000, "Ab " * 600] * 60) is None
