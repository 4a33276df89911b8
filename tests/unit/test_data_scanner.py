"""The fast scanner finds what plain Presidio finds: no more, no less, with the same scores."""

from __future__ import annotations

from collections.abc import Sequence

import phonenumbers
import pytest
from faker import Faker
from hypothesis import given, settings
from hypothesis import strategies as st
from presidio_analyzer import PatternRecognizer, RecognizerResult

from benchmarks.talk import Talk
from greenroom.data import phones
from greenroom.data.asking import ask
from greenroom.data.choosing import choose
from greenroom.data.identities import Identities
from greenroom.data.phones import DatabasePhones
from greenroom.data.recognizers import LANGUAGE, analyzer
from greenroom.data.scanner import FastEngine
from greenroom.data.text import KINDS

pytestmark = pytest.mark.unit
PHONES = DatabasePhones()
PARTS = (
    "+49 30 1234567", "+1 212 555 0187", "(212) 555-0187", "2125550187", "212555018", "phone",
    "call", "Mobile", "number:", "phone:", "call:", "cell:3", "the", "a", "is", "my", "ssn",
    "social", "078-05-1120", "078051120", "4111 1111 1111 1111", "4111111111111111", "visa",
    "DE89 3704 0044 0532 0130 00", "DE89370400440532013000", "iban", "203.0.113.9", "1.2.3.4.5",
    "::1", "fe80::a", "::ffff:1.2.3.4", "ip", "aa:bb:cc:dd:ee:ff", "aa-bb-cc-dd-ee-ff",
    "aabb.ccdd.eeff", "mac", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT", "grete@mail.test", "x@y.fr",
    "a.b@c.d.e", "<joe@example.com>", "@", "\n", "  ", "\t", ":", ";", ":)", ".", "(", ")", "--",
    "2026-11-23", "10:30", "Grete Öhm", "Maria Rossi", "é", "ü", "\u017f", "\u212a",
    "\uff11\uff12\uff13",
    "17 Harbour Row", "ORD-2024-123456", "e-mail", "don't", "be", "us", "1712345678", "\u0663",
    "x:call", "call-back", "Call", "cell",
    "Mr. Unbekannt", "Dear", "Hauptstraße 12a", "12, rue de la Paix", "4.12.0", "49.90",
)  # fmt: skip
DIGITS = st.text("0123456789 -.()+/x#\n", min_size=4, max_size=40)
NUMBERS = st.lists(
    st.sampled_from(
        ("+49 ", "+1", "(212)", " ", "-", ".", "/", "0", "00", "011", "12", "555", "0187", "030",
         "1234567", "ext. 5", " x12", "#", "$", "%", "a",
         "é", "+", "((", ")", "2026-11-23", "10:30",
         " or ", "44", "7946 0958", "7700", "0800", "\uff11\uff12\uff13", "\u2013")
    ),
    max_size=12,
).map("".join)  # fmt: skip


@pytest.fixture(scope="module")
def engine() -> FastEngine:
    known = Identities()
    known.harvest("full_name", ["Grete Öhm", "Anna Maria Berg"])
    known.harvest("email", ["grete@mail.test"])
    known.harvest("phone", ["+1 212 555 0187"])
    return analyzer(known)


def shown(results: Sequence[RecognizerResult]) -> list[tuple[str, int, int, float]]:
    return sorted((r.entity_type, r.start, r.end, round(r.score, 6)) for r in results)


def both(engine: FastEngine, text: str, context: Sequence[str] = ()) -> tuple[object, object]:
    plain = engine.analyze(text, language=LANGUAGE, entities=KINDS, context=list(context) or None)
    found = engine.find(text, KINDS, context)
    assert shown(choose(engine.find_to_choose(text, KINDS, context), text)) == shown(
        choose(found, text)
    )
    return shown(found), shown(plain)


@given(
    st.lists(st.sampled_from(PARTS), max_size=20), st.sampled_from((" ", " ", "")),
    st.sampled_from(((), ("phone",), ("ip", "addr"), ("order", "number"))),
)  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_any_mixture(engine: FastEngine, parts: list[str], gap: str, context: list[str]) -> None:
    fast, plain = both(engine, gap.join(parts), context)
    assert fast == plain


@given(st.text(max_size=80))
@settings(max_examples=100, deadline=None)
def test_any_text(engine: FastEngine, text: str) -> None:
    fast, plain = both(engine, text)
    assert fast == plain


@given(st.one_of(DIGITS, NUMBERS))
@settings(max_examples=400, deadline=None)
def test_any_digits(text: str) -> None:
    assert shown(PHONES.analyze_fast(text)) == shown(PHONES.analyze(text, []))


@pytest.mark.parametrize("share", [1.0, 0.2])
def test_what_people_write(engine: FastEngine, share: float) -> None:
    found = 0
    for text in Talk(21).texts(120, share):
        fast, plain = both(engine, text)
        assert fast == plain, text
        found += bool(fast)
    assert found > 120 * share * 0.8


def test_what_machines_write(engine: FastEngine) -> None:
    fake = Faker(["en_US", "de_DE", "fr_FR"])
    fake.seed_instance(3)
    makers = (fake.phone_number, fake.email, fake.iban, fake.ipv6, fake.ipv4, fake.mac_address,
              fake.credit_card_number, fake.ssn, fake.iso8601, fake.uuid4, fake.url)  # fmt: skip
    for make in makers:
        for frame in ("{}", "the number is {} since", "phone {} ip {} card {}", "[{}];{}"):
            for _ in range(3):
                text = frame.format(make(), make(), make())
                fast, plain = both(engine, text)
                assert fast == plain, text


@given(st.one_of(DIGITS, NUMBERS), st.sampled_from(("", "1", "0", "00", "+", "11")))
@settings(max_examples=300, deadline=None)
def test_no_valid_number_is_left_unparsed(text: str, first: str) -> None:
    for region in phones.REGIONS:
        plain = phonenumbers.PhoneNumberMatcher(first + text, region, leniency=phones.LENIENCY)
        fast = phones._Matcher(first + text, region, leniency=phones.LENIENCY)
        assert [(m.start, m.end) for m in fast] == [(m.start, m.end) for m in plain]


@pytest.mark.parametrize("number", ["1114425285283", "1 1 (442) 528-5283", "00 49 30 1234567"])
def test_a_prefix_may_stand_before_a_number_twice(number: str) -> None:
    assert shown(PHONES.analyze_fast(number)) == shown(PHONES.analyze(number, []))


@given(
    st.sampled_from(
        ("grete@mail.test", "a@b", "203.0.113.9", "::1", "fe80::a", "aa:bb:cc:dd:ee:ff",
         "1BoatSLRHtKNngkdXEeobR76b53LETtpyT", "078-05-1120", "000-00-0000", "4111111111111111",
         "999.1.1.1")
    ),
    st.text("0123456789abf:.@-", max_size=8),
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_recognizers_are_asked_as_they_would_answer(
    engine: FastEngine, value: str, more: str
) -> None:
    for recognizer in engine.registry.recognizers:
        if isinstance(recognizer, PatternRecognizer):
            for text in (value + more, more + value, f"{value} {more} {value}"):
                plain = recognizer.analyze(text, [], None)  # type: ignore[arg-type]
                assert shown(ask(recognizer, text)) == shown(plain)
