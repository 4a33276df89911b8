"""Proof that nobody came along: every original is looked for in what staging holds.

Needles are the originals of all masked columns; texts are read in every encoding that an original
can survive in. A hit names the place where it was found and the column it came from, never the
value.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote_plus

from ahocorasick_rs import BytesAhoCorasick, Implementation

SHORTEST = 8
"""Octets of a needle: shorter ones are ordinary words too often to prove anything."""
FEWEST_DIGITS = 8
"""Digits of a number that is looked for without its layout."""
_JSON_ESCAPE = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")
_SPACE = re.compile(r"\s+")
_NOT_DIGITS = re.compile(r"\D+")
_LAYOUT = re.compile(rb"(?<=\d)[ \-./()\xa0]{1,3}(?=\d)")
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
    return _SPACE.sub(" ", value).strip().lower()


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


class Needles:
    """Collects originals."""

    def __init__(self) -> None:
        self._found: dict[bytes, tuple[Origin, str]] = {}
        self._exact: dict[bytes, tuple[Origin, str]] = {}
        self._digits: dict[bytes, tuple[Origin, str]] = {}
        self.weak: dict[Origin, int] = {}
        """Values too short to prove anything, by column."""

    def add(self, origin: Origin, values: Iterable[str]) -> None:
        """Add originals of one column."""
        for value in values:
            plain = normalise(value)
            digits = _NOT_DIGITS.sub("", plain)
            is_number = len(digits) >= FEWEST_DIGITS and len(digits) * 2 >= len(plain)
            if is_number:
                self._digits.setdefault(digits.encode(), (origin, "digits"))
            if len(plain.encode()) < SHORTEST:
                if not is_number:
                    self.weak[origin] = self.weak.get(origin, 0) + 1
                continue
            self._found.setdefault(plain.encode(), (origin, "plain"))
            self._found.setdefault(plain.encode().hex().encode(), (origin, "hex"))
            for core in base64_cores(value.strip()):
                self._exact.setdefault(core, (origin, "base64"))

    def __len__(self) -> int:
        """Count the patterns."""
        return len(self._found) + len(self._exact) + len(self._digits)

    def build(self) -> Scanner:
        """Make the scanner."""
        return Scanner(self._found, self._exact, self._digits)


class _Index:
    def __init__(self, patterns: dict[bytes, tuple[Origin, str]]) -> None:
        self._about = list(patterns.values())
        self._lengths = [len(pattern) for pattern in patterns]
        self._automaton = (
            BytesAhoCorasick(list(patterns), implementation=Implementation.ContiguousNFA)
            if patterns
            else None
        )

    def find(self, text: bytes, *, at_words: bool) -> list[tuple[Origin, str]]:
        if self._automaton is None:
            return []
        hits = []
        for number, start, end in self._automaton.find_matches_as_indexes(text, overlapping=True):
            if at_words and not _stands_alone(text, start, end):
                continue
            hits.append(self._about[number])
        return hits


def _stands_alone(text: bytes, start: int, end: int) -> bool:
    """Whether a match is no part of a longer word."""
    before, after = text[start - 1 : start], text[end : end + 1]
    joins_before = _WORD.match(text[start : start + 1]) and before and _WORD.match(before)
    joins_after = _WORD.match(text[end - 1 : end]) and after and _WORD.match(after)
    return not joins_before and not joins_after


class Scanner:
    """Looks for needles in texts."""

    def __init__(
        self, found: dict[bytes, tuple[Origin, str]], exact: dict[bytes, tuple[Origin, str]],
        digits: dict[bytes, tuple[Origin, str]],
    ) -> None:  # fmt: skip
        self._found, self._exact, self._digits = _Index(found), _Index(exact), _Index(digits)

    def find(self, text: bytes) -> list[tuple[Origin, str]]:
        """Give what is found in a text of any size, each with the encoding it was found in."""
        hits = self._exact.find(text, at_words=False)
        for reading, read in readings(text.decode(errors="replace")).items():
            folded = b" ".join(read.lower().encode(errors="replace").split())
            for origin, encoding in self._found.find(folded, at_words=True):
                hits.append((origin, reading if encoding == "plain" else encoding))
            hits += self._digits.find(_LAYOUT.sub(b"", folded), at_words=True)
        return list(dict.fromkeys(hits))


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
