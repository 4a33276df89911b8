"""The index of people against its plain twin."""

from __future__ import annotations

import unicodedata
from concurrent.futures import ThreadPoolExecutor

import pytest
from faker import Faker
from hypothesis import given
from hypothesis import strategies as st

from greenroom.data import identities
from greenroom.data.identities import KINDS, Identities, Match, has_unspaced
from greenroom.data.index import FOUND, IdentityIndex

LOCALES = ["en_US", "de_DE", "fr_FR", "el_GR", "tr_TR", "vi_VN", "ar_EG", "ja_JP", "th_TH"]


def _values() -> dict[str, list[str]]:
    fake = Faker(LOCALES)
    fake.seed_instance(5)
    names = [fake.name() for _ in range(400)]
    names += [name.replace(" ", "  ", 1) for name in names[:20]]
    names += [", ".join(name.split(" ", 1)[::-1]) for name in names[20:40] if " " in name]
    names += ["Madonna", "", " Ann  Other ", "Stone,", ", Bob", "O'Brien-Smythe, Anna Lena"]
    names += ["José\tÖz"]
    return {
        "full_name": names,
        "email": [fake.email() for _ in range(200)] + ["Straße@Mail.Test", "a\\b@mail.test"],
        "phone": [fake.phone_number() for _ in range(300)] + ["unknown", "+1 (212) 555-0100"],
        "street": [fake.street_address() for _ in range(200)] + ["x" * 5000, "(((17 Harbour Row"],
        "username": [fake.user_name() for _ in range(200)] + ["_x_y_z_", "ann", f"{'-' * 11}dash"],
        "city": ["Nowhere"],
    }  # fmt: skip


VALUES = _values()
EVERY = [value for values in VALUES.values() for value in values if len(value) < 100]


@pytest.fixture(scope="module")
def both() -> tuple[IdentityIndex, Identities]:
    index, plain = IdentityIndex(), Identities()
    for method, values in VALUES.items():
        index.harvest(method, values)
        plain.harvest(method, values)
    return index, plain


def _tried(plain: Identities, text: str) -> list[Match]:
    """Try every run of words: what is found by an automaton may hide what begins within it."""
    folded = identities.fold(text)
    cuts = [place.start() for place in identities._CUT.finditer(folded)]
    at, found = 0, []
    for number, start in enumerate(cuts):
        for end in reversed(cuts[number + 1 :] if start >= at else ()):
            piece = folded[start:end]
            is_single = piece in plain._singles and text[start].isupper()
            kind = plain._patterns.get(piece) or ("PERSON" if is_single else None)
            if kind:
                found.append(Match(kind, start, end))
                at = end
                break
    return [*found, *plain._find_numbers(text, found)]


def test_it_knows_whom_its_twin_knows(both: tuple[IdentityIndex, Identities]) -> None:
    index, plain = both
    assert len(index) == len(plain) > 1500
    assert all(index._kind_of(way) == kind for way, kind in plain.patterns().items())
    assert all(index._kind_of_number(n) == plain._numbers[n] for n in plain.numbers())
    index.find("a text")
    assert index._told == plain._singles
    assert not index.knows("Somebody Else")
    assert index.knows("12125550100")


@given(
    st.lists(
        st.one_of(
            st.sampled_from(EVERY), st.sampled_from(["the", "Ann", "stone", ",", "(", "\n", "🙂"]),
            st.text(max_size=6), st.sampled_from(EVERY).map(str.upper),
            st.sampled_from(EVERY).map(lambda value: value[:-1]),
        ), max_size=8,
    ),
    st.sampled_from(["", " ", ", ", "-"]),
)  # fmt: skip
def test_it_finds_whom_its_twin_finds(
    both: tuple[IdentityIndex, Identities], parts: list[str], mark: str
) -> None:
    index, plain = both
    text = mark.join(parts)
    found = {(m.kind, m.start, m.end) for m in index.find(text)}
    if has_unspaced(text) or not unicodedata.is_normalized("NFC", text):
        ends = {(m.start, m.end) for m in index.find(text)}
        for match in plain.find(text):  # no less, but for what overlaps with something else
            assert any(start < match.end and match.start < end for start, end in ends)
    else:
        assert found == {(m.kind, m.start, m.end) for m in _tried(plain, text)}


def test_what_overlaps_hides_nobody() -> None:
    index = IdentityIndex()
    index.harvest("full_name", ["Ann Lee", "Lee Smith"])
    text = "Write to Joann Lee Smith."
    assert [text[m.start : m.end] for m in index.find(text)] == ["Lee Smith"]


def test_scripts_without_spaces_and_letters_apart_are_found() -> None:
    index = IdentityIndex()
    index.harvest("full_name", ["渡辺裕美子", "José Müller"])
    text = "今日は渡辺裕美子さん"
    assert [text[m.start : m.end] for m in index.find(text)] == ["渡辺裕美子"]
    apart = unicodedata.normalize("NFD", "für José Müller!")
    (match,) = index.find(apart)
    assert unicodedata.normalize("NFC", apart[match.start : match.end]) == "José Müller"


def test_more_are_found_than_one_call_takes() -> None:
    index = IdentityIndex()
    index.harvest("username", [f"user{number:05}" for number in range(3000)])
    text = " ".join(f"user{number:05}" for number in range(0, 3000, 2))
    assert len(index.find(text)) == 1500 > FOUND


def test_threads_find_at_once(both: tuple[IdentityIndex, Identities]) -> None:
    index, plain = both
    texts = [f"{a} met {b} at noon" for a, b in zip(EVERY, reversed(EVERY), strict=True)]
    texts = [text for text in texts if not has_unspaced(text)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(index._find, texts))
    for text, matches in zip(texts, found, strict=True):
        if unicodedata.is_normalized("NFC", text):
            assert set(matches) == set(_tried(plain, text))


def test_octets_that_are_no_utf8_are_taken_as_their_twin_takes_them() -> None:
    index = IdentityIndex()
    index.harvest_blocks("username", [b"m\xfcller99\nplain_name\n\xc1\x81bcdef\n"])
    assert index.knows("müller99")
    assert index.knows("plain_name")
    assert index.knows(b"\xc1\x81bcdef".decode("latin-1"))


def test_every_kind_can_be_collected() -> None:
    index = IdentityIndex()
    for method in KINDS:
        index.harvest(method, [f"somebody of {method}"])
    kinds = {m.kind for method in KINDS for m in index.find(f"somebody of {method}")}
    assert kinds == set(KINDS.values())


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("\U0001d4e2\U0001d4ea\U0001d4fb \U0001d4e2\U0001d4f6\U0001d4f2", "call {} now", "{}"),
        ("\u023a" * 950 + " \u023anna", "call {} now", "{}"),
        ("Berg, Anna Wojciech", "Yesterday Wojciech called", "Wojciech"),
    ],
)
def test_odd_letters_and_outer_words_are_found(name: str, text: str, found: str) -> None:
    index = IdentityIndex()
    index.harvest("full_name", [name])
    said = text.format(name)
    (match,) = index.find(said)
    assert said[match.start : match.end] == found.format(name)
