"""Fakes made together, in compiled code, against those made one by one."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenroom.data.compiled import Kernels, load
from greenroom.data.index import IdentityIndex
from greenroom.data.kernels.fakes import MOST, ROOM
from greenroom.data.pseudonyms import Pseudonyms
from greenroom.data.text import STRICT_KINDS, TextMasker

VALUES = (
    "Ann Other", "José Müller", "ann@mail.test", "Bob.Stone@Mail.Test", "+1 212 555 0100",
    "17 Harbour Row", "Leeds", "10.0.0.1", "fe80::1", "4111 1111 1111 1111", " ", "",
    "DE89370400440532013000", "渡辺", "123-45-6789", "Acme Ltd", "March 3rd, 1998", "Mr.",
    "x" * 5000,
)  # fmt: skip


@cache
def maskers() -> tuple[TextMasker, TextMasker]:
    """Give one that makes fakes together, and one that makes them one by one."""
    load(Path("unused"))
    people = IdentityIndex()
    people.harvest("full_name", ["Ann Other", "José Müller", "渡辺 裕美子"])
    people.harvest("email", ["ann@mail.test"])
    people.harvest(
        "phone", [f"+1 {area} 555 01{n:02d}" for area in range(200, 900) for n in (0, 7)]
    )
    pseudonyms = Pseudonyms(b"k" * 32, is_original=people.knows)
    together, apart = (TextMasker(pseudonyms, people).strict for _ in range(2))
    kernels = Kernels(pseudonyms, people, together)
    together.make_fakes_by(kernels.fakes)
    return together, apart


@given(st.lists(st.tuples(st.sampled_from(STRICT_KINDS), st.sampled_from(VALUES)), max_size=9))
@settings(deadline=None)
def test_they_are_the_same_together(originals: list[tuple[str, str]]) -> None:
    together, apart = maskers()
    assert together._together is not None
    made = together._together(originals)
    for (kind, value), fake in zip(originals, made, strict=True):
        assert fake is None or fake == apart._replace[kind](value), (kind, value)


def test_most_are_made_together() -> None:
    together, _ = maskers()
    assert together._together is not None
    asked = [("PERSON", "Ann Other"), ("EMAIL_ADDRESS", "ann@mail.test"), ("ADDRESS", "1 Elm Row"),
             ("PHONE_NUMBER", "+1 212 555 0100"), ("IP_ADDRESS", "10.0.0.1")]  # fmt: skip
    assert None not in together._together(asked)
    assert together._together([("IBAN_CODE", "DE89370400440532013000")]) == [None]


@pytest.mark.parametrize("count", [MOST + 1, ROOM // 20])
def test_what_is_too_much_at_once_is_left(count: int) -> None:
    together, _ = maskers()
    assert together._together is not None
    assert together._together([("PERSON", "Ann Other " * 4)] * count) == [None] * count


def test_a_text_is_rewritten_alike() -> None:
    together, apart = maskers()
    text = "Ann Other (ann@mail.test, +1 212 555 0100) met José Müller; 10.0.0.1, Mr. Tom Arnold"
    assert together.mask(text) == apart.mask(text)
