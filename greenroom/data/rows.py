"""Rows in COPY's text format: masked fields first, every other octet passed as it came.

Source of the format: PostgreSQL documentation, COPY, "Text Format".
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence

NULL = rb"\N"
MEMORY = 50_000
"""Values of one column whose fakes are remembered: the same few come again and again."""
Kernel = Callable[[str], str | None]
"""A value as Postgres prints it, to what stands for it; None for NULL."""

_ESCAPED = re.compile(rb"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|(.))", re.DOTALL)
_LETTERS = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_SPECIAL = re.compile(rb"[\\\b\f\n\r\t\v]")
_NAMES = {
    b"\\": rb"\\", b"\b": rb"\b", b"\f": rb"\f", b"\n": rb"\n", b"\r": rb"\r", b"\t": rb"\t",
    b"\v": rb"\v",
}  # fmt: skip


def unescape(field: bytes) -> str:
    """Read a field that is not NULL; a database without encoding may hold what is no UTF-8."""
    octets = unescape_octets(field)
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def unescape_octets(field: bytes) -> bytes:
    """Read the octets of a field that is not NULL."""
    return _ESCAPED.sub(_read_escape, field) if b"\\" in field else field


def _read_escape(found: re.Match[bytes]) -> bytes:
    octal, hexadecimal, letter = found.groups()
    if octal:
        return bytes([int(octal, 8) & 0xFF])
    if hexadecimal:
        return bytes([int(hexadecimal, 16)])
    return _LETTERS.get(letter, letter)


def escape(value: str) -> bytes:
    """Write a value that is not NULL as a field."""
    field = value.encode()
    if _SPECIAL.search(field):
        field = _SPECIAL.sub(lambda found: _NAMES[found[0]], field)
    return field


def field_masker(kernel: Kernel, memory: int = MEMORY) -> Callable[[bytes], bytes]:
    """Make a kernel work on fields; ``memory`` 0 for columns whose values come once."""
    known: dict[bytes, bytes] = {}

    def mask(field: bytes) -> bytes:
        if field == NULL:
            return NULL
        found = known.get(field)
        if found is None:
            value = kernel(unescape(field))
            found = NULL if value is None else escape(value)
            if memory:
                if len(known) >= memory:
                    known.clear()
                known[field] = found
        return found

    return mask


def values_of(block: bytes) -> Iterator[str]:
    """Give the values in lines of COPY."""
    if b"\\" not in block:
        with contextlib.suppress(UnicodeDecodeError):
            yield from block[:-1].decode().split("\n")
            return
    yield from map(unescape, block[:-1].split(b"\n"))


def row_masker(maskers: Sequence[Callable[[bytes], bytes]]) -> Callable[[bytes], bytes]:
    """Make a function of rows whose first fields are the masked ones."""
    count = len(maskers)

    def mask(row: bytes) -> bytes:
        fields = row.rstrip(b"\n").split(b"\t", count)
        for number, masker in enumerate(maskers):
            fields[number] = masker(fields[number])
        return b"\t".join(fields) + b"\n"

    return mask
