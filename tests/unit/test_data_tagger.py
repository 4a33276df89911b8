"""The compiled model finds what the plain one finds, to the last bit."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks.talk import Talk
from greenroom.data.kernels import tagging
from greenroom.data.ner import reader
from greenroom.data.ner.features import numbers_of, shape_of
from greenroom.data.ner.tagger import LABELS, Tagger, load_tagger
from greenroom.data.ner.texts import Texts

pytestmark = pytest.mark.unit
ASCII = st.text(st.characters(max_codepoint=127), max_size=60)
SIGNS = st.text("aAbs'-_ \n\t\r\x0b\x1c\x1f\x7f.,19@/", max_size=40)
WORDS = st.lists(
    st.sampled_from(
        ("Maria", "Rossi", "Zarkovia", "Mr.", "17", "Harbour", "Row", ",", "in", "London", "\n\n",
         "Ltd", "'s", "O'Brien", "x-s", "-", "it's", "the", "Write to", "a" * 24, "b" * 25,
         "0a1b2c3d-4e5f-6789-abcd-ef0123456789", "2026-11-23", "ann.berg@mail.example")
    ),
    max_size=20,
).map(" ".join)  # fmt: skip


def made_anew(seed: int) -> Tagger:
    """Give a model of random weights: every label is somewhere the best."""
    dice = np.random.default_rng(seed)
    labels = len(LABELS)
    weights = dice.integers(-127, 128, (1 << 18, labels)).astype(np.int8)
    steps = dice.normal(0, 40, (labels, labels)).astype(np.float32)
    return Tagger(weights, np.float32(0.1), steps, np.zeros(0, np.int64))


@pytest.fixture(scope="module")
def taggers() -> list[Tagger]:
    return [load_tagger(), made_anew(1), made_anew(2)]


@given(st.one_of(ASCII, SIGNS, WORDS))
@example("")
@example("\n\n\n")
@example("Maria's")
@example("-127 Maria " * 700)
@settings(max_examples=400, deadline=None)
def test_a_text_is_labelled_as_plainly(taggers: list[Tagger], text: str) -> None:
    for tagger in taggers:
        assert tagger.find(text) == tagger.find_plainly(text)


def test_what_people_write_is_labelled_as_plainly(taggers: list[Tagger]) -> None:
    makers = Texts(3, ["apple", "bread", "chair", "door"])
    texts = ["".join(part for part, _ in makers.text()) for _ in range(250)]
    found = 0
    for text in (*texts, *Talk(4).texts(100, 0.8), "\n".join(texts)):
        for tagger in taggers:
            made = tagger.find(text)
            assert made == tagger.find_plainly(text), text
            found += bool(made)
    assert found > 500


def test_the_table_of_words_grows_and_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "FIRST_PLACES", 16)
    monkeypatch.setattr(reader, "MOST_PLACES", 256)
    tagger = made_anew(3)
    text = "Maria Rossi of 17 Harbour Row"
    plain = tagger.find_plainly(text)
    for number in range(400):
        assert tagger.find(text) == plain
        tagger.find(f"word{number} {'x' * (number % 40)} {number}")


def test_a_text_of_more_words_than_the_table_holds_is_read_plainly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reader, "FIRST_PLACES", 16)
    monkeypatch.setattr(reader, "MOST_PLACES", 32)
    tagger = made_anew(4)
    text = " ".join(f"w{number}" for number in range(100))
    assert tagger.find(text) == tagger.find_plainly(text)


def test_weights_are_packed_eight_to_a_word() -> None:
    weights = np.arange(-63, 63, dtype=np.int8).reshape(6, 21)
    octets = tagging.packed(weights).view(np.uint8).reshape(6, -1)
    assert (octets[:, :21].astype(int) - 128 == weights).all()


@given(st.one_of(ASCII, st.text(max_size=20)))
@settings(max_examples=300, deadline=None)
def test_a_word_has_the_shape_that_expressions_tell(word: str) -> None:
    made = re.sub(r"[A-ZÀ-ÖØ-Þ]", "X", word)
    made = re.sub(r"\d", "9", re.sub(r"[^\W\d_X]", "x", made))
    assert shape_of(word) == re.sub(r"(.)\1{2,}", r"\1\1", made)
    lower = re.sub(r"\d", "0", word.lower())
    assert numbers_of(word, 3)[:2] == numbers_of(lower, 3)[:2]
