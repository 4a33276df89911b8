"""COPY's text format, and chunks: pure parts of the copy."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroom.data.chunks import PAGES, Chunk, biggest_first, plan_chunks
from greenroom.data.dump import filter_entries
from greenroom.data.rows import NULL, escape, field_masker, row_masker, unescape
from greenroom.data.schema import Table

pytestmark = pytest.mark.unit
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)))


@given(TEXT)
def test_what_is_written_is_read_again(value: str) -> None:
    field = escape(value)
    assert unescape(field) == value
    assert not set(field) & set(b"\t\n\r")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (rb"a\tb\\c\n", "a\tb\\c\n"), (rb"\x41\101\.", "AA."), (b"", ""), ("ü☂".encode(), "ü☂"),
        (rb"\\N", r"\N"), (rb"\b\f\v\r", "\b\f\v\r"),
    ],
)  # fmt: skip
def test_what_postgres_writes_is_read(field: bytes, value: str) -> None:
    assert unescape(field) == value


def test_a_text_that_looks_like_null_stays_a_text() -> None:
    assert escape(r"\N") != NULL


@given(st.lists(st.one_of(st.none(), TEXT), min_size=3, max_size=5))
def test_only_the_first_fields_are_touched(values: list[str | None]) -> None:
    fields = [NULL if value is None else escape(value) for value in values]
    row = b"\t".join(fields) + b"\n"
    mask = row_masker([field_masker(str.upper), field_masker(lambda _: None, 0)])
    got = mask(row).removesuffix(b"\n").split(b"\t")
    assert got[0] == (NULL if values[0] is None else escape(values[0].upper()))
    assert got[1] == NULL
    assert got[2:] == fields[2:]


def test_the_memory_of_fakes_is_bounded() -> None:
    asked: list[str] = []

    def kernel(value: str) -> str:
        asked.append(value)
        return value * 2

    mask = field_masker(kernel, memory=2)
    assert [mask(b) for b in (b"a", b"a", b"b", b"c", b"a")] == [b"aa", b"aa", b"bb", b"cc", b"aa"]
    assert asked == ["a", "b", "c", "a"]


def table(pages: int, name: str = "t") -> Table:
    return Table("public", name, (), pages=pages, size_bytes=pages * 8192)


@given(st.integers(0, 50_000), st.integers(1, 5_000))
def test_chunks_hold_each_page_once(pages: int, size: int) -> None:
    chunks = plan_chunks(table(pages), 150000, size)
    assert chunks[0].first_page == 0
    assert chunks[-1].end_page is None
    for one, next_one in itertools.pairwise(chunks):
        assert one.end_page == next_one.first_page
    assert [c.number for c in chunks] == list(range(len(chunks)))
    assert all(c.end_page is None or c.end_page - c.first_page == size for c in chunks)


def test_chunks_conditions_and_order() -> None:
    assert Chunk("t", 0).condition == ""
    assert Chunk("t", 1, 5, 9).condition == "ctid >= '(5,0)' and ctid < '(9,0)'"
    assert len(plan_chunks(table(PAGES * 3), 130000)) == 1, "it would read the whole table thrice"
    small, big = table(1, "small"), table(PAGES * 2, "big")
    chunks = plan_chunks(small, 150000) + plan_chunks(big, 150000)
    ordered = biggest_first(chunks, {t.key: t for t in (small, big)})
    assert [c.table for c in ordered] == [big.key, big.key, small.key]
    assert replace(ordered[0], number=9).table == big.key


def test_credentials_and_rights_do_not_come_along() -> None:
    listed = [
        ";", "; Dumped from database version: 15",
        "215; 1259 16390 TABLE public users alice",
        "3; 3079 16384 EXTENSION - citext ",
        "3521; 0 0 COMMENT - EXTENSION citext ",
        "2001; 1417 16500 SERVER - remote alice",
        "2002; 1418 16501 USER MAPPING - USER MAPPING bob SERVER remote alice",
        "2003; 6104 16502 PUBLICATION - all_tables alice",
        "2004; 6100 16503 SUBSCRIPTION - from_there alice",
        "2005; 0 0 ACL public TABLE users alice",
        "2006; 826 16504 DEFAULT ACL public DEFAULT PRIVILEGES FOR TABLES alice",
        "2007; 2620 16505 TRIGGER public users audit alice",
        "2008; 3466 16506 EVENT TRIGGER - watcher alice",
        "2009; 2613 16507 BLOB - 16507 alice",
        "2010; 1259 16508 TABLE public comment alice",
    ]  # fmt: skip
    kept = filter_entries(listed)
    assert [line.split(";")[0] for line in kept if line[0] != ";"] == ["215", "3", "2007", "2010"]
