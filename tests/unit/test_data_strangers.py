"""People in texts whom no column holds: found by lists of names and by the form of addresses."""

from __future__ import annotations

import pytest

from greenroom.data.identities import Identities
from greenroom.data.pseudonyms import Pseudonyms
from greenroom.data.strangers import find_strangers
from greenroom.data.text import TextMasker

pytestmark = pytest.mark.unit


def found(text: str) -> list[str]:
    return [text[result.start : result.end] for result in find_strangers(text)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Please call Maria Rossi about it.", ["Maria Rossi"]),
        ("MARIA ROSSI", ["MARIA ROSSI"]),
        ("Anna-Lena Müller-Schmidt wrote", ["Anna-Lena Müller-Schmidt"]),
        ("My name is Ludwig van der Berg.", ["Ludwig van der Berg"]),
        ("then John F. Kennedy came", ["John F. Kennedy"]),
        ("Priya Patel met José García.", ["Priya Patel", "José García"]),
        ("Peter Nowak's order", ["Peter Nowak"]),
        ("Mr. Zzyzkowski rang", ["Zzyzkowski"]),
        ("Sehr geehrte Frau Unbekannt", ["Unbekannt"]),
        ("Dear Xaver Unknownname,\nthanks", ["Xaver Unknownname"]),
        ("hi Will, thanks", ["Will"]),
        ("Best regards,\nJohn", ["John"]),
    ],
)
def test_names_of_strangers_are_found(text: str, names: list[str]) -> None:
    assert found(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "She lives at 17 Harbour Row.", "1600 North Elm St", "Hauptstraße 12a", "Lange Gasse 3",
        "12, rue de la Paix", "Calle de Alcalá 5", "Via Roma 10",
    ],
)  # fmt: skip
def test_addresses_of_strangers_are_found(text: str) -> None:
    (address,) = (r for r in find_strangers(text) if r.entity_type == "ADDRESS")
    inside = text[address.start : address.end]
    assert inside.rstrip(".").split()[-1] == text.rstrip(".").split()[-1]
    assert any(letter.isdigit() for letter in inside)


@pytest.mark.parametrize(
    "text",
    [
        "Dear Customer", "Dear Team Support", "Summer Sale on Black Friday", "Rose Gold Lamp",
        "Bell Jug",        "San Diego", "Order Confirmation", "Status: Paid 2026-11-23 10:11",
        "Blue House in North Park Road", "shipped 3 parcels on the way", "a grace period", "Mark",
        "", "ORD-2024-123456", "Invoice 7 Order 12", "version 4 Drive",
    ],
)  # fmt: skip
def test_things_are_nobody(text: str) -> None:
    assert found(text) == []


def test_a_stranger_becomes_the_same_somebody_everywhere() -> None:
    masker = TextMasker(Pseudonyms(b"k" * 32), Identities())
    first, _ = masker.mask("I spoke to Maria Rossi.")
    again, findings = masker.mask("Maria Rossi called at 10:11 from 203.0.113.9")
    assert first.removeprefix("I spoke to ").removesuffix(".") in again
    assert "Rossi" not in first + again
    assert [f.kind for f in findings] == ["PERSON", "IP_ADDRESS"]
    assert masker.mask("Hello there, nothing new.") == ("Hello there, nothing new.", [])
