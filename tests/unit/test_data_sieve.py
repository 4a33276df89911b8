"""The sieve says of no text that somebody cannot be in it where somebody is found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks.talk import Talk
from greenroom.data.compiling import go_plainly
from greenroom.data.identities import Identities
from greenroom.data.kernels import flags
from greenroom.data.kernels.sieve import MOST_RUNS
from greenroom.data.ner.texts import Texts
from greenroom.data.phones import DatabasePhones
from greenroom.data.recognizers import LANGUAGE, analyzer
from greenroom.data.scanner import FastEngine
from greenroom.data.strangers import find_strangers, sieve_of
from greenroom.data.text import KINDS

pytestmark = pytest.mark.unit
PHONES = DatabasePhones()
NAMES = (
    "Maria", "ROSSI", "Peter", "Nowak's", "Anna-Lena", "O'Brien", "Van", "van", "der", "de", "la",
    "Zzyz", "The", "X", "J.", "F", "mr", "Mr.", "Dr", "dear", "Dear", "Hi", "I'm", "thank you",
    "Thank you", "my name is", "This is", "Guten Tag", "je m'appelle", "Mx.Maria", "x-Dear",
    "'dear", "Dear'", "_dear", "1dear", "regards", "Best", "Jean_Luc", "B2B", "Lee-",
    "'Lee", "-Lee",
)  # fmt: skip
STREETS = (
    "17", "17a", "12,", "4bis", "Harbour", "Row", "row", "St.", "North", "Elm", "ROAD", "roaD",
    "Hauptstrasse", "Hauptstr.", "weg", "Weg", "Am", "Alten", "Parkallee", "DAMM", "Elbufer",
    "Keizerstraat", "laan", "Plein", "rue", "Rue", "de", "la", "Paix", "Calle", "Via", "Roma",
    "place", "Way", "3", "1600",
)  # fmt: skip
MARKS = (" ", " ", " ", "  ", "", ".", ", ", ": ", "\n", "\t", "-", "'", "_", "(", "\x1c", " . ")
WORDS = st.lists(
    st.tuples(st.sampled_from((*NAMES, *STREETS)), st.sampled_from(MARKS)), max_size=14
).map(lambda parts: "".join(word + mark for word, mark in parts))
SIGNS = st.text("0123456789abcdefABCDEFbcxgG:.-@_%/ ,+()", max_size=60)
NUMBERS = st.lists(
    st.sampled_from(
        ("2026-11-23", "10:30", "49.90", "4.12.0", "A-12", "ORD-2026-123456", "x", "ext ", "int ",
         "#", ",", ";ext=", " ", "  ", "-", ".", "/", "(", ")", "+", "[", "~", "     ", "at", "to ",
         "nt", "1", "12", "123", "1234", "030", "0301234567", "2125550187", "555", "0187", "44",
         "7946", "0958", "12345678901234567890123", "_", "=", "\n", ":", "call ", "anexo ")
    ),
    max_size=10,
).map("".join)  # fmt: skip
LETTERS = st.text("aAbBdeDEfFgGlLmMrRsStTuUwWzZ 019.,:'-_\n", max_size=60)


@contextmanager
def plainly() -> Iterator[None]:
    go_plainly(True)
    try:
        yield
    finally:
        go_plainly(False)


def strangers(text: str, seen: int = flags.EVERY) -> list[tuple[str, int, int, float]]:
    return [(r.entity_type, r.start, r.end, r.score) for r in find_strangers(text, seen)]


@pytest.fixture(scope="module")
def engine() -> FastEngine:
    return analyzer(Identities())


def hold_strangers(text: str) -> None:
    sieve = sieve_of(text)
    assert sieve is not None
    found = strangers(text, sieve.flags(text))
    assert found == strangers(text)
    with plainly():
        assert sieve_of(text) is None
        assert found == strangers(text)


@given(st.one_of(WORDS, LETTERS))
@example("dear" + " " * 40 + "Maria")
@example("undear" + " " * 36 + "Maria")
@example("Maria Rossi " * (MOST_RUNS + 2) + ". " + "Maria Rossi. " * (MOST_RUNS + 2))
@example("weg 1")
@example("Weg 12")
@settings(max_examples=600, deadline=None)
def test_strangers_are_the_same_as_without_it(text: str) -> None:
    hold_strangers(text)


def test_strangers_in_what_people_write_are_the_same() -> None:
    makers = Texts(3, ["apple", "bread", "chair", "door"])
    texts = [*Talk(4).texts(150, 0.8), *("".join(p for p, _ in makers.text()) for _ in range(300))]
    plain = [text for text in texts if text.isascii()]
    assert len(plain) > 300
    for text in plain:
        hold_strangers(text)
    assert any(map(strangers, plain))


@given(st.one_of(SIGNS, NUMBERS, st.text(st.characters(max_codepoint=127), max_size=60)))
@example("::")
@example("1.2.3.4")
@example("255.255.255.255")
@example("1:2:3:4:5:6:7:8")
@example("aa-bb-cc-dd-ee-ff aa:bb:cc:dd:ee:ff aabb.ccdd.eeff")
@example("1BoatSLRHtKNngkdXEeobR76b53LETtpyT")
@example("DE89370400440532013000")
@example("078-05-1120")
@example("4111 1111 1111 1111")
@settings(max_examples=600, deadline=None)
def test_patterns_are_asked_wherever_they_find_something(engine: FastEngine, text: str) -> None:
    with plainly():
        every = engine.find(text, KINDS)
    plain = engine.analyze(text, language=LANGUAGE, entities=KINDS)
    shown = [
        sorted((r.entity_type, r.start, r.end, round(r.score, 6)) for r in found)
        for found in (engine.find(text, KINDS), every, plain)
    ]
    assert shown[0] == shown[1] == shown[2]


@given(st.one_of(NUMBERS, SIGNS))
@settings(max_examples=400, deadline=None)
def test_phones_are_asked_wherever_they_find_something(text: str) -> None:
    sieve = sieve_of(text)
    assert sieve is not None
    found = PHONES.analyze(text, [])
    seen = sieve.flags(text)
    if not seen & flags.CALL:
        assert all(text[one.start : one.end].isdigit() for one in found)
        assert seen & flags.BARE or not found


def test_most_texts_have_nothing_to_look_for() -> None:
    sieve = sieve_of("")
    assert sieve is not None
    for text in ("", "the parcel was late.", "It is 12 past 10:15", "Thank you. The box",
                 "A-2026-123 of 2026-11-23"):  # fmt: skip
        assert sieve.flags(text) == 0
    assert sieve_of("café") is None
