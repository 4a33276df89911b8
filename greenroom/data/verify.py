"""Proof that nobody came along: every original is looked for in what staging holds.

Needles are the originals of all masked columns; texts are read in every encoding that an original
can survive in. A hit names the place where it was found and the column it came from, never the
value.
"""

from __future__ import annotations

import re
import unicodedata
from abc import ABC, abstractmethod
from binascii import b2a_base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from greenroom.data.encodings import readings
from greenroom.data.numbers import LAYOUT, number_of, numbers_in
from greenroom.data.rows import values_of
from greenroom.data.search import WIDTH, Tables

if TYPE_CHECKING:
    from greenroom.data.kernels.lines import Lines

SHORTEST = 8
"""Octets of a needle: shorter ones are ordinary words too often to prove anything."""
FEWEST_OWN_DIGITS = 10
"""Digits of a number that is nobody else's by chance."""
LONGEST_ESCAPE = 40
"""Octets around a needle that an escape may take in, as the longest of HTML's do."""
_CORE_STARTS = (0, 2, 3)
"""Letters of base64 that what stands before takes a part in, by its octets."""
LETTER = re.compile(r"[^\W\d_]")
_SPACE = re.compile(r"\s+")
IS_LAYOUT = np.zeros(256, dtype=np.bool_)
IS_LAYOUT[list(LAYOUT)] = True
LAYOUT_REACH = 4
"""Octets of a number in its layout for each of its digits, at most: see ``numbers_in``."""
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
    if value.isascii():
        plain = value.strip().lower()
        return plain if plain.isprintable() and "  " not in plain else _SPACE.sub(" ", plain)
    return unicodedata.normalize("NFC", _SPACE.sub(" ", value).strip().casefold())


def base64_cores(value: str) -> list[bytes]:
    """Give what of a value's base64 does not depend on what stands around it, by alignment.

    Base64 tells case apart, and so does the scan for these; originals are tried as they are.
    """
    raw, cores = value.encode(), []
    for shift, start in enumerate(_CORE_STARTS):
        coded = b2a_base64(b"\0\0"[:shift] + raw, newline=False).rstrip(b"=")
        core = coded[start : -1 if (shift + len(raw)) % 3 else None]
        if len(core) >= SHORTEST:
            cores.append(core)
    return cores


@dataclass(frozen=True)
class Needle:
    """How one original is looked for."""

    origin: Origin
    encoding: str
    is_word: bool = True
    """Whether it must stand alone: as a part of a longer word it is something else."""
    is_short: bool = False
    """Whether it is a number of so few digits that others have it by chance."""


class Needles:
    """Collects originals."""

    def __init__(self) -> None:
        self._found: dict[bytes, Needle] = {}
        self._digits: dict[bytes, Needle] = {}
        self._exact: dict[bytes, bytes] = {}
        """What the text must hold where case counts (base64), by pattern."""
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
        plain_needle, hex_needle, coded_needle = (
            self._needle(origin, encoding) for encoding in ("plain", "hex", "base64")
        )
        found, exact = self._found, self._exact
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
            if octets in found:
                continue
            found[octets] = (
                self._needle(origin, "plain", is_short=True)
                if is_short and not LETTER.search(plain) else plain_needle
            )  # fmt: skip
            bare = value.strip()
            small = bare.lower()
            found.setdefault(small.encode().hex().encode(), hex_needle)
            if bare != small:
                found.setdefault(bare.encode().hex().encode(), hex_needle)
            for core in base64_cores(bare):
                key = core.lower()
                if key not in found:
                    found[key], exact[key] = coded_needle, core

    def add_block(self, origin: Origin, block: bytes) -> None:
        """Add originals of one column: a block of COPY, one a line."""
        self.add(origin, values_of(block))

    def __len__(self) -> int:
        """Count the patterns."""
        return len(self._found) + len(self._digits)

    @property
    def longest(self) -> int:
        """Give the octets of the longest pattern."""
        return max(map(len, (*self._found, *self._digits)), default=0)

    def build(self) -> Scanner:
        """Make the scanner."""
        found, digits = PlainIndex(self._found, self._exact), PlainIndex(self._digits, {})
        return Scanner(found, digits, self.longest)


class Index(ABC):
    """Finds which of many patterns, of eight octets and more, stand in a text."""

    _tables: Tables

    @abstractmethod
    def __len__(self) -> int:
        """Count the patterns."""

    @abstractmethod
    def find(self, text: bytes, raw: bytes) -> list[Needle]:
        """Give what stands in ``text``; ``raw`` is the same with its case, place by place."""

    @abstractmethod
    def whole(self, value: bytes) -> Needle | None:
        """Give the needle that a value is as a whole."""

    @abstractmethod
    def _begins_at(self, text: bytes, places: list[int]) -> bool:
        """Whether a number begins at one of the places, in whatever layout."""

    def holds_number(self, text: bytes) -> bool:
        """Whether some pattern of digits may stand in a text, in whatever layout."""
        places = self._tables.numbers(text, IS_LAYOUT)
        if places is None:
            bare = text.translate(None, LAYOUT)
            return bool(self.find(bare, bare))
        # So many may be there that not all were told.
        return len(places) > len(text) // WIDTH or self._begins_at(text, places)


class PlainIndex(Index):
    """Finds them with their texts at hand.

    The first eight octets of each are a number; tables say which numbers cannot be. What is left
    is compared in full.
    """

    def __init__(self, patterns: dict[bytes, Needle], exact: dict[bytes, bytes]) -> None:
        self._patterns, self._exact = patterns, exact
        keys = list(patterns)
        prefixes = np.frombuffer(b"".join(key[:SHORTEST] for key in keys), dtype="<u8")
        order = np.argsort(prefixes, kind="stable")
        self._prefixes = prefixes[order]
        self._lengths = np.fromiter(map(len, keys), dtype=np.int32, count=len(keys))[order]
        self._tables = Tables(prefixes)
        self._lengths_of: dict[int, list[int]] = {}
        self._longest = int(self._lengths.max(initial=0))

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

    def __len__(self) -> int:
        """Count the patterns."""
        return len(self._patterns)

    def whole(self, value: bytes) -> Needle | None:
        """Give the needle that a value is as a whole."""
        return self._patterns.get(value)

    def _begins_at(self, text: bytes, places: list[int]) -> bool:
        reach = LAYOUT_REACH * self._longest
        for place in places:
            bare = text[place : place + reach].translate(None, LAYOUT)
            if len(bare) < SHORTEST:  # too far apart to be one number
                continue
            first = int(np.searchsorted(self._prefixes, np.frombuffer(bare[:SHORTEST], "<u8")[0]))
            if any(bare[:length] in self._patterns for length in self._lengths_at(first)):
                return True
        return False

    def _lengths_at(self, at: int) -> list[int]:
        """Give the lengths of the patterns that begin as the one at a place does."""
        lengths = self._lengths_of.get(at)
        if lengths is None:
            end = int(np.searchsorted(self._prefixes, self._prefixes[at], side="right"))
            lengths = self._lengths_of[at] = np.unique(self._lengths[at:end]).tolist()
        return lengths

    def _compare(self, text: bytes, raw: bytes, start: int, at: int) -> list[Needle]:
        hits = []
        for length in self._lengths_at(at):
            end = start + length
            key = text[start:end]
            needle = self._patterns.get(key)
            if needle is None or (needle.is_word and not _stands_alone(text, start, end)):
                continue
            if self._exact.get(key, raw[start:end]) == raw[start:end]:
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

    def __init__(
        self, found: Index, digits: Index, longest: int, lines: Lines | None = None,
        odd: Scanner | None = None,
    ) -> None:  # fmt: skip
        self._found, self._digits, self._reach = found, digits, longest + LONGEST_ESCAPE
        self._made_lines, self._odd = lines, odd

    def find(self, text: bytes) -> list[tuple[Origin, str]]:
        """Give what is found in a text of any size, each with the encoding it was found in."""
        return list(dict.fromkeys((needle.origin, how) for needle, how in self.hits(text)))

    def hits(self, text: bytes) -> list[tuple[Needle, str]]:
        """Give every needle that is found in a text, with the encoding it was found in."""
        hits = self._look(text, "plain")
        for reading, said in readings(text, self._reach):
            hits += self._look(said, reading)
        return hits + self._odd.hits(text) if self._odd else hits

    def whole(self, value: bytes) -> Needle | None:
        """Give the needle that a value is, a network's length aside; None for none."""
        plain = value.lower().partition(b"/")[0]
        word = self._found.whole(plain)
        known = word if word is not None and word.is_word else self._digits.whole(plain)
        return self._odd.whole(value) if known is None and self._odd else known

    def holds_number(self, text: bytes) -> bool:
        """Whether the digits of some number may stand in a text."""
        return len(self._digits) > 0 and self._digits.holds_number(text)

    def likely(self, lines: bytes) -> tuple[int, list[bytes]]:
        """Count values that stand one a line; give those that may be a needle whole."""
        if self._made_lines is None:
            values = lines[:-1].split(b"\n")
            return len(values), values
        return self._made_lines(lines)

    def _look(self, text: bytes, reading: str) -> list[tuple[Needle, str]]:
        hits = []
        for folded, raw in _foldings(text):
            hits += [
                (needle, reading if needle.encoding == "plain" else needle.encoding)
                for needle in self._found.find(folded, raw)
            ]
        if self.holds_number(text):  # perhaps: now by groups of digits
            hits += self._find_numbers(text)
        return hits

    def _find_numbers(self, text: bytes) -> list[tuple[Needle, str]]:
        """Find numbers that are some groups of digits, with nothing but layout between them."""
        hits = []
        for number, start, end in numbers_in(text):
            needle = self._digits.whole(number)
            if needle is not None and _stands_alone(text, start, end):
                hits.append((needle, needle.encoding))
        return hits


def has_odd_space(text: bytes) -> bool:
    """Whether there is other space than single blanks."""
    if any(space in text for space in _ODD_SPACE):
        return True
    return b"  " in text


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
