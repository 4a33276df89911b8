"""Originals by the million, looked for: marks in tables that compiled code fills and compares.

Twin of ``greenroom.data.verify.Needles``: what it finds is the same.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable
from itertools import islice
from typing import Any

import numpy as np

from greenroom.data.kernels import comparing
from greenroom.data.kernels import needles as k
from greenroom.data.kernels.letters import LONGEST
from greenroom.data.kernels.lines import Lines
from greenroom.data.numbers import number_of
from greenroom.data.rows import escape, unescape
from greenroom.data.search import Tables
from greenroom.data.verify import (
    IS_LAYOUT,
    LAYOUT_REACH,
    LETTER,
    SHORTEST,
    Index,
    Needle,
    Needles,
    Origin,
    Scanner,
    normalise,
)

BATCH, HITS = 8192, 4096
"""Values that are added at once, and needles that one comparison finds."""
_FIRST_SIZE = 1 << 12
_TABLES = ((k.SEEN, "seen"), (k.NUMBERS, "numbers"), (k.LINES, "lines"))


class MarkedNeedles:
    """Collects originals; of those that are written simply it holds but their first octets."""

    def __init__(self) -> None:
        self._kinds: list[Needle] = []
        self._of_origin: dict[Origin, Any] = {}
        self._odd = Needles()
        """What is longer than compiled code takes."""
        self._weak: dict[Origin, int] = {}
        self._work = np.zeros(k.WORK, np.uint8)
        self._p = k.Originals(
            key=np.array([secrets.randbits(64), secrets.randbits(64)], np.uint64),
            found=_patterns(), digits=_patterns(), state=np.zeros(7, np.int64),
            **{name: np.zeros(_FIRST_SIZE, np.uint64) for _, name in _TABLES},
        )  # fmt: skip

    def __len__(self) -> int:
        """Count the patterns."""
        return int(self._p.state[k.FOUND] + self._p.state[k.DIGITS]) + len(self._odd)

    @property
    def longest(self) -> int:
        """Give the octets of the longest pattern."""
        return max(int(self._p.state[k.MOST]), self._odd.longest)

    @property
    def weak(self) -> dict[Origin, int]:
        """Values too short to prove anything, by column."""
        return self._weak

    def add(self, origin: Origin, values: Iterable[str]) -> None:
        """Add originals of one column."""
        every = iter(values)
        while batch := list(islice(every, BATCH)):
            self.add_block(origin, b"".join(escape(value) + b"\n" for value in batch))

    def add_block(self, origin: Origin, block: bytes) -> None:
        """Add originals of one column: a block of COPY, one a line."""
        kinds, octets, at = self._needles_of(origin), np.frombuffer(block, np.uint8), 0
        left, state = np.zeros((BATCH, 2), np.int64), self._p.state
        state[k.WEAK] = 0
        while at < len(block):
            self._make_room()
            at, lefts = k.add_lines(octets, at, len(block), kinds, self._p, self._work, left)
            for start, end in left[:lefts].tolist():
                self._add_one(origin, kinds, unescape(block[start:end]))
        if state[k.WEAK]:
            self._weak[origin] = self._weak.get(origin, 0) + int(state[k.WEAK])

    def _needles_of(self, origin: Origin) -> Any:
        """Give the numbers of a column's needles, in the order of ``kernels.needles``."""
        if origin not in self._of_origin:
            first = len(self._kinds)
            self._kinds += [
                Needle(origin, encoding, is_word=encoding == "plain", is_short=is_short)
                for encoding, is_short in (
                    ("plain", False), ("plain", True), ("hex", False), ("base64", False),
                    ("digits", False), ("digits", True),
                )
            ]  # fmt: skip
            self._of_origin[origin] = np.arange(first, len(self._kinds), dtype=np.int64)
        return self._of_origin[origin]

    def _add_one(self, origin: Origin, kinds: Any, value: str) -> None:
        plain, bare = normalise(value), value.strip()
        forms = [text.encode() for text in (plain, bare, bare.lower(), number_of(plain))]
        if max(map(len, forms)) > LONGEST:
            self._odd.add(origin, [value])
            self._make_room()
            for form in filter(None, (forms[0], forms[3])):
                k.add_line(np.frombuffer(form, np.uint8), len(form), self._p)
            return
        octets, sizes = np.frombuffer(b"".join(forms) or b"\0", np.uint8), [*map(len, forms)]
        has_letter, is_added = LETTER.search(plain) is not None, False
        while not is_added:
            is_added = k.add_one(octets, np.array(sizes), has_letter, kinds, self._p, self._work)
            if not is_added:
                self._make_room()

    def _make_room(self) -> None:
        p = self._p
        for counted, name in _TABLES:
            old = getattr(p, name)
            if (p.state[counted] + 4) * 2 >= old.size:
                made = np.zeros(2 * old.size, np.uint64)
                k.regrow(old, made)
                p = p._replace(**{name: made})
        for counted, name in ((k.FOUND, "found"), (k.DIGITS, "digits")):
            patterns = getattr(p, name)
            if p.state[counted] + k.MOST_PATTERNS > patterns.prefixes.size:
                p = p._replace(**{name: k.Patterns(*map(_twice, patterns))})
        self._p = p

    def build(self) -> Scanner:
        """Make the scanner. Nothing can be added afterwards."""
        p, kinds = self._p, self._kinds
        found = MarkedIndex(p.key, _sorted(p.found, p.state[k.FOUND]), kinds)
        digits = MarkedIndex(p.key, _sorted(p.digits, p.state[k.DIGITS]), kinds)
        odd = self._odd.build() if len(self._odd) else None
        return Scanner(found, digits, self.longest, Lines(p.lines), odd)


def _patterns() -> k.Patterns:
    kinds = (np.uint64, np.uint64, np.int32, np.int32, np.uint64)
    return k.Patterns(*(np.zeros(_FIRST_SIZE, kind) for kind in kinds))


def _twice(table: Any) -> Any:
    return np.concatenate((table, np.zeros_like(table)))


def _sorted(patterns: k.Patterns, count: int) -> k.Patterns:
    """Sort patterns by their first octets; those of many that share them by length and mark."""
    order = np.argsort(patterns.prefixes[:count], kind="stable")
    prefixes = patterns.prefixes[order]
    is_shared = prefixes[1:] == prefixes[:-1]
    shared = np.flatnonzero(np.append(is_shared, False) | np.append(False, is_shared))
    some = order[shared]
    order[shared] = some[
        np.lexsort((patterns.marks[some], patterns.lengths[some], prefixes[shared]))
    ]
    return k.Patterns(*(np.ascontiguousarray(table[:count][order]) for table in patterns))


class MarkedIndex(Index):
    """Finds which of many patterns, of eight octets and more, stand in a text."""

    def __init__(self, key: Any, patterns: k.Patterns, kinds: list[Needle]) -> None:
        self._key, self._patterns, self._kinds = key, patterns, kinds
        self._are_words = np.array([needle.is_word for needle in kinds] or [False])
        self._tables = Tables(patterns.prefixes)
        self._longest = int(patterns.lengths.max(initial=0))
        self._rooms = threading.local()

    def __len__(self) -> int:
        """Count the patterns."""
        return len(self._patterns.prefixes)

    def find(self, text: bytes, raw: bytes) -> list[Needle]:
        """Give what stands in ``text``; ``raw`` is the same with its case, place by place."""
        if not len(self):
            return []
        places, at = self._tables.places(text), 0
        hits, found = np.zeros(HITS, np.int64), list[Needle]()
        octets, as_it_was = np.frombuffer(text, np.uint8), np.frombuffer(raw, np.uint8)
        while at < len(places):
            count, at = comparing.compare(
                octets, as_it_was, places, at, self._key, self._patterns, self._are_words, hits
            )
            found += [self._kinds[kind] for kind in hits[:count].tolist()]
        return found

    def whole(self, value: bytes) -> Needle | None:
        """Give the needle that a value is as a whole."""
        kind = comparing.whole_of(
            np.frombuffer(value or b"\0", np.uint8), self._key, self._patterns
        )
        return self._kinds[kind] if kind >= 0 else None

    def _begins_at(self, text: bytes, places: list[int]) -> bool:
        if not places:
            return False
        if not hasattr(self._rooms, "work"):
            self._rooms.work = np.zeros(LONGEST + SHORTEST, np.uint8)
        return bool(
            comparing.any_begins(
                np.frombuffer(text, np.uint8), np.array(places), LAYOUT_REACH * self._longest,
                IS_LAYOUT, self._key, self._patterns, self._rooms.work,
            )
        )  # fmt: skip
