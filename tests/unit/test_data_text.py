"""People in free text: found, and replaced by the same fakes as in the columns."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenroom.data.identities import Identities, fold
from greenroom.data.models import active_models
from greenroom.data.pseudonyms import Pseudonyms
from greenroom.data.schema import Column
from greenroom.data.text import PIECE, TextMasker, pieces

pytestmark = pytest.mark.unit
KEY = Pseudonyms(b"k" * 32)
COLUMN = Column("c", "text", "text")
WORDS = (
    "Grete Öhm", "grete@mail.test", "aa:bb:cc:dd:ee:ff", "fe80::a", "::1", "hello", "x@y.fr", "é",
    "4111 1111 1111 1111", "+49 30 1234567", "17 Harbour Row", "-", "\n", "A-B", "10%",
)  # fmt: skip


def fake(method: str, value: str) -> str:
    made = KEY.for_column(method, COLUMN, {})(value)
    assert made is not None
    return made


@pytest.fixture(scope="module")
def masker() -> TextMasker:
    known = Identities()
    known.harvest("full_name", ["Grete Öhm", "Jo", "Anna Maria Berg"])
    known.harvest("email", ["grete@mail.test"])
    known.harvest("street", ["17 Harbour Row", "5"])
    known.harvest("username", ["gretel99"])
    known.harvest("keep", ["nothing at all"])
    return TextMasker(KEY, known)


def test_known_people_become_their_own_fakes(masker: TextMasker) -> None:
    text = "Dear Grete Öhm,\nwrite to Grete@Mail.test or visit 17 Harbour Row. gretel99"
    made, found = masker.mask(text)
    assert fake("full_name", "Grete Öhm") in made
    assert fake("email", "Grete@Mail.test") in made
    assert fake("email", "grete@mail.test") in made.lower()
    assert fake("street", "17 Harbour Row") in made
    assert fake("username", "gretel99") in made
    assert {f.kind for f in found} == {"PERSON", "EMAIL_ADDRESS", "ADDRESS", "USERNAME"}
    assert "Grete" not in made
    assert "Harbour" not in made


@pytest.mark.parametrize(
    "text", ["GRETE ÖHM", "grete öhm", "Öhm, Grete", "Grete\tÖhm", "Anna Berg", "(Anna Maria Berg)"]
)
def test_names_are_found_however_they_are_written(masker: TextMasker, text: str) -> None:
    made, found = masker.mask(f"It was {text}!")
    assert [f.kind for f in found] == ["PERSON"]
    assert text not in made


@pytest.mark.parametrize("text", ["grete öhmann", "agrete öhm", "grete", "Jo said", "number 5"])
def test_others_are_left_alone(masker: TextMasker, text: str) -> None:
    assert masker.mask(text) == (text, [])


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("stranger@company.com", "EMAIL_ADDRESS"),
        ("write to a.huber@kanzlei.local.", "EMAIL_ADDRESS"),
        ("A.HUBER@MAIL.INTERN", "EMAIL_ADDRESS"),
        ("call +44 20 7946 0958 please", "PHONE_NUMBER"),
        ("ring (212) 555-0187", "PHONE_NUMBER"),
        ("card 4111 1111 1111 1111", "CREDIT_CARD"),
        ("DE89 3704 0044 0532 0130 00", "IBAN_CODE"),
        ("from 203.0.113.9", "IP_ADDRESS"),
    ],
)
def test_strangers_are_found_by_their_pattern(masker: TextMasker, text: str, kind: str) -> None:
    made, found = masker.mask(text)
    assert kind in {f.kind for f in found}
    assert made != text


@pytest.mark.parametrize(
    "text",
    [
        "1712345678", "ORD-2024-123456", "1712345678123", "4.12.0", "12.50", "2026-11-23",
        "2026-11-23 10:11:12", "order 12345678 shipped", "49.123456,8.654321", "",
        "deploy@2.0.1", "app@sha256.locale", "@media.local",
    ],
)  # fmt: skip
def test_ids_times_and_prices_are_nobody(masker: TextMasker, text: str) -> None:
    assert masker.mask(text) == (text, [])


@given(st.lists(st.sampled_from(WORDS), max_size=6))
@settings(max_examples=80, deadline=None)
def test_the_short_way_finds_the_same(masker: TextMasker, words: list[str]) -> None:
    text = " ".join(words)
    short, whole = ([(f.entity_type, f.start, f.end) for f in found]
                    for found in (masker.find(text), masker.find_all(text)))  # fmt: skip
    assert short == whole


def test_a_field_with_one_person_is_that_person(masker: TextMasker) -> None:
    for text in ("Grete Öhm", "grete@mail.test", "GRETEL99", "17 harbour row"):
        (short,), (whole,) = masker.find(text), masker.find_all(text)
        assert (short.entity_type, short.start, short.end) == (
            whole.entity_type, 0, len(text)
        )  # fmt: skip


def test_documents_are_masked_text_by_text(masker: TextMasker) -> None:
    mask = masker.json_kernel("payload")
    made = mask('{"who": "Grete Öhm", "n": [1, 2.50, 12345678901234567890, true, null, ["hi"]]}')
    name = fake("full_name", "Grete Öhm")
    assert made == (
        f'{{"who": "{name}", "n": [1, 2.50, 12345678901234567890, true, null, ["hi"]]}}'
    )


def test_long_texts_are_cut_between_words(masker: TextMasker) -> None:
    text = "some words and Grete Öhm again. " * 600
    made, found = masker.mask(text)
    assert len(found) == 600
    assert "Grete" not in made
    assert all(text[f.start : f.end] == "Grete Öhm" for f in found)


@given(st.text(max_size=400), st.integers(20, 60))
def test_pieces_are_the_whole_text(text: str, size: int) -> None:
    assert "".join(pieces(text, size)) == text
    assert all(len(piece) <= max(size, 1) for piece in pieces(text, size))
    assert PIECE > 1000


@given(st.text(max_size=60))
def test_folding_keeps_every_place(text: str) -> None:
    assert len(fold(text)) == len(text)


def test_a_strict_reading_replaces_what_tells_of_people() -> None:
    strict = TextMasker(Pseudonyms(bytes(32)), Identities(), active_models()).strict
    text = "Mr. Tom Arnold, 43 and German, left Boston on March 3rd, 1998 for Siemens AG."
    made, _ = strict.mask(text)
    for said in ("Tom", "Arnold", "43", "German", "Boston", "March", "1998", "Siemens", "Mr"):
        assert said not in made
    assert made.startswith("Mx. ")
    assert strict.mask(text)[0] == made
    assert strict.mask("Order ORD-2026-123456, version 4.12.0")[0] == (
        "Order ORD-2026-123456, version 4.12.0"
    )


def test_a_strict_reading_rounds_places_in_degrees() -> None:
    strict = TextMasker(Pseudonyms(bytes(32)), Identities(), active_models()).strict
    assert strict.mask("at 52.5200, 13.4050.")[0] == "at 52.5, 13.4."
    assert strict.mask("52.5200\u00b0 N, 13.4050\u00b0 E")[0] == "52.5\u00b0 N, 13.4\u00b0 E"


def test_documents_are_read_strictly_where_that_is_decided() -> None:
    masker = TextMasker(Pseudonyms(bytes(32)), Identities(), active_models())
    document = '{"born": "on March 3rd, 1998 in Boston", "n": 12}'
    assert json.loads(masker.json_kernel("d")(document)) == json.loads(document)
    made = json.loads(masker.strict.json_kernel("d")(document))
    assert made["n"] == 12
    assert "1998" not in made["born"]
    assert "Boston" not in made["born"]
