"""Marks of originals against their plain twin."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from faker import Faker
from hypothesis import given, settings
from hypothesis import strategies as st

from greenroom.data.needles import HITS, MarkedNeedles
from greenroom.data.verify import Needles, Origin, Scanner

LOCALES = ["en_US", "de_DE", "el_GR", "ja_JP", "tr_TR"]
ORIGINS = [Origin("t", name) for name in ("name", "mail", "phone", "odd")]


def _values() -> dict[Origin, list[str]]:
    fake = Faker(LOCALES)
    fake.seed_instance(9)
    odd = [
        "x" * 9000, "A  B   Corner", " Padded Name ", "tab\there", "back\\slash", "short", "",
        "12345678", "(0)1234-5678", "STRASSE Straße", "e\u0301clair \u00e9clair", "10.0.0.0/24",
        "a" * 8, "Ab" * 5, "\x7f" * 9,
    ]  # fmt: skip
    return {
        ORIGINS[0]: [fake.name() for _ in range(400)],
        ORIGINS[1]: [fake.email() for _ in range(400)],
        ORIGINS[2]: [fake.phone_number() for _ in range(400)] + ["20123456"], ORIGINS[3]: odd,
    }  # fmt: skip


VALUES = _values()
EVERY = [value for values in VALUES.values() for value in values]
WRITTEN: dict[str, Callable[[str], str]] = {
    "plain": str, "upper": str.upper, "hex": lambda text: text.lower().encode().hex(),
    "bare hex": lambda text: text.strip().encode().hex().upper(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 within": lambda text: base64.b64encode(b"\xff\x01" + text.encode() + b"\xfe").decode(),
    "wrong case": lambda text: base64.b64encode(text.encode()).decode().lower(),
    "digits": lambda text: "".join(sign for sign in text if sign.isdigit()),
    "cut": lambda text: text[:-1], "glued": lambda text: f"x{text}x",
}  # fmt: skip


@pytest.fixture(scope="module")
def both() -> tuple[Scanner, Scanner]:
    made, plain = MarkedNeedles(), Needles()
    for needles in (made, plain):
        for origin, values in VALUES.items():
            needles.add(origin, values)
    assert made.weak == plain.weak
    assert made.longest == plain.longest
    return made.build(), plain.build()


@given(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from(EVERY), st.sampled_from(sorted(WRITTEN))).map(
                lambda one: WRITTEN[one[1]](one[0])
            ),
            st.text(max_size=9), st.sampled_from(["lorem ipsum ", "4930", "-", ", ", "\\u0041"]),
        ), max_size=6,
    ),
    st.sampled_from([" ", "", "\0", ", "]),
)  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_they_find_what_their_twin_finds(
    both: tuple[Scanner, Scanner], parts: list[str], mark: str
) -> None:
    made, plain = both
    text = mark.join(parts).encode(errors="replace")
    assert set(made.hits(text)) == set(plain.hits(text))
    assert made.holds_number(text) == plain.holds_number(text)


@given(st.lists(st.one_of(st.sampled_from(EVERY), st.text(max_size=12)), max_size=20))
@settings(deadline=None)
def test_whole_values_are_looked_up_alike(both: tuple[Scanner, Scanner], values: list[str]) -> None:
    made, plain = both
    octets = [value.replace("\n", "").encode(errors="replace") for value in values]
    for value in octets:
        assert made.whole(value) == plain.whole(value)
    count, likely = made.likely(b"".join(value + b"\n" for value in octets))
    assert count == len(octets)
    assert all(value in likely for value in octets if plain.whole(value) and len(value) >= 8)


def test_originals_too_long_for_marks_are_looked_up_whole(both: tuple[Scanner, Scanner]) -> None:
    made, _ = both
    value = b"x" * 9000
    assert made.likely(b"another line\n" + value + b"\n") == (2, [value])
    assert made.whole(value) is not None


def test_the_first_column_that_has_a_value_is_told() -> None:
    needles = MarkedNeedles()
    needles.add(ORIGINS[0], ["somebody"])
    needles.add(ORIGINS[1], ["Somebody", "somebody else"])
    assert needles.build().find(b"to somebody.") == [(ORIGINS[0], "plain")]


def test_more_are_found_than_one_call_tells() -> None:
    needles = MarkedNeedles()
    values = [f"somebody{number:06}" for number in range(HITS + 900)]
    needles.add(ORIGINS[0], values)
    scanner = needles.build()
    assert len(scanner.hits(" ".join(values).encode())) >= HITS + 900
    assert scanner.hits(values[-1].encode()) != []


def test_originals_that_begin_alike_are_told_apart() -> None:
    values = [
        f"https://cdn.shop.test/u/{number:05}/{'a' * (number % 9)}.png" for number in range(3000)
    ]
    made, plain = MarkedNeedles(), Needles()
    for needles in (made, plain):
        needles.add(ORIGINS[0], values)
    text = " ".join([*values[::3], "https://example.com/x", values[1][:-1]]).encode()
    assert len(made.build().hits(text)) == len(plain.build().hits(text)) == 1000
