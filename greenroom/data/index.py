"""The database's own people by the million: marks in tables that compiled code fills and searches.

Same laws as ``Identities``, its twin. What a text of COPY cannot tell simply (a script without
spaces, a value of thousands of letters) is kept as there.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from greenroom.data import words
from greenroom.data.identities import (
    KINDS,
    SHORTEST,
    Identities,
    Match,
    apart,
    fold,
    has_unspaced,
    is_unspaced,
    outer_words,
    single,
    variants,
)
from greenroom.data.kernels import people as k
from greenroom.data.kernels.letters import LONGEST, lowering, marks_of
from greenroom.data.numbers import number_of
from greenroom.data.rows import escape, unescape

if TYPE_CHECKING:
    from greenroom.data.kernels.tables import Known

BATCH = 8192
"""Values that are collected at once, and lines that a call may leave to Python."""
FOUND = 256
"""People that one call finds."""
_FIRST_SIZE = 1 << 12
_FOLDED = bytes(
    32 if chr(code).isspace() else ord(chr(code).lower()) if code < 128 else code
    for code in range(256)
)
_TABLES = (
    (k.MARKS, "marks", "kinds"), (k.NUMBERS, "numbers", "number_kinds"),
    (k.FIRSTS, "firsts", "reach"), (k.OUTER, "outer", "outer_kinds"),
)  # fmt: skip
_SIGNS = re.compile(rf"\W{{{k.MOST_SIGNS + 1}}}|\W+$")
"""A value that does not begin with a word."""
_telling = threading.Lock()


class IdentityIndex(Identities):
    """Collects originals, then finds them; of what is written simply it holds words of names."""

    def __init__(self) -> None:
        super().__init__()
        self._kind_names: list[str] = []
        self._outer: set[str] = set()
        self._told: set[str] = set()
        key = np.array([secrets.randbits(64), secrets.randbits(64)], np.uint64)
        self._rooms = threading.local()
        tables = {
            name: np.zeros(_FIRST_SIZE, kind)
            for _, table, values in _TABLES
            for name, kind in ((table, np.uint64), (values, np.uint8))
        }
        self._p = k.People(
            key=key, ours=_our_words(key), lowering=lowering(), is_word=k.wordness(),
            leads=np.zeros(256, np.uint8), state=np.zeros(6, np.int64), **tables,
        )  # fmt: skip
        self._singles_table = np.zeros(1, np.uint64)

    def __len__(self) -> int:
        """Count the ways in which somebody is written."""
        return int(self._p.state[k.MARKS])

    def harvest(self, method: str, values: Iterable[str]) -> None:
        """Collect the originals of a column that is masked by ``method``."""
        every = iter(values)
        self.harvest_blocks(method, _blocks(every))

    def harvest_blocks(self, method: str, blocks: Iterable[bytes]) -> None:
        """Collect the originals in blocks of COPY, one a line; they may come again and again."""
        kind = KINDS.get(method)
        if kind is None:
            return
        if kind not in self._kind_names:
            self._kind_names.append(kind)
        for block in blocks:
            self._harvest_lines(kind, block)
        self._last = None, []

    def _harvest_lines(self, kind: str, block: bytes) -> None:
        octets, at = np.frombuffer(block, np.uint8), 0
        left, new = np.zeros((BATCH, 2), np.int64), np.zeros((BATCH, 2), np.int64)
        while at < len(block):
            self._make_room()
            at, lefts, told = k.harvest_lines(
                octets, at, len(block), self._kind_names.index(kind), kind == "PERSON",
                SHORTEST.get(kind, 6), self._p, self._work, left, new,
            )  # fmt: skip
            self._outer.update(block[a:b].decode() for a, b in new[:told].tolist())
            for start, end in left[:lefts].tolist():
                self._harvest_one(kind, unescape(block[start:end]))

    def _harvest_one(self, kind: str, value: str) -> None:
        """Collect what compiled code has left."""
        number = number_of(value)
        self._make_room()
        which, shortest = self._kind_names.index(kind), SHORTEST.get(kind, 6)
        if number:
            k.add_digits(*_octets(number), which, self._p, self._work)
        ways = [way for way in variants(kind, value) if len(way) >= shortest or is_unspaced(way)]
        if has_unspaced(value) or not all(map(_can_be_found, ways)):
            self._keep(kind, value)
        for way in ways:
            self._make_room()
            k.add_folded(*_octets(way), which, self._p, self._work)
        if kind == "PERSON":
            self._outer.update(outer_words(value))

    def _make_room(self) -> None:
        p = self._p
        for counted, table, values in _TABLES:
            old, old_values = getattr(p, table), getattr(p, values)
            if (p.state[counted] + 4) * 2 >= old.size:
                made, made_values = np.zeros(2 * old.size, np.uint64), np.zeros(2 * old.size, "u1")
                k.grow(old, old_values, made, made_values)
                p = p._replace(**{table: made, values: made_values})
        self._p = p

    @property
    def _work(self) -> Any:
        if not hasattr(self._rooms, "work"):
            self._rooms.work = np.zeros(k.WORK + LONGEST + 64, np.uint8)
            self._rooms.found = np.zeros((FOUND, 3), np.int64)
        return self._rooms.work

    def _kind_of(self, folded: str) -> str | None:
        return self._kind_in(folded, self._p.marks, self._p.kinds)

    def _kind_of_number(self, number: bytes) -> str | None:
        return self._kind_in(number.decode(), self._p.numbers, self._p.number_kinds)

    def _kind_in(self, text: str, table: Any, kinds: Any) -> str | None:
        which = k.kind_of(*_octets(text), self._p.key, table, kinds, self._work)
        return self._kind_names[which] if which >= 0 else None

    def _find_spelled(self, text: str) -> list[Match]:
        plain = text.isascii()
        octets = text.encode().translate(_FOLDED) if plain else fold(text).encode(*_ANY)
        work, source, singles = self._work, np.frombuffer(octets, np.uint8), self._marked_singles()
        found, at = list[Match](), 0
        while at < len(octets):
            hits, at = k.find_people(
                source, at, len(octets), self._p, singles, work, self._rooms.found
            )
            for start, end, which in self._rooms.found[:hits].tolist():
                if not plain:
                    start, end = (len(octets[:place].decode(*_ANY)) for place in (start, end))
                if which >= 0:
                    found.append(Match(self._kind_names[which], start, end))
                elif text[start].isupper():
                    found.append(Match("PERSON", start, end))
        if not self._patterns:
            return found
        return apart([*found, *super()._find_spelled(text)])

    def _marked_singles(self) -> Any:
        """Mark the words that are nothing but names; told only where texts are read."""
        if self._outer:
            with _telling:
                outer = list(self._outer)
                self._told.update(filter(None, map(single, outer)))
                firsts = b"".join(word[0].encode() for word in self._told)
                self._p.leads[list(firsts)] = 1  # no way of writing somebody may begin so
                self._singles_table = _marked(sorted(self._told), self._p.key)
                self._outer.difference_update(outer)
        return self._singles_table

    def known(self, lists: Any) -> Known:
        """Give what the kernels need of them."""
        from greenroom.data.kernels.tables import Known

        p = self._p
        return Known(
            p.key, p.marks, p.kinds, p.numbers, bool(p.state[k.HAS_OUR_WORD]),
            bool(p.state[k.HAS_HEXADECIMAL]), tuple(self._kind_names), lists,
        )  # fmt: skip


_ANY = ("utf-8", "surrogatepass")


def _can_be_found(way: str) -> bool:
    """Whether compiled code finds what is written so: by its first word, and in its reach."""
    if len(way.encode(*_ANY)) > k.MOST_OCTETS or _SIGNS.match(way):
        return False
    return ord(max(way)) < k.WORDS


def _octets(text: str) -> tuple[Any, int]:
    octets = text.encode(*_ANY)
    return np.frombuffer(octets or b"\0", np.uint8), len(octets)


def _blocks(values: Iterator[str]) -> Iterator[bytes]:
    while batch := list(islice(values, BATCH)):
        yield b"".join(escape(value) + b"\n" for value in batch)


def _our_words(key: Any) -> Any:
    lists = (words.given_names(), words.family_names(), words.places())
    return _marked([word.lower() for some in lists for word in some], key)


def _marked(texts: list[str], key: Any) -> Any:
    from greenroom.data.kernels.tables import laid_out, table_of

    octets, ends = laid_out("\n".join(texts).encode(*_ANY))
    work = np.zeros(k.WORK, np.uint8)
    return table_of(marks_of(octets, ends, key[0], key[1], work))[0]
