"""The search for originals: every encoding is found, and nothing else."""

from __future__ import annotations

import base64
import html
import json
import quopri
import unicodedata
from collections.abc import Callable
from urllib.parse import quote

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenroom.data import search
from greenroom.data.needles import MarkedNeedles
from greenroom.data.numbers import numbers_in
from greenroom.data.pieces import texts_in_octets
from greenroom.data.tally import Findings
from greenroom.data.verify import Needles, Origin, Scanner

pytestmark = pytest.mark.unit
EMAIL = Origin("public.users", "email")
NAME = Origin("public.users", "full_name")
PHONE = Origin("public.users", "phone")


Collector = type[Needles] | type[MarkedNeedles]


@pytest.fixture(scope="module", params=[Needles, MarkedNeedles])
def collector(request: pytest.FixtureRequest) -> Collector:
    kind: Collector = request.param
    return kind


@pytest.fixture(scope="module")
def scanner(collector: Collector) -> Scanner:
    needles = collector()
    needles.add(EMAIL, ["Grete.Öhm@mail.test", "ada@x.test"])
    needles.add(NAME, ["Grete Öhm-Kästner", "Jo"])
    needles.add(PHONE, ["+44 (20) 7946-0958"])
    assert needles.weak == {NAME: 1}
    return needles.build()


LONG = "lorem ipsum dolor sit amet "
MAIL = "Grete.Öhm@mail.test"


CODES: dict[str, Callable[[str], str]] = {
    "json": json.dumps, "url": lambda text: quote(text, errors="replace"), "html": html.escape,
    "base64": lambda text: base64.b64encode(text.encode(errors="replace")).decode(),
    "mail": lambda text: quopri.encodestring(text.encode(errors="replace")).decode(),
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "origin", "encoding"),
    [
        (f"write to {MAIL}.", EMAIL, "plain"),
        (MAIL.upper(), EMAIL, "plain"),
        (f"<{MAIL}>", EMAIL, "plain"),
        (json.dumps({"to": MAIL}), EMAIL, "json"),
        (f"/a?b={quote(MAIL)}&c", EMAIL, "url"),
        (html.escape(MAIL).replace("@", "&#64;"), EMAIL, "html"),
        (MAIL.lower().encode().hex(), EMAIL, "hex"),
        (base64.b64encode(MAIL.encode()).decode(), EMAIL, "base64"),
        (base64.b64encode(f"x{MAIL}y".encode()).decode(), EMAIL, "base64"),
        (base64.b64encode(f"hi {MAIL}!".encode()).decode(), EMAIL, "base64"),
        (quote(quote(MAIL)), EMAIL, "url"),
        (json.dumps(json.dumps({"to": MAIL})), EMAIL, "json"),
        (quote(json.dumps({"to": MAIL})), EMAIL, "url+json"),
        (base64.b64encode(quote(MAIL).encode()).decode(), EMAIL, "base64+url"),
        (base64.b64encode(base64.b64encode(f"-- {MAIL} --".encode())).decode(), EMAIL, "base64"),
        (base64.urlsafe_b64encode(f"{LONG}{MAIL}".encode()).decode(), EMAIL, "base64"),
        (base64.encodebytes(f"{LONG * 4}{MAIL}".encode()).decode(), EMAIL, "base64"),
        (base64.b64encode(MAIL.encode("utf-16-le")).decode(), EMAIL, "base64+utf-16"),
        (MAIL.encode("utf-16").hex(), EMAIL, "hex+utf-16"),
        (quopri.encodestring(f"{MAIL} {'x' * 90} Ö".encode()).decode(), EMAIL, "mail"),
        (html.escape(f"<{MAIL.replace('@', '&#64;')}>"), EMAIL, "html"),
        (MAIL.replace("@", "\\x40"), EMAIL, "json"),
        (unicodedata.normalize("NFD", MAIL), EMAIL, "plain"),
        (quote(unicodedata.normalize("NFD", MAIL)), EMAIL, "url"),
        ("q=%22Grete+%C3%96hm-K%C3%A4stner%22", NAME, "url"),
        ("Dear Grete   Öhm-Kästner,", NAME, "plain"),
        ("dear grete\nöhm-kästner", NAME, "plain"),
        ("call +44 20 7946 0958 now", PHONE, "digits"),
        ("call 442079460958", PHONE, "digits"),
        ("44.20.7946.0958", PHONE, "digits"),
    ],
)
def test_it_is_found(scanner: Scanner, text: str, origin: Origin, encoding: str) -> None:
    assert (origin, encoding) in scanner.find(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "ada@x.testing", "wada@x.test", "Grete Öhm-Kästnerin", "1442079460958", "4420794609581",
        "Jo", "", "442079 then 460958", "\xff\xfe",
    ],
)  # fmt: skip
def test_it_is_something_else(scanner: Scanner, text: str) -> None:
    assert scanner.find(text.encode("latin-1", "replace")) == []


def test_octets_that_are_a_text_of_wide_letters_are_read(scanner: Scanner) -> None:
    for coding in ("utf-16-le", "utf-16-be", "utf-16"):
        field = b"\\\\x" + f"to {MAIL}!".encode(coding).hex().encode()
        pieces = list(texts_in_octets(field, 1 << 20, 1 << 10))
        assert any((EMAIL, "plain") in scanner.find(piece) for piece in pieces), coding


@given(st.text(max_size=60), st.lists(st.sampled_from(sorted(CODES)), max_size=3))
@settings(deadline=None)
def test_codes_around_one_another_are_undone(
    scanner: Scanner, words: str, codes: list[str]
) -> None:
    text = f"{words} {MAIL} {words}"
    for code in codes:
        text = CODES[code](text)
    assert EMAIL in {origin for origin, _ in scanner.find(text.encode(errors="replace"))}


def test_findings_name_places_and_never_values(scanner: Scanner) -> None:
    findings = Findings()
    findings.look("public.tickets.body", f"{MAIL} and {MAIL}".encode(), scanner)
    findings.look("public.tickets.title", b"nobody", scanner)
    (leak,) = findings.leaks
    assert (leak.place, leak.origin, leak.count) == ("public.tickets.body", EMAIL, 1)
    assert "grete" not in repr(findings.leaks).lower()
    assert findings.octets > 20


def lines(values: list[bytes]) -> bytes:
    return b"".join(value + b"\n" for value in values)


@given(
    st.lists(st.from_regex(r"[A-Za-z.]{8,14}", fullmatch=True), max_size=8),
    st.lists(st.binary(max_size=20).map(lambda octets: octets.replace(b"\n", b"")), max_size=8),
)
@settings(max_examples=60, deadline=None)
def test_lines_that_are_a_value_are_likely(known: list[str], others: list[bytes]) -> None:
    needles = MarkedNeedles()
    needles.add(EMAIL, known)
    wanted = [value.encode().lower() for value in known]
    written = [value.encode() for value in known]
    mixed = [*others, *(value.upper() + b"/24" for value in written), *others, *written]
    count, likely = needles.build().likely(lines(mixed))
    assert count == len(mixed)
    assert likely == [v for v in mixed if len(v) >= 8 and v.lower().partition(b"/")[0] in wanted]


def _of_phones(collector: Collector, *numbers: str) -> Scanner:
    needles = collector()
    needles.add(PHONE, numbers)
    return needles.build()


def test_a_few_short_numbers_in_a_column_of_numbers_are_chance(collector: Collector) -> None:
    found, scanner = Findings(), _of_phones(collector, "20 12 34 56", "30123456")
    orders = [b"20123456", *(b"%d" % number for number in range(40_000_000, 40_000_099))]
    texts = [b"order 30123456 of today", *(b"order %d" % number for number in range(99))]
    found.look_whole("orders.id", lines(orders), scanner, are_numbers=True)
    found.weigh("orders.note", b"\0".join(texts), b"\0", scanner)
    assert found.leaks == []
    assert found.coincidences == {"orders.id": 1, "orders.note": 1}


def test_a_column_of_short_numbers_that_are_somebodys_is_a_leak(collector: Collector) -> None:
    numbers = [f"{number}" for number in range(20_123_456, 20_123_476)]
    found, scanner = Findings(), _of_phones(collector, *numbers)
    values = [number.encode() for number in numbers]
    found.look_whole("t.a", lines([*values, b"77", b"99999999"]), scanner, are_numbers=True)
    found.weigh("t.b", b"\0".join(b"call " + value for value in values), b"\0", scanner)
    assert [(leak.place, leak.count) for leak in found.leaks] == [("t.a", 20), ("t.b", 20)]
    assert found.coincidences == {}


def test_one_short_number_in_a_masked_text_is_a_leak(collector: Collector) -> None:
    found = Findings()
    found.look("t.body", b"call 20 12 34 56 please", _of_phones(collector, "20123456"))
    assert [leak.encoding for leak in found.leaks] != []


def test_longer_numbers_and_letters_are_a_leak_wherever_they_are(collector: Collector) -> None:
    found, scanner = Findings(), _of_phones(collector, "+45 20 12 34 56", "AB123456C")
    found.weigh("t.a", b"x\0" * 99 + b"4520123456", b"\0", scanner)
    found.weigh("t.b", b"x\0" * 99 + b"of ab123456c", b"\0", scanner)
    assert [leak.place for leak in found.leaks] == ["t.a", "t.b"]


def test_a_value_of_a_fixed_form_is_an_original_whole_or_not_at_all(collector: Collector) -> None:
    needles = collector()
    needles.add(Origin("t", "ip"), ["203.0.113.77"])
    needles.add(PHONE, ["20123456"])
    found, scanner = Findings(), needles.build()
    found.look_whole(
        "t.uuid", b"20123456-0000-4000-8000-000000000000\n", scanner, are_numbers=False
    )
    found.look_whole("t.moment", b"2012-34-56 20:12\n", scanner, are_numbers=False)
    assert found.leaks == []
    found.look_whole("t.ip", b"203.0.113.77\n203.0.113.78\n", scanner, are_numbers=False)
    assert [leak.place for leak in found.leaks] == ["t.ip"]


def test_without_needles_nothing_is_found(collector: Collector) -> None:
    assert collector().build().find(MAIL.encode()) == []


@given(st.binary(max_size=300), st.sets(st.binary(min_size=8, max_size=12), max_size=20))
def test_compiled_and_plain_search_agree(text: bytes, patterns: set[bytes]) -> None:
    whole = text + b"".join(patterns) + text
    prefixes = np.frombuffer(b"".join(p[:8] for p in patterns), dtype="<u8")
    tables = search.Tables(prefixes)
    octets = np.frombuffer(whole, dtype=np.uint8)
    parts = (tables.small, tables.small_shift, tables.large, tables.large_shift)
    scan = search.compiled()
    assert scan is not None
    if len(whole) >= 8:
        assert scan(octets, *parts).tolist() == search.by_numpy(octets, *parts).tolist()
    for pattern in patterns:
        assert whole.index(pattern) in tables.places(whole).tolist()


def test_a_number_behind_many_that_only_seem_to_be_one_is_found(collector: Collector) -> None:
    needles = collector()
    needles.add(PHONE, ["0000000042", "4930901820"])
    assert needles.build().holds_number(b"0" * 4000 + b" 49 (30) 90-18-20")


@given(st.text("0123456789 -.()/x", max_size=60), st.integers(8, 11))
@settings(max_examples=100, deadline=None)
def test_numbers_are_looked_for_wherever_their_digits_stand(
    collector: Collector, text: str, size: int
) -> None:
    numbers = [number.decode() for number, _, _ in numbers_in(text.encode())]
    needles = collector()
    needles.add(PHONE, [number for number in numbers if len(number) == size])
    octets = text.encode()
    assert needles.build().holds_number(octets) == any(len(number) == size for number in numbers)
