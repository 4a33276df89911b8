"""Proof that nobody came along: every original is looked for in what staging holds.

Needles are the originals of all masked columns; texts are read in every encoding that an original
can survive in. A hit names the place where it was found and the column it came from, never the
value.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote_plus

import numpy as np

from greenroom.data.search import Tables

SHORTEST = 8
"""Octets of a needle: shorter ones are ordinary words too often to prove anything."""
FEWEST_DIGITS = 8
"""Digits of a number that is looked for without its layout."""
_JSON_ESCAPE = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")
_SPACE = re.compile(r"\s+")
_NOT_DIGITS = re.compile(r"\D+")
_LAYOUT = b" -./()\xc2\xa0"
_DIGITS = re.compile(rb"[0-9]+")
_NUMBERS = re.compile(rb"[0-9](?:[ \-./()\xc2\xa0]{0,3}[0-9]){7,}")
"""Runs of eight digits and more, as they are laid out."""
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
    """Fold a value so that layout and case do not hide it."""
    return _SPACE.sub(" ", value).strip().casefold()


def readings(text: str) -> dict[str, str]:
    """Give the ways a text can be read: as it stands, and with its escapes undone."""
    found = {"plain": text}
    if "\\u" in text:
        found["json"] = _JSON_ESCAPE.sub(_read_escape, text)
    if "%" in text:
        found["url"] = unquote_plus(text)
    if "&" in text and ";" in text:
        found["html"] = html.unescape(text)
    return found


def _read_escape(escape: re.Match[str]) -> str:
    units = bytes.fromhex("".join(escape[0].split("\\u")))
    return units.decode("utf-16-be", "replace")


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


class Needles:
    """Collects originals."""

    def __init__(self) -> None:
        self._found: dict[bytes, Needle] = {}
        self._digits: dict[bytes, Needle] = {}
        self._known: dict[tuple[Origin, str], Needle] = {}
        self.weak: dict[Origin, int] = {}
        """Values too short to prove anything, by column."""

    def _needle(self, origin: Origin, encoding: str) -> Needle:
        key = (origin, encoding)
        if key not in self._known:
            self._known[key] = Needle(origin, encoding, is_word=encoding == "plain")
        return self._known[key]

    def add(self, origin: Origin, values: Iterable[str]) -> None:
        """Add originals of one column."""
        plain_needle, hex_needle, digits_needle = (
            self._needle(origin, encoding) for encoding in ("plain", "hex", "digits")
        )
        for value in values:
            plain = normalise(value)
            octets = plain.encode()
            if any(map(str.isdigit, plain)):
                digits = _NOT_DIGITS.sub("", plain)
                is_number = len(digits) >= FEWEST_DIGITS and len(digits) * 2 >= len(plain)
                if is_number:
                    self._digits.setdefault(digits.encode(), digits_needle)
            else:
                is_number = False
            if len(octets) < SHORTEST:
                if not is_number:
                    self.weak[origin] = self.weak.get(origin, 0) + 1
                continue
            if octets in self._found:
                continue
            self._found[octets] = plain_needle
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

    def find(self, text: bytes) -> list[tuple[Origin, str]]:
        """Give what is found in a text of any size, each with the encoding it was found in."""
        hits = self._look(text, "plain")
        if b"\\" in text or b"%" in text or b"&" in text:
            for reading, read in readings(text.decode(errors="replace")).items():
                if reading != "plain":
                    hits += self._look(read.encode(errors="replace"), reading)
        return list(dict.fromkeys(hits))

    def _look(self, text: bytes, reading: str) -> list[tuple[Origin, str]]:
        hits = []
        for folded, raw in _foldings(text):
            hits += [
                (needle.origin, reading if needle.encoding == "plain" else needle.encoding)
                for needle in self._found.find(folded, raw)
            ]
        if self._numbers:
            bare = text.translate(None, _LAYOUT)
            if self._digits.find(bare, bare):  # perhaps: now by the groups of digits
                hits += self._find_numbers(text)
        return hits

    def _find_numbers(self, text: bytes) -> list[tuple[Origin, str]]:
        """Find numbers that are some groups of digits, with nothing but layout between them."""
        hits = []
        for window in _NUMBERS.finditer(text):
            groups = [(g.start(), g.end()) for g in _DIGITS.finditer(text, *window.span())]
            for first, (start, _) in enumerate(groups):
                number = b""
                for begun, end in groups[first:]:
                    number += text[begun:end]
                    needle = self._numbers.get(number)
                    if needle is not None and _stands_alone(text, start, end):
                        hits.append((needle.origin, needle.encoding))
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
    folded = " ".join(text.decode(errors="replace").casefold().split()).encode(errors="replace")
    if folded != lowered:
        yield folded, folded


class Findings:
    """Counts leaks by where they are and where they came from."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, Origin, str], int] = {}
        self.octets = 0

    def look(self, place: str, text: bytes, scanner: Scanner) -> None:
        """Scan a text that stands at ``place``."""
        self.octets += len(text)
        for origin, encoding in scanner.find(text):
            key = (place, origin, encoding)
            self._counts[key] = self._counts.get(key, 0) + 1

    @property
    def leaks(self) -> list[Leak]:
        """What was found, sorted."""
        return sorted(Leak(*key, count) for key, count in self._counts.items())
