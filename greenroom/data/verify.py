"""Proof that nobody came along: every original is looked for in what staging holds.

Needles are the originals of all masked columns; texts are read in every encoding that an original
can survive in. A hit names the place where it was found and the column it came from, never the
value.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from greenroom.data.encodings import readings
from greenroom.data.numbers import LAYOUT, number_of, numbers_in
from greenroom.data.search import Tables

SHORTEST = 8
"""Octets of a needle: shorter ones are ordinary words too often to prove anything."""
FEWEST_OWN_DIGITS = 10
"""Digits of a number that is nobody else's by chance."""
LONGEST_ESCAPE = 40
"""Octets around a needle that an escape may take in, as the longest of HTML's do."""
_LETTER = re.compile(r"[^\W\d_]")
_SPACE = re.compile(r"\s+")
_ODD_SPACE = (b"\n", b"\t", b"\r", b"\f", b"\v")
_WORD = re.compile(rb"[0-9a-z_\x80-\xff]")


@dataclass(frozen=True, order=True)
class Origin:
    """The masked column that a needle came from."""

    table: str
    column: str

    def __str__(self) -> str:
        """Give it as ``table.column``."""
        return f"{self.table}.{self.column}"


@dataclass(frozen=True, order=True)
class Leak:
    """Originals of one column that were found in another place."""

    place: str
    """``table.column`` of staging."""
    origin: Origin
    encoding: str
    count: int


def normalise(value: str) -> str:
    """Fold a value so that layout, case and how accents are written do not hide it."""
    return unicodedata.normalize("NFC", _SPACE.sub(" ", value).strip().casefold())


def base64_cores(value: str) -> list[bytes]:
    """Give what of a value's base64 does not depend on what stands around it, by alignment.

    Base64 tells case apart, and so does the scan for these; originals are tried as they are.
    """
    raw, cores = value.encode(), []
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + raw).rstrip(b"=")
        start = -(-shift * 8 // 6)
        end = len(coded) - (1 if (shift + len(raw)) % 3 else 0)
        cores.append(coded[start:end])
    return [core for core in cores if len(core) >= SHORTEST]


@dataclass(frozen=True)
class Needle:
    """How one original is looked for."""

    origin: Origin
    encoding: str
    exact: bytes = b""
    """What the text must hold where case counts (base64)."""
    is_word: bool = True
    """Whether it must stand alone: as a part of a longer word it is something else."""
    is_short: bool = False
    """Whether it is a number of so few digits that others have it by chance."""


class Needles:
    """Collects originals."""

    def __init__(self) -> None:
        self._found: dict[bytes, Needle] = {}
        self._digits: dict[bytes, Needle] = {}
        self._known: dict[tuple[Origin, str, bool], Needle] = {}
        self.weak: dict[Origin, int] = {}
        """Values too short to prove anything, by column."""

    def _needle(self, origin: Origin, encoding: str, is_short: bool = False) -> Needle:
        key = (origin, encoding, is_short)
        if key not in self._known:
            self._known[key] = Needle(
                origin, encoding, is_word=encoding == "plain", is_short=is_short
            )
        return self._known[key]

    def add(self, origin: Origin, values: Iterable[str]) -> None:
        """Add originals of one column."""
        plain_needle, hex_needle = self._needle(origin, "plain"), self._needle(origin, "hex")
        for value in values:
            plain = normalise(value)
            octets = plain.encode()
            number = number_of(plain)
            is_short = 0 < len(number) < FEWEST_OWN_DIGITS
            if number:
                needle = self._needle(origin, "digits", is_short)
                self._digits.setdefault(number.encode(), needle)
            if len(octets) < SHORTEST:
                self.weak[origin] = self.weak.get(origin, 0) + 1
                continue
            if octets in self._found:
                continue
            self._found[octets] = (
                self._needle(origin, "plain", is_short=True)
                if is_short and not _LETTER.search(plain) else plain_needle
            )  # fmt: skip
            for spelled in {value.strip(), value.strip().lower()}:
                self._found.setdefault(spelled.encode().hex().encode(), hex_needle)
            for core in base64_cores(value.strip()):
                self._found.setdefault(core.lower(), Needle(origin, "base64", core, False))

    def __len__(self) -> int:
        """Count the patterns."""
        return len(self._found) + len(self._digits)

    @property
    def longest(self) -> int:
        """Give the octets of the longest pattern."""
        return max(map(len, (*self._found, *self._digits)), default=0)

    def build(self) -> Scanner:
        """Make the scanner."""
        return Scanner(self._found, self._digits)


class _Index:
    """Finds which of many patterns, of eight octets and more, stand in a text.

    The first eight octets of each are a number; tables say which numbers cannot be. What is left
    is compared in full.
    """

    def __init__(self, patterns: dict[bytes, Needle]) -> None:
        self._patterns = patterns
        keys = list(patterns)
        prefixes = np.frombuffer(b"".join(key[:SHORTEST] for key in keys), dtype="<u8")
        order = np.argsort(prefixes, kind="stable")
        self._prefixes = prefixes[order]
        self._lengths = np.fromiter(map(len, keys), dtype=np.int32, count=len(keys))[order]
        self._tables = Tables(prefixes)
        self._lengths_of: dict[int, list[int]] = {}

    def find(self, text: bytes, raw: bytes) -> list[Needle]:
        """Give what stands in ``text``; ``raw`` is the same with its case, place by place."""
        if not self._patterns:
            return []
        hits = []
        places = self._tables.places(text)
        octets = np.frombuffer(text, dtype=np.uint8)
        windows = octets[places[:, None] + np.arange(SHORTEST)]
        wanted = windows.view("<u8").ravel()
        first = np.searchsorted(self._prefixes, wanted)
        fits = self._prefixes[np.minimum(first, len(self._prefixes) - 1)] == wanted
        for place, at in zip(places[fits].tolist(), first[fits].tolist(), strict=True):
            hits += self._compare(text, raw, place, at)
        return hits

    def whole(self, value: bytes) -> Needle | None:
        """Give the word that a value is."""
        needle = self._patterns.get(value)
        return needle if needle is not None and needle.is_word else None

    def _compare(self, text: bytes, raw: bytes, start: int, at: int) -> list[Needle]:
        lengths = self._lengths_of.get(at)
        if lengths is None:  # of the patterns that begin with these eight octets
            end = int(np.searchsorted(self._prefixes, self._prefixes[at], side="right"))
            lengths = self._lengths_of[at] = np.unique(self._lengths[at:end]).tolist()
        hits = []
        for length in lengths:
            end = start + length
            needle = self._patterns.get(text[start:end])
            if needle is None or (needle.is_word and not _stands_alone(text, start, end)):
                continue
            if not needle.exact or raw[start:end] == needle.exact:
                hits.append(needle)
        return hits


def _stands_alone(text: bytes, start: int, end: int) -> bool:
    """Whether a match is no part of a longer word."""
    before, after = text[start - 1 : start], text[end : end + 1]
    joins_before = before and _WORD.match(before) and _WORD.match(text[start : start + 1])
    joins_after = after and _WORD.match(after) and _WORD.match(text[end - 1 : end])
    return not joins_before and not joins_after


class Scanner:
    """Looks for needles in texts."""

    def __init__(self, found: dict[bytes, Needle], digits: dict[bytes, Needle]) -> None:
        self._found, self._digits, self._numbers = _Index(found), _Index(digits), digits
        self._reach = max(map(len, (*found, *digits)), default=0) + LONGEST_ESCAPE

    def find(self, text: bytes) -> list[tuple[Origin, str]]:
        """Give what is found in a text of any size, each with the encoding it was found in."""
        return list(dict.fromkeys((needle.origin, how) for needle, how in self.hits(text)))

    def hits(self, text: bytes) -> list[tuple[Needle, str]]:
        """Give every needle that is found in a text, with the encoding it was found in."""
        hits = self._look(text, "plain")
        for reading, said in readings(text, self._reach):
            hits += self._look(said, reading)
        return hits

    def whole(self, value: bytes) -> Needle | None:
        """Give the needle that a value is, a network's length aside; None for none."""
        plain = value.lower().partition(b"/")[0]
        return self._found.whole(plain) or self._numbers.get(plain)

    def _look(self, text: bytes, reading: str) -> list[tuple[Needle, str]]:
        hits = []
        for folded, raw in _foldings(text):
            hits += [
                (needle, reading if needle.encoding == "plain" else needle.encoding)
                for needle in self._found.find(folded, raw)
            ]
        if self._numbers:
            bare = text.translate(None, LAYOUT)
            if self._digits.find(bare, bare):  # perhaps: now by the groups of digits
                hits += self._find_numbers(text)
        return hits

    def _find_numbers(self, text: bytes) -> list[tuple[Needle, str]]:
        """Find numbers that are some groups of digits, with nothing but layout between them."""
        hits = []
        for number, start, end in numbers_in(text):
            needle = self._numbers.get(number)
            if needle is not None and _stands_alone(text, start, end):
                hits.append((needle, needle.encoding))
        return hits


def has_odd_space(text: bytes) -> bool:
    """Whether there is other space than single blanks."""
    if any(space in text for space in _ODD_SPACE):
        return True
    is_blank = np.frombuffer(text, dtype=np.uint8) == ord(" ")
    return bool((is_blank[1:] & is_blank[:-1]).any())


def _foldings(text: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Give a text without case, and as it was, place by place; then as its needles are folded.

    Most texts need only the first: letters beyond ASCII and odd space are rare.
    """
    lowered = text.lower()  # of ASCII letters
    yield lowered, text
    is_ascii = text.isascii()
    if is_ascii and not has_odd_space(text):
        return
    plain = " ".join(text.decode(errors="replace").casefold().split())
    folded = unicodedata.normalize("NFC", plain).encode(errors="replace")
    if folded != lowered:
        yield folded, folded
