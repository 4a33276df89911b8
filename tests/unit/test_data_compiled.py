"""The compiled kernels against the plain functions: the same octets, whatever comes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenroom.data.compiled import Kernels, load
from greenroom.data.copy import TablePlan
from greenroom.data.identities import Identities
from greenroom.data.models import active_models
from greenroom.data.ops import op_of, travels_binary
from greenroom.data.pseudonyms import Pseudonyms
from greenroom.data.rows import NULL, escape, row_masker
from greenroom.data.schema import Column, Table
from greenroom.data.text import TextMasker

pytestmark = pytest.mark.unit
KEY = b"k" * 32
LETTERS = st.characters(exclude_characters="\0", exclude_categories=("Cs",))
ANY = st.text(LETTERS, max_size=40)
WORD = st.text(st.sampled_from("aBcdÉßüñŁžЖЩд李İ.-'"), min_size=1, max_size=8)
NAMES = st.lists(WORD, min_size=1, max_size=4).map(" ".join)
PHONES = st.from_regex(
    r"(\+|00)?(1|44|49|33|61)?[ (]?[0-9]{2,4}\)?[ .-]?[0-9]{0,9}", fullmatch=True
)
LIKELY: dict[str, st.SearchStrategy[str]] = {
    "email": st.from_regex(r" ?[A-Za-z][a-zÄüß0-9.]{0,9}@[a-z]{2,6}\.(com|de)", fullmatch=True),
    "username": st.from_regex(r"[A-Za-z][a-z0-9_]{2,9}", fullmatch=True),
    "full_name": NAMES, "first_name": NAMES, "last_name": NAMES, "street": NAMES, "city": NAMES,
    "postcode": st.from_regex(r"[A-Z0-9 -]{3,9}", fullmatch=True),
    "token": st.from_regex(r"[A-Za-z0-9_.=-]{1,90}", fullmatch=True),
    "digits": PHONES, "national_id": PHONES, "phone": PHONES,
    "ip": st.one_of(st.ip_addresses().map(str), st.from_regex(r"[0-9.]{7,15}(/[0-9]{1,2})?")),
    "uuid": st.uuids().map(str), "url": st.from_regex(r"https://[a-z]{2,9}\.fr/[a-z]{1,9}"),
    "constant": ANY, "empty": ANY, "null": ANY,
}  # fmt: skip
PEOPLE = Identities()
PEOPLE.harvest("full_name", ["Ann Other", "José Müller", "Wei Li", "Max Mustermann"])
PEOPLE.harvest("email", ["ann@mail.test", "Bob.Stone@mail.test"])
PEOPLE.harvest("phone", [f"+1 {area} 555 01{n:02d}" for area in range(200, 900) for n in (0, 7)])
PSEUDONYMS = Pseudonyms(KEY, is_original=PEOPLE.knows)


def packed(values: Sequence[bytes | None]) -> bytes:
    """Write a row of the binary format."""
    made = len(values).to_bytes(2, "big")
    for value in values:
        made += b"\xff" * 4 if value is None else len(value).to_bytes(4, "big") + value
    return made


def through(
    plan: TablePlan, rows: Sequence[bytes], *, is_binary: bool = False, **room: int
) -> bytes:
    """Mask rows by the kernels."""
    return _through(Kernels(PSEUDONYMS, PEOPLE), plan, rows, is_binary=is_binary, **room)


def _through(
    kernels: Kernels, plan: TablePlan, rows: Sequence[bytes], *, is_binary: bool, **room: int
) -> bytes:
    made: list[bytes] = []
    buffer = np.frombuffer(b"".join(rows), np.uint8)
    kernels.masker(plan, is_binary=is_binary, **room)(
        buffer, buffer.size, lambda octets: made.append(bytes(octets))
    )
    return b"".join(made)


@pytest.fixture(scope="module", autouse=True)
def _loaded(tmp_path_factory: pytest.TempPathFactory) -> None:
    load(tmp_path_factory.mktemp("compiled"))


@cache
def planned(method: str, *, is_unique: bool = False, max_length: int | None = None) -> TablePlan:
    options = {"value": "x\ty"} if method == "constant" else {}
    column = Column("c", "text", "text", max_length=max_length, is_unique=is_unique)
    kernel = PSEUDONYMS.for_column(method, column, options)
    table = Table("public", "t", (column, Column("rest", "text", "text")))
    return TablePlan(table, (("c", kernel),), ops=(op_of(method, column, options, kernel),))


@pytest.mark.parametrize("method", sorted(LIKELY))
@pytest.mark.parametrize("is_unique", [False, True])
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_kernel_is_its_plain_twin(method: str, is_unique: bool, data: st.DataObject) -> None:
    if is_unique and method in ("constant", "empty"):
        return  # no unique column takes them
    plan = planned(method, is_unique=is_unique, max_length=data.draw(st.sampled_from([None, 30])))
    values = data.draw(st.lists(st.one_of(st.none(), LIKELY[method], ANY), min_size=1, max_size=8))
    rest = data.draw(ANY)
    kernel = plan.masked[0][1]
    fields = [NULL if value is None else escape(value) for value in values]
    lines = [field + b"\t" + escape(rest) + b"\n" for field in fields]
    assert through(plan, lines) == b"".join(map(row_masker(plan.field_maskers()), lines))
    tuples = [packed([None if v is None else v.encode(), rest.encode()]) for v in values]
    fakes = [None if value is None else kernel(value) for value in values]
    expected = [packed([None if f is None else f.encode(), rest.encode()]) for f in fakes]
    end = b"\xff\xff"
    assert through(plan, [*tuples, end], is_binary=True) == b"".join((*expected, end))


def test_most_values_are_masked_by_kernels_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = {
        "email": "Jane.Roe@corp.test", "full_name": "Jürgen M. Groß-Łuk", "phone": "+49 30 901820",
        "street": "Hauptstraße 7", "token": "a1B2" * 16, "city": "Köln", "postcode": "10115",
        "ip": "10.0.0.7/24", "uuid": "6f1c1c5e-3b1a-4c7e-9a53-0d3a3b5c7d9e",
    }  # fmt: skip
    for method, value in usual.items():
        plan = planned(method)
        expected = row_masker(plan.field_maskers())(escape(value) + b"\tr\n")
        with monkeypatch.context() as patched:
            patched.setattr(
                TablePlan, "field_maskers", lambda plan: [lambda _: pytest.fail("asked")]
            )
            assert through(plan, [escape(value) + b"\tr\n"]) == expected


def test_rows_that_have_no_room_are_masked_all_the_same() -> None:
    plan = planned("email")
    lines = [b"a%d@x.test\t%s\n" % (n, b"r" * (n * 97 % 3000)) for n in range(60)]
    expected = b"".join(map(row_masker(plan.field_maskers()), lines))
    assert through(plan, lines, room=2048) == expected
    tuples = [packed([b"a%d@x.test" % n, b"r" * (n * 97 % 3000)]) for n in range(60)]
    small = through(plan, tuples, is_binary=True, room=2048)
    assert small == through(plan, tuples, is_binary=True)


# --- documents ------------------------------------------------------------------------------------


@cache
def documents() -> tuple[Kernels, TablePlan]:
    masker = TextMasker(PSEUDONYMS, PEOPLE)
    column = Column("doc", "jsonb", "jsonb")
    kernel = masker.json_kernel("doc")
    plan = TablePlan(
        Table("public", "t", (column,)),
        (("doc", kernel),),
        ops=(op_of("json", column, {}, kernel),),
    )
    return Kernels(PSEUDONYMS, PEOPLE, masker), plan


TEXTS = st.one_of(
    st.sampled_from(
        ["Ann Other", "ann@mail.test", "BOB.STONE@MAIL.TEST", "José Müller", "/p/7", "a\"b\\c\n",
         "deadbeef" * 4, "6f1c1c5e-3b1a-4c7e-9a53-0d3a3b5c7d9e", "+1 200 555 0107", "", "ü☂",
         "Hello, my name is Ann Other", "Dear Frank Miller,", "10.0.0.1", "hello"]
    ),
    st.text(LETTERS, max_size=6),
)  # fmt: skip
DOCUMENTS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 99), TEXTS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["email", "name", "k", 'q"', "ж"]), inner, max_size=3),
    ),
    max_leaves=8,
)


def test_a_strict_column_answers_for_itself_beside_one_that_is_not() -> None:
    masker = TextMasker(PSEUDONYMS, PEOPLE, active_models())
    columns = (Column("a", "jsonb", "jsonb"), Column("b", "jsonb", "jsonb"))
    kernels = (masker.json_kernel("a"), masker.strict.json_kernel("b"))
    plan = TablePlan(
        Table("public", "t", columns), tuple(zip("ab", kernels, strict=True)),
        ops=(op_of("json", columns[0], {}, str), op_of("json_strict", columns[1], {}, str)),
    )  # fmt: skip
    text = '{"k": "on March 3rd, 1998", "l": ["in Boston"]}'
    made = _through(Kernels(PSEUDONYMS, PEOPLE, masker), plan, [f"{text}\t{text}\n".encode()] * 2,
                    is_binary=False)  # fmt: skip
    expected = "\t".join(kernel(text) or "" for kernel in kernels)
    assert made == f"{expected}\n".encode() * 2
    assert "Boston" in expected.split("\t")[0]
    assert "Boston" not in expected.split("\t")[1]


@given(st.lists(DOCUMENTS, min_size=1, max_size=5))
@settings(max_examples=40, deadline=None)
def test_documents_become_what_the_plain_function_makes(values: list[Any]) -> None:
    kernels, plan = documents()
    texts = [json.dumps(value, ensure_ascii=False) for value in values]
    kernel = plan.masked[0][1]
    lines = [escape(text) + b"\n" for text in texts]
    made = _through(kernels, plan, lines * 2, is_binary=False)
    assert made == b"".join(escape(str(kernel(text))) + b"\n" for text in texts * 2)
    tuples = [packed([b"\1" + text.encode()]) for text in texts]
    expected = [packed([b"\1" + str(kernel(text)).encode()]) for text in texts]
    assert _through(kernels, plan, tuples * 2, is_binary=True) == b"".join(expected * 2)


def test_documents_with_half_a_letter() -> None:
    kernels, plan = documents()
    kernel = plan.masked[0][1]
    texts = [r'{"k": "so \ud83d"}', r'["\ude00 ann@mail.test"]']
    lines = [escape(text) + b"\n" for text in texts]
    expected = b"".join(escape(str(kernel(text))) + b"\n" for text in texts)
    assert _through(kernels, plan, lines, is_binary=False) == expected
    assert b"ann@" not in expected


def test_a_constant_longer_than_the_room_beside_a_value() -> None:
    column, value = Column("c", "text", "text"), "<p>" * 2000
    kernel = PSEUDONYMS.for_column("constant", column, {"value": value})
    op = op_of("constant", column, {"value": value}, kernel)
    assert op is None, "the kernels would write it beyond their memory"
    plan = TablePlan(Table("public", "t", (column,)), (("c", kernel),), ops=(op,))
    tuples = [packed([b"x"])] * 300
    assert through(plan, tuples, is_binary=True) == packed([value.encode()]) * 300


def test_what_one_masker_remembers_is_its_own() -> None:
    """Chunks of a table are masked side by side, and after each other, by maskers of one plan."""
    kernels, plan = documents()
    kernel = plan.masked[0][1]
    for texts in (['"an unheard word"'], ['"other"', '"an unheard word"']):
        masker = kernels.masker(plan, is_binary=False)
        for text in texts:
            made: list[bytes] = []
            line = np.frombuffer(escape(text) + b"\n", np.uint8)
            masker(line, line.size, lambda octets, made=made: made.append(bytes(octets)))  # type: ignore[misc]
            assert b"".join(made) == escape(str(kernel(text))) + b"\n"


def test_documents_without_room_and_deep_ones() -> None:
    kernels, plan = documents()
    kernel = plan.masked[0][1]
    deep = "[" * 90 + '"Ann Other"' + "]" * 90
    many = json.dumps([f"somebody {n}" for n in range(200)])
    tuples = [packed([b"\1" + text.encode()]) for text in (deep, many, deep)]
    expected = [packed([b"\1" + str(kernel(text)).encode()]) for text in (deep, many, deep)]
    assert _through(kernels, plan, tuples, is_binary=True, room=4096) == b"".join(expected)


def test_the_binary_format_is_for_types_that_name_no_object() -> None:
    plan = planned("email")
    assert travels_binary(plan.table, plan.op_by_column)
    for other in ("regclass", "oid", "xml", "_mood", "tsvector"):
        table = replace(plan.table, columns=(*plan.table.columns, Column("o", other, other)))
        assert not travels_binary(table, plan.op_by_column)
    unmasked = replace(plan.table, columns=(Column("c", "date", "date"),))
    assert travels_binary(unmasked, {})
    assert not travels_binary(unmasked, {"c": None})
    document = replace(plan.table, columns=(Column("c", "jsonb", "jsonb"),))
    assert not travels_binary(document, {"c": None})
