"""The report says what was done, is signed, and shows nothing raw."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from greenroom.data.paper import render
from greenroom.data.policy import Decision, Policy, TablePolicy
from greenroom.data.proof import Proof
from greenroom.data.quasi import Groups, kept_columns
from greenroom.data.report import Facts, canonical, is_signed, make_report, sign
from greenroom.data.schema import Column, Schema, Table
from greenroom.secrets import generate_key

pytestmark = pytest.mark.unit

PEOPLE = Table(
    "public",
    "people",
    (
        Column("id", "bigint", "int8", is_unique=True),
        Column("email", "citext", "citext"),
        Column("gender", "mood", "mood"),
        Column("birthday", "date", "date"),
        Column("paid", "numeric", "numeric"),
        Column("upper_email", "text", "text", is_generated=True),
        Column("<script>", "text", "text"),
    ),
    primary_key=("id",),
)
LOGS = Table("public", "logs", (Column("country", "text", "text"),))
SCHEMA = Schema((PEOPLE, LOGS))
POLICY = Policy(
    {
        "public.people": TablePolicy(
            columns={
                "id": Decision("keep"),
                "email": Decision("email", why="named so", by="discovered", confidence=0.9),
                "gender": Decision("keep"),
                "birthday": Decision("birth_date"),
                "paid": Decision("keep"),
                "<script>": Decision("text", why="<b>&"),
            }
        ),
        "public.logs": TablePolicy(columns={"country": Decision("keep")}),
    }
)
FACTS = Facts(
    project="shop", sync=3, environment="shop/feature", requested_by="ada", policy=POLICY,
    policy_number=2, approved_by="ada", approved_at="2026-11-01T00:00:00+00:00", schema=SCHEMA,
    snapshot_at="2026-11-02T00:00:00+00:00", completed_at="2026-11-02T00:01:00+00:00",
    key_id="abc123", proof=Proof(120, 5_000_000, [], {"public.people.email": 12}, {}),
    rows={"public.people": 12}, distinct={"public.people.email": 12},
    groups=(Groups("public.people", ("gender", "birthday"), 12, 1, 3),),
)  # fmt: skip


def test_only_what_tells_of_people_counts_as_kept() -> None:
    [(table, columns)] = kept_columns(POLICY, SCHEMA)
    assert (table, list(columns)) == (PEOPLE, ["gender", "birthday"])
    assert "/ 5" in columns["birthday"]


def test_every_column_is_in_it_with_its_reason() -> None:
    report = make_report(FACTS)
    columns = {c["column"]: c for c in report["tables"][0]["columns"]}
    assert columns["email"]["method"] == "email"
    assert columns["email"]["why"] == "named so"
    assert columns["email"]["distinct_in_production"] == 12
    assert columns["upper_email"]["method"] == "generated"
    assert len(columns) == len(PEOPLE.columns)
    said = " ".join(report["risks"])
    assert "3 of 12 rows" in said
    assert "Free text (public.people.<script>)" in said
    assert "pseudonymized" in said


def test_its_risks_follow_the_facts() -> None:
    whole = make_report(replace(FACTS, groups=(Groups("public.people", ("gender",), 12, 6, 0),)))
    assert any("has 5 rows or more" in text for text in whole["risks"])
    weak = make_report(replace(FACTS, proof=Proof(weak={"public.people.email": 4})))
    assert any("4 originals are too short" in text for text in weak["risks"])


def test_a_changed_report_is_not_signed() -> None:
    report = make_report(FACTS)
    signature = sign(report, generate_key())
    assert is_signed(json.loads(json.dumps(report)), signature)
    assert not is_signed({**report, "sync": 4}, signature)
    assert not is_signed(report, {**signature, "signature": "AAAA"})
    assert not is_signed(report, {})
    assert canonical({"b": 1, "a": "ä"}) == '{"a":"ä","b":1}'.encode()


def test_the_same_key_signs_as_the_same() -> None:
    key = generate_key()
    report = make_report(FACTS)
    assert sign(report, key) == sign(report, key)
    assert sign(report, key)["public_key"] != sign(report, generate_key())["public_key"]


def test_the_page_shows_all_and_runs_nothing() -> None:
    report = make_report(FACTS)
    page = render(report, sign(report, generate_key()))
    assert "No original was found" in page
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "&lt;b&gt;&amp;" in page
    assert "http" not in page
    leaky = make_report(replace(FACTS, warnings=["its role is a superuser"]))
    assert "its role is a superuser" in render(leaky, None)
