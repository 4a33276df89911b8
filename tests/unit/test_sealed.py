"""Sealed files open whole, or not at all."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroom.errors import SecretsError
from greenroom.sealed import PART_OCTETS, TAG_OCTETS, open_stream, seal_stream
from greenroom.secrets import generate_key

pytestmark = pytest.mark.unit
KEY = generate_key()


def sealed(*parts: bytes) -> bytes:
    return b"".join(seal_stream(parts, KEY, "test"))


def opened(octets: bytes, key: str = KEY, purpose: str = "test") -> bytes:
    return b"".join(open_stream(io.BytesIO(octets), key, purpose))


@given(st.lists(st.binary(max_size=300), max_size=6))
def test_what_was_sealed_opens(parts: list[bytes]) -> None:
    assert opened(sealed(*parts)) == b"".join(parts)


@pytest.mark.parametrize("size", [0, 1, PART_OCTETS - 1, PART_OCTETS, PART_OCTETS + 1])
def test_at_the_edges_of_a_part(size: int) -> None:
    plain = b"x" * size
    assert opened(sealed(plain)) == plain
    assert plain[:40] not in sealed(plain) or size < 2  # one octet may come up by chance


def test_what_was_changed_does_not_open() -> None:
    whole = sealed(b"a" * PART_OCTETS, b"b" * PART_OCTETS, b"end")
    header, part = 15, PART_OCTETS + TAG_OCTETS
    swapped = whole[:header] + whole[header + part : header + 2 * part]
    swapped += whole[header : header + part] + whole[header + 2 * part :]
    for broken in (
        whole[:-1], whole[: header + part], whole[: header + 2 * part], whole[:header], b"",
        whole[:30] + b"!" + whole[31:], swapped, whole[:header] + whole[header + part :],
        b"GRSEAL2\n" + whole[8:],
    ):  # fmt: skip
        with pytest.raises(SecretsError):
            opened(broken)


def test_another_key_or_purpose_does_not_open_it() -> None:
    with pytest.raises(SecretsError, match="does not open"):
        opened(sealed(b"plain"), generate_key())
    with pytest.raises(SecretsError):
        opened(sealed(b"plain"), purpose="other")
