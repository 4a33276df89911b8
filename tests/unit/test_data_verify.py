"""The search for originals: every encoding is found, and nothing else."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroom.data import search
from greenroom.data.verify import Findings, Needles, Origin, Scanner

pytestmark = pytest.mark.unit
EMAIL = Origin("public.users", "email")
NAME = Origin("public.users", "full_name")
PHONE = Origin("public.users", "phone")


@pytest.fixture(scope="module")
def scanner() -> Scanner:
    needles = Needles()
    needles.add(EMAIL, ["Grete.Öhm@mail.test", "ada@x.test"])
    needles.add(NAME, ["Grete Öhm-Kästner", "Jo"])
    needles.add(PHONE, ["+44 (20) 7946-0958"])
    assert needles.weak == {NAME: 1}
    return needles.build()


MAIL = "Grete.Öhm@mail.test"


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


def test_findings_name_places_and_never_values(scanner: Scanner) -> None:
    findings = Findings()
    findings.look("public.tickets.body", f"{MAIL} and {MAIL}".encode(), scanner)
    findings.look("public.tickets.title", b"nobody", scanner)
    (leak,) = findings.leaks
    assert (leak.place, leak.origin, leak.count) == ("public.tickets.body", EMAIL, 1)
    assert "grete" not in repr(findings.leaks).lower()
    assert findings.octets > 20


def test_without_needles_nothing_is_found() -> None:
    assert Needles().build().find(MAIL.encode()) == []


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
