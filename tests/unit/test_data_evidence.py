"""What columns, their constraints, their documents and Presidio say of them."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from faker import Faker

from greenroom.data import evidence, hints
from greenroom.data.discover import propose
from greenroom.data.documents import by_documents
from greenroom.data.findings import scan
from greenroom.data.plan import try_plan
from greenroom.data.policy import Decision, Policy, TablePolicy
from greenroom.data.schema import Column, ForeignKey, Schema, Table

pytestmark = pytest.mark.unit


def decided(
    column: Column, values: Sequence[str] = (), table: str = "things", checks: tuple[str, ...] = (),
    labels: frozenset[str] = frozenset(),
) -> Decision:  # fmt: skip
    schema = Schema((Table("public", table, (column,), checks=checks),))
    samples = {(f"public.{table}", column.name): values}
    found = propose(schema, samples, Policy(), labels=labels, scan=scan)
    return found.policy.tables[f"public.{table}"].columns[column.name]


def test_documents_tell_where_people_are() -> None:
    values = [
        json.dumps({"customer": {"name": f"Anna Beck{n}", "email": f"a{n}@mail.test"}, "n": n})
        for n in range(20)
    ]
    vote = by_documents(values)
    assert vote.method == "json"
    assert "customer.email (email)" in vote.why
    assert "customer.name (full name)" in vote.why
    assert "Beck" not in vote.why
    assert "mail.test" not in vote.why


def test_keys_that_are_people_are_told_and_never_named() -> None:
    vote = by_documents([json.dumps({f"anna{n}@mail.test": {"seen": 1}}) for n in range(20)])
    assert vote.confidence < 0.5
    assert "null is safer" in vote.why
    assert "anna" not in vote.why


def test_keys_that_few_documents_have_are_not_named() -> None:
    vote = by_documents([json.dumps({f"anna{n}": {"email": f"a{n}@b.test"}}) for n in range(50)])
    assert "anna" not in vote.why


def test_documents_that_cannot_be_read() -> None:
    deep: object = "x"
    for _ in range(40):
        deep = [deep]
    vote = by_documents(["{", "", "[]", "3", json.dumps(deep), json.dumps({"a": None}), "[" * 9999])
    assert vote.method == "json"


def test_findings_keep_nothing_that_has_people_in_it() -> None:
    codes = ["a1", "b2", *["d4"] * 30]
    assert decided(Column("x", "text", "text"), codes).method == "keep"
    found = decided(Column("x", "text", "text"), [*codes, "203.0.113.7", "203.0.113.9"])
    assert found.method == "text"
    assert "network addresses" in found.why


def test_findings_confirm_a_text_without_telling_a_value() -> None:
    values = [f"Please write to ana{n}@mail.com about it" for n in range(20)]
    found = decided(Column("remark", "text", "text"), values)
    assert found.method == "text"
    assert "e-mail addresses in 100%" in found.why
    assert "ana" not in found.why


def test_a_check_of_few_words_tells() -> None:
    check = "CHECK (((message)::text = ANY ((ARRAY['a'::character varying])::text[])))"
    assert decided(Column("message", "text", "text"), checks=(check,)).method == "keep"
    assert decided(Column("other", "text", "text"), checks=(check,)).method == "text"
    at = "CHECK ((c17 ~ '@'::text))"
    assert decided(Column("c17", "text", "text"), checks=(at,)).method == "email"


def test_a_comment_tells() -> None:
    found = decided(Column("col7", "text", "text", comment="Family name of the guest, last name"))
    assert found.method == "last_name"
    assert "its comment speaks of" in found.why
    found = decided(Column("state", "text", "text", comment="shipped via this carrier"), ["a"] * 9)
    assert found.method == "keep"


def test_types_of_labels_are_kept_and_unknown_types_are_read() -> None:
    mood, box = Column("m", "mood", "mood"), Column("b", "home", "home")
    assert decided(mood, labels=frozenset({"mood"})).method == "keep"
    assert decided(Column("m", "mood[]", "_mood"), labels=frozenset({"mood"})).method == "keep"
    assert decided(box, labels=frozenset({"mood"})).method == "text"
    assert decided(Column("e", "vector", "vector")).method == "null"


@pytest.mark.parametrize(
    ("values", "what"),
    [
        (["ORD-1", "ORD-2", "ORD-33"], "numbers after"),
        (["1.2.3", "1.2.4", "2.0.0"], "versions"),
        (["1700000000", "1700000001", "1700000555"], "moments"),
        (["4006381333931", "9780306406157", "5901234123457"], "articles"),
        (["12.50", "1.99", "3.00"], "fraction"),
        (["k3#a", "9-9", "x"], ""),
        (["4006381333932", "9780306406158", "5901234123458"], ""),
        (["AB-1", "CD-2", "EF-3", "GH-4", "IJ-5"], ""),
        ([], ""),
    ],
)
def test_numbers_of_things_are_told_from_peoples(values: list[str], what: str) -> None:
    assert what in evidence.of_things(values)
    assert bool(evidence.of_things(values)) == bool(what)


@pytest.mark.parametrize(
    ("values", "is_opaque"),
    [
        ([f"catalog/oak-tables/round_table_{n}" for n in range(20)], False),
        ([f"{n:040x}"[::-1] for n in range(10**45, 10**46, 10**45)], True),
    ],
)
def test_paths_of_words_are_no_keys(values: list[str], is_opaque: bool) -> None:
    assert evidence.is_opaque(values) == is_opaque


@pytest.mark.parametrize(
    ("table", "name", "method"),
    [
        ("users", "name", "full_name"), ("tags", "name", None), ("accounts", "name", "company"),
        ("api_clients", "name", None), ("hosts", "ip_adresse", "ip"), ("x", "mac_address", "mac"),
        ("x", "linkedInUrl", "url"), ("x", "numero_seguridad_social", "national_id"),
        ("phone_numbers", "number", "phone"), ("user_emails", "address", "email"),
        ("social_accounts", "name", "username"), ("orders", "number", None),
        ("judges", "name", "full_name"), ("users", "uid", "token"), ("jobs", "uid", None),
        ("x", "correo", "email"), ("x", "usuario", "username"), ("x", "ip_address", "ip"),
    ],
)  # fmt: skip
def test_names_of_columns(table: str, name: str, method: str | None) -> None:
    column = Column(name, "text", "text")
    vote = hints.by_name(Table("public", table, (column,)), column)
    assert (vote.method if vote else None) == method


@pytest.mark.parametrize(
    ("name", "kind", "length", "nullable", "method"),
    [
        ("postcode", "varchar", 10, True, "digits"), ("dob", "date", None, True, "date"),
        ("login", "varchar", 6, True, "null"), ("login", "varchar", 6, False, "text"),
        ("email", "varchar", 80, False, "email"), ("pin", "varchar", 8, False, "digits"),
    ],
)  # fmt: skip
def test_unique_columns_get_fakes_that_differ(
    name: str, kind: str, length: int | None, nullable: bool, method: str
) -> None:
    column = Column(name, kind, kind, length, is_nullable=nullable, is_unique=True)
    values = ["12345678", "23456789", "34567890"] if name == "pin" else []
    found = decided(column, values)
    assert found.method == method
    if method in ("null", "text"):
        assert (found.confidence or 1) < 0.5


def test_a_unique_key_of_several_columns_is_told() -> None:
    columns = (Column("shop", "int4", "int4"), Column("full_name", "text", "text"))
    schema = Schema((Table("public", "t", columns, uniques=(("shop", "full_name"),)),))
    found = propose(schema, {}, Policy()).policy.tables["public.t"].columns["full_name"]
    assert "may collide" in found.why
    assert (found.confidence or 1) <= 0.6


def joined(one: Column, many: Column, before: Policy | None = None) -> tuple[Decision, Decision]:
    key = ForeignKey("f", (many.name,), "public.ones", (one.name,))
    schema = Schema(
        (Table("public", "ones", (one,)), Table("public", "many", (many,), foreign_keys=(key,)))
    )
    samples = {("public.many", many.name): ["Red wine", "Beer", "Rose"] * 9}
    found = propose(schema, samples, before or Policy()).policy
    try_plan(found, schema)
    return (
        found.tables["public.ones"].columns[one.name],
        found.tables["public.many"].columns[many.name],
    )


def test_a_key_follows_the_end_that_must_stay_unique() -> None:
    one = Column("zip", "text", "text", is_unique=True)
    both = joined(one, Column("zip_code", "text", "text"))
    assert [decision.method for decision in both] == ["digits", "digits"]


def test_a_key_follows_what_somebody_decided_with_its_options() -> None:
    mine = Decision("postcode", {"keep": 2}, "two digits are enough", "ada")
    before = Policy({"public.many": TablePolicy(columns={"zip": mine})})
    one, many = joined(Column("code", "text", "text"), Column("zip", "text", "text"), before)
    assert many is mine
    assert (one.method, one.options, one.by) == ("postcode", {"keep": 2}, "discovered")
    assert "two digits are enough" in one.why


def test_a_key_that_one_end_knows_as_a_code_is_kept() -> None:
    check = Column("code", "mood", "text", is_unique=True)
    assert [d.method for d in joined(check, Column("kind", "text", "text"))] == ["keep", "keep"]


@pytest.mark.parametrize(
    ("make", "method"),
    [
        ("first_name", "first_name"), ("last_name", "last_name"), ("city", None), ("job", None),
        ("color_name", None), ("word", None), ("country", None), ("month_name", None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("locale", ["en_US", "de_DE", "fr_FR", "es_ES"])
def test_names_alone_are_told_from_other_words(make: str, method: str | None, locale: str) -> None:
    fake = Faker(locale)
    fake.seed_instance(5)
    values = [str(getattr(fake, make)()).capitalize() for _ in range(200)]
    vote = evidence.by_values(values)
    assert (vote.method if vote else None) == method
