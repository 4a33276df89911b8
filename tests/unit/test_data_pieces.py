"""Long fields are cut so that whatever is sought stands whole in a piece."""

from __future__ import annotations

import random

import pytest

from greenroom.data.pieces import texts, texts_in_octets
from greenroom.data.rows import escape

pytestmark = pytest.mark.unit
NEEDLE = "jane.roe@corp.example"
LETTERS = ["a", " ", "\\", "\n", "\t", "ü", "N", "\\\\\\\\", "\\n", "0"]


@pytest.mark.parametrize("seed", range(60))
def test_what_stands_in_a_field_stands_in_a_piece(seed: int) -> None:
    draw = random.Random(seed)
    letters = draw.sample(LETTERS, draw.randint(1, 5))
    before, after = ("".join(draw.choices(letters, k=draw.randint(0, 700))) for _ in range(2))
    field = escape(before + NEEDLE + after)
    pieces = list(texts(field, 128, 32))
    assert any(NEEDLE.encode() in piece for piece in pieces)
    assert sum(map(len, pieces)) >= len((before + NEEDLE + after).encode())
    whole = "".join(before + NEEDLE + after).encode()
    assert all(piece in whole for piece in pieces)  # no escape was cut


@pytest.mark.parametrize("length", [0, 1, 95, 96, 97, 127, 128, 129, 500, 511, 512, 1000])
def test_octets_are_cut_between_octets(length: int) -> None:
    octets = b"\xff" * length + NEEDLE.encode() + b"\x00" * (length // 2)
    pieces = list(texts_in_octets(rb"\\x" + octets.hex().encode(), 128, 32))
    assert any(NEEDLE.encode() in piece for piece in pieces)
    assert list(texts_in_octets(rb"\\x", 128, 32)) == [b""]


def test_what_cannot_be_cut_is_one_piece() -> None:
    field = b"\\\\" * 400
    assert list(texts(field, 128, 32)) == [b"\\" * 400]


def test_texts_of_no_encoding_are_read_twice() -> None:
    (piece,) = texts(b"M\xfcller", 128, 32, has_encoding=False)
    assert piece == b"M\xfcller\0M\xc3\xbcller"
    assert list(texts("Müller".encode(), 128, 32, has_encoding=False)) == ["Müller".encode()]
