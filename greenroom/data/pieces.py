"""Long fields of COPY as pieces that lap over: what is sought stands whole in one. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from greenroom.data.encodings import wide_texts
from greenroom.data.rows import unescape_octets

SEPARATOR = b"\0"
"""An octet that no text of Postgres can hold."""
NEAR = 4096
"""Octets in which a blank is looked for, to cut there."""


def texts(field: bytes, size: int, overlap: int, *, has_encoding: bool = True) -> Iterator[bytes]:
    """Give what a field of text holds."""
    for piece in _cut(field, max(size, 4 * overlap), overlap):
        octets = unescape_octets(piece)
        yield octets if has_encoding else _both_readings(octets)


def texts_in_octets(field: bytes, size: int, overlap: int) -> Iterator[bytes]:
    r"""Give the texts in a field of octets, which COPY prints as ``\\x`` and hexadecimal digits."""
    size = max(size, 4 * overlap)
    for start in range(0, max(1, (len(field) - 3) // 2), size - overlap):
        piece = field[3 + 2 * start : 3 + 2 * (start + size)]
        octets = bytes.fromhex(piece.decode())
        yield _with_blanks(octets)
        yield from wide_texts(octets)
        if 3 + 2 * (start + size) >= len(field):
            return


def _cut(field: bytes, size: int, overlap: int) -> Iterator[bytes]:
    start = 0
    while len(field) - start > size:
        end = _place(field, start + size)
        after = _place(field, max(0, end - overlap))
        if not start < after <= end:  # nowhere to cut
            break
        yield field[start:end]
        start = after
    yield field[start:]


def _place(field: bytes, at: int) -> int:
    """Give a place near ``at``, and not after it, that cuts no escape and if possible no word."""
    blank = field.rfind(b" ", max(0, at - NEAR), at)
    if blank >= 0:
        return blank + 1
    while at and field[at - 1] == ord("\\"):
        at -= 1
    return at


def _both_readings(octets: bytes) -> bytes:
    """Give octets of no encoding as they are and, if they are no UTF-8, as Latin-1, too."""
    try:
        octets.decode()
    except UnicodeDecodeError:
        return octets + SEPARATOR + octets.decode("latin-1").encode()
    return octets


def _with_blanks(octets: bytes) -> bytes:
    """Give octets with blanks where they are no text: what stands beside a word is no letter."""
    return octets.decode(errors="replace").replace("\ufffd", " ").encode()
