"""What counts of findings that overlap."""

from __future__ import annotations

from presidio_analyzer import RecognizerResult

from greenroom.data.choosing import choose
from greenroom.data.identities import Identities
from greenroom.data.models import active_models
from greenroom.data.pseudonyms import Pseudonyms
from greenroom.data.text import TextMasker


def _chosen(text: str, *results: tuple[str, str, float]) -> list[tuple[str, str, str]]:
    found = [
        RecognizerResult(kind, text.index(words), text.index(words) + len(words), score)
        for kind, words, score in results
    ]
    return [
        (one.entity_type, text[one.start : one.end], text[slice(*one.sure)])
        for one in choose(found, text)
    ]


def test_the_surest_wins_and_takes_the_rest_of_its_kind_along() -> None:
    text = "to 17 Harbour Row, Leeds LS1 4DY, please"
    street, whole = "17 Harbour Row", "17 Harbour Row, Leeds LS1 4DY"
    assert _chosen(text, ("ADDRESS", street, 0.95), ("ADDRESS", whole, 0.45)) == [
        ("ADDRESS", whole, street)
    ]
    assert _chosen(text, ("ADDRESS", street, 0.95), ("LOCATION", "Row, Leeds", 0.45)) == [
        ("ADDRESS", "17 Harbour Row, Leeds", street)
    ]


def test_what_is_left_of_another_kind_counts_for_itself() -> None:
    text = "Ann Berg, 0201 555 0134"
    found = [("PHONE_NUMBER", "0201 555 0134", 0.9), ("PERSON", text, 0.45)]
    assert _chosen(text, *found) == [
        ("PERSON", "Ann Berg", "Ann Berg"), ("PHONE_NUMBER", "0201 555 0134", "0201 555 0134"),
    ]  # fmt: skip
    text = "Ann Berg Lindqvist 12 Elm Street"
    found = [
        ("PERSON", "Ann Berg", 0.95), ("PERSON", "Berg Lindqvist", 0.5),
        ("ADDRESS", "Lindqvist 12 Elm Street", 0.45),
    ]  # fmt: skip
    assert _chosen(text, *found) == [
        ("PERSON", "Ann Berg Lindqvist", "Ann Berg"), ("ADDRESS", "12 Elm Street", "12 Elm Street"),
    ]  # fmt: skip
    text = "at Ann Berg 0201"
    found = [("PERSON", "Ann Berg", 0.95), ("DATE_TIME", "Berg 0201", 0.45)]
    assert _chosen(text, *found) == [("PERSON", "Ann Berg", "Ann Berg")]


def test_the_family_name_beside_a_known_user_goes_as_well() -> None:
    masker = _masker(username="hannah", company="Berger")
    assert "Lindqvist" not in masker.mask("Please ask Hannah Lindqvist about the invoice.")[0]
    assert "Thomas" not in masker.mask("Mr. Thomas Berger called about it.")[0]


def test_an_address_is_more_than_who_is_named_in_it() -> None:
    text = "12 Ann Berg Street"
    found = [("PERSON", "Ann Berg", 0.95), ("ADDRESS", text, 0.5)]
    assert _chosen(text, *found) == [("ADDRESS", text, text)]


def test_it_is_widened_no_further_than_its_neighbour() -> None:
    text = "12 Elm Row, 14 Elm Row, Leeds"
    found = [
        ("ADDRESS", "12 Elm Row", 0.95), ("ADDRESS", "14 Elm Row", 0.95), ("ADDRESS", text, 0.45),
    ]  # fmt: skip
    assert [words for _, words, _ in _chosen(text, *found)] == [
        "12 Elm Row, ", "14 Elm Row, Leeds"
    ]  # fmt: skip


def _masker(**known: str) -> TextMasker:
    people = Identities()
    for method, value in known.items():
        people.harvest(method, [value])
    return TextMasker(Pseudonyms(bytes(32)), people, active_models())


def test_the_town_behind_a_known_street_does_not_stay() -> None:
    made, _ = _masker(street="17 Harbour Row").mask("Ship to 17 Harbour Row, Leeds LS1 4DY.")
    assert "Leeds" not in made
    assert "LS1" not in made


def test_words_beside_a_known_name_stay() -> None:
    made, _ = _masker(full_name="Grete Lindqvist").mask("Regards Grete Lindqvist")
    assert made.startswith("Regards ")
    assert "Grete" not in made
