"""The ways a text can be written: escapes undone, codes decoded, each within the other. Pure.

An original survives in a document within a document, in a link within a message's source, in the
base64 of either. One pass undoes every escape it knows; passes are repeated, so that the order in
which they were put around one another does not matter.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Iterator

from greenroom.data.search import places_of, runs_of_code

PASSES = 3
"""Codes within codes that are undone."""
SHORTEST_CODE = 14
"""Octets of base64 that may hold an original of eight with an escape in it."""
LINE = 60
"""Octets of a line of base64 that is one of several. Source: RFC 2045, section 6.8: 76 at most."""
SEPARATOR = b"\0"
_ESCAPE = re.compile(
    rb"[\\%&=](?:"
    rb"(?<=%)(?P<url>[0-9a-fA-F]{2}(?:%[0-9a-fA-F]{2})*)"
    rb"|(?<=\\)(?:(?P<json>u[0-9a-fA-F]{4}(?:\\u[0-9a-fA-F]{4})*|[\\/\"'ntr])"
    rb"|(?P<hex>x[0-9a-fA-F]{2}(?:\\x[0-9a-fA-F]{2})*))"
    rb"|(?<=&)(?P<html>#?[0-9A-Za-z]{2,31};)"
    rb"|(?<==)(?P<mail>(?:[0-9A-F]{2}|\r?\n)(?:=[0-9A-F]{2}|=\r?\n)*))"
)
"""Any escape: one set of signs at its head makes it quick to look for."""
_SIGNS = (b"\\", b"%", b"&", b"=")
_PLUS = re.compile(rb"(?<=[0-9A-Za-z\x80-\xff])\+(?=[0-9A-Za-z\x80-\xff])")
_NO_HEX = re.compile(rb"[^0-9a-fA-F]")
_WIDE = re.compile(rb"(?:[^\0]\0){4,}[^\0]?|(?:\0[^\0]){4,}")
_BREAK = re.compile(rb"\r?\n[ \t]*")
_PLAIN_ALPHABET = bytes.maketrans(b"-_", b"+/")
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r"}
Named = tuple[str, bytes]
"""How a text was written, and what it says."""


def readings(text: bytes, reach: int) -> Iterator[Named]:
    """Give what a text says when its codes are undone; nothing where it has none.

    ``reach``: octets on both sides of an escape that are read with it.
    """
    waiting: list[Named] = [("", text)]
    for _ in range(PASSES):
        found: list[Named] = []
        for name, written in waiting:
            found += [(_join(name, how), said) for how, said in _once(written, reach)]
        yield from found
        waiting = found


def _join(outer: str, inner: str) -> str:
    return inner if not outer or outer == inner else f"{outer}+{inner}"


def _once(text: bytes, reach: int) -> Iterator[Named]:
    if any(sign in text for sign in _SIGNS):
        part = _around(text, reach)
        if part:
            kinds: set[str] = set()
            said = _ESCAPE.sub(lambda found: _unescape(found, kinds), part)
            if said != part:
                yield "+".join(sorted(kinds)), said
            if kinds & {"url"} and b"+" in said:
                yield "url", _PLUS.sub(b" ", said)
    decoded = list(_decoded(text))
    for name in sorted({name for name, _ in decoded}):
        yield name, SEPARATOR.join(said for other, said in decoded if other == name)


def _around(text: bytes, reach: int) -> bytes:
    """Give the parts of a text that are near an escape."""
    parts: list[tuple[int, int]] = []
    for place in places_of(text, b"".join(_SIGNS)):
        found = _ESCAPE.match(text, place)
        if found is None:
            continue
        start, end = max(0, found.start() - reach), found.end() + reach
        if parts and start <= parts[-1][1]:
            parts[-1] = parts[-1][0], end
        else:
            parts.append((start, end))
    return SEPARATOR.join(text[start:end] for start, end in parts)


def _unescape(found: re.Match[bytes], kinds: set[str]) -> bytes:
    kind, written = str(found.lastgroup), found[0]
    kinds.add("json" if kind == "hex" else kind)
    if kind == "json":
        if written[1:2] != b"u":
            return _LETTERS.get(written[1:2], written[1:2])
        units = bytes.fromhex(written.replace(b"\\u", b"").decode())
        return units.decode("utf-16-be", "replace").encode()
    if kind == "hex":
        return bytes.fromhex(written.replace(b"\\x", b"").decode())
    if kind == "url":
        return bytes.fromhex(written.replace(b"%", b"").decode())
    if kind == "html":
        return html.unescape(written.decode()).encode()
    return bytes.fromhex(re.sub(rb"=\r?\n|=", b"", written).decode())


def _decoded(text: bytes) -> Iterator[Named]:
    """Give what stands in base64 and in hexadecimal digits."""
    for code in _codes(text):
        if len(code) >= 2 * SHORTEST_CODE and not _NO_HEX.search(code):
            yield from _texts("hex", bytes.fromhex(code[: len(code) & ~1].decode()))
        else:
            yield from _of_base64(code)


def _codes(text: bytes) -> Iterator[bytes]:
    """Give the runs of letters and digits that may be a code; wrapped lines as one."""
    together, end = b"", -1
    for start, stop in runs_of_code(text, SHORTEST_CODE):
        code = text[start:stop]
        is_next = end >= 0 and _BREAK.fullmatch(text, end, start) is not None
        if together and not is_next:
            yield together
            together = b""
        together += code
        end = stop if len(code) >= LINE else -1
        if end < 0:
            yield together
            together = b""
    if together:
        yield together


def _of_base64(code: bytes) -> Iterator[Named]:
    plain = code.translate(_PLAIN_ALPHABET)
    for shift in range(4):
        part = plain[shift:]
        part = part[: len(part) - (len(part) % 4 == 1)]
        try:
            octets = base64.b64decode(part + b"=" * (-len(part) % 4))
        except binascii.Error:
            continue
        found = list(_texts("base64", octets))
        if found:
            yield from found
            return


def _texts(name: str, octets: bytes) -> Iterator[Named]:
    """Give octets where they are a text; octets of chance hardly ever are."""
    if b"\0" in octets:
        for said in wide_texts(octets):
            yield f"{name}+utf-16", said
        return
    try:
        octets.decode()
    except UnicodeDecodeError:
        return
    yield name, octets


def wide_texts(octets: bytes) -> Iterator[bytes]:
    """Give the texts in octets that are written with two or more octets a letter."""
    if not _WIDE.search(octets):
        return
    for coding in ("utf-16-le", "utf-16-be"):
        for shift in (0, 1):
            part = octets[shift : len(octets) - (len(octets) - shift) % 2]
            said = part.decode(coding, "replace")
            if sum(map(str.isascii, said[:200])) * 2 > len(said[:200]):
                yield said.replace("\0", " ").replace("\ufeff", " ").encode(errors="replace")
