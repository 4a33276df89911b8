"""What could be in a text of ASCII, told in one pass: most texts need no recognizer at all.

Each flag is a necessary condition. Where it is not set, the recognizers that it stands for find
nothing; where it is, they are asked. Twins: the gates of ``greenroom.data.scanner``, and
``find_strangers`` without any.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numba import int64, uint8, uint64

from greenroom.data.kernels.calls import CALL_DIGITS, calls_in
from greenroom.data.kernels.flags import (
    CARD,
    GREETING,
    IBAN,
    LONG,
    NAMES,
    PARTICLE,
    ROMANCE,
    STREET,
    STREETS,
    TITLE,
    WORDS,
)
from greenroom.data.kernels.hashing import Octets, entry, inlined, inner

LONGEST_LEAD = 36
"""Octets between a lead and a name that are read."""
MOST_RUNS = 64
_BASIS, _PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
"""Source: FNV-1a of 64 bits. No secret is kept by it: what it finds is looked up in full."""
_MASK = (1 << 64) - 1
_PLACES = 1 << 10
_NAME_BITS = 20
_NAME_MASK = (1 << _NAME_BITS) - 1
_MIX = np.uint64(0x9E3779B97F4A7C15)
"""Source: 2**64 divided by the golden ratio, D. Knuth, The Art of Computer Programming 6.4."""
_LONG_WORD, _DISTANCE, _LONG_DIGITS, _CARD_DIGITS = 26, 11, 9, 12
_COLONS, _DASHES, _DOTS = 4, 4, 2
"""Of signs that stand as in an address, how many more than the first."""
_WEG = 0x776567
_ENDS = tuple(
    int.from_bytes(end, "big")
    for end in (b"str.", b"asse", b"latz", b"llee", b"damm", b"ufer", b"raat", b"laan", b"lein")
)


@inlined
def _lower(octet: Any) -> Any:
    return octet | uint8(32) if octet >= 65 and octet <= 90 else octet


@inlined
def _is_capital(octet: Any) -> bool:
    return octet >= 65 and octet <= 90


@inlined
def _is_of_word(octet: Any) -> bool:
    small = octet | 32
    return (small >= 97 and small <= 122) or (octet >= 48 and octet <= 57) or octet == 95


@inner
def _class_of(octets: Octets, start: int, end: int, marks: Any, classes: Any) -> int:
    mark = _BASIS
    for at in range(start, end):
        mark = (mark ^ uint64(_lower(octets[at]))) * _PRIME
    place = mark & uint64(_PLACES - 1)
    while marks[place] != 0:
        if marks[place] == mark:
            return int64(classes[place])
        place = (place + uint64(1)) & uint64(_PLACES - 1)
    return 0


@inlined
def _places_of(mark: Any) -> Any:
    """Give the two bits that stand for a name: FNV alone mixes short words badly."""
    mixed = (mark ^ (mark >> uint64(29))) * _MIX
    return mixed >> uint64(64 - _NAME_BITS), (mixed >> uint64(20)) & uint64(_NAME_MASK)


@inlined
def _has_bits(names: Any, mark: Any) -> bool:
    first, second = _places_of(mark)
    return bool(
        (names[first >> uint64(3)] >> (first & uint64(7)))
        & (names[second >> uint64(3)] >> (second & uint64(7)))
        & 1
    )


@inner
def _ends_as_street(octets: Octets, end: int) -> bool:
    if end < 4:
        return end == 3 and _lower(octets[0]) == 119  # weg
    last = int64(0)
    for at in range(end - 4, end):
        last = last << 8 | int64(_lower(octets[at]))
    found = last & 0xFFFFFF == _WEG
    for known in _ENDS:
        found |= last == known
    return found


@inner
def _is_before_capital(octets: Octets, at: int) -> bool:
    """Whether what follows a digit is a capital, as in ``17 Harbour`` and ``17a, Harbour``."""
    end = octets.size
    if at < end and (octets[at] | 32) >= 97 and (octets[at] | 32) <= 122:
        at += 1
    if at < end and octets[at] == 44:
        at += 1
    return at + 1 < end and octets[at] == 32 and _is_capital(octets[at + 1])


@inner
def _signs(octets: Octets) -> Any:
    """Give the flags of digits and signs; whether a digit is there, and one before a capital."""
    flags = begun = digits = close = colons = dashes = dots = 0
    digit = colon = dash = dot = -64
    has_capital = may_call = False
    for at in range(octets.size):
        octet = octets[at]
        small = octet | 32
        if (small >= 97 and small <= 122) or octet == 95:
            continue
        if octet >= 48 and octet <= 57:
            near = at - digit
            digits = digits + 1 if near <= _DISTANCE else 1
            before = octets[at - 1] if at else uint8(0)
            is_close = near == 1 or (near == 2 and (before == 32 or before == 45 or before == 46))
            close = close + 1 if is_close else 1
            may_call = may_call or digits >= CALL_DIGITS
            flags |= (close >= _LONG_DIGITS) * LONG | (close >= _CARD_DIGITS) * CARD
            if (
                near == 1
                and at >= 3
                and _is_capital(octets[at - 2])
                and _is_capital(octets[at - 3])
            ):
                flags |= IBAN
            if before == 32 and _ends_as_street(octets, at - 1):
                flags |= STREETS
            has_capital = has_capital or _is_before_capital(octets, at + 1)
            digit = at
            continue
        if at - begun >= _LONG_WORD:
            flags |= WORDS
        begun = at + 1
        if octet == 32:
            continue
        if octet == 64:
            flags |= WORDS
        elif octet == 58:
            near, colon = at - colon, at
            colons = colons + 1 if near <= 5 else 0
            flags |= (near == 1 or colons >= _COLONS) * WORDS
        elif octet == 45:
            near, dash = at - dash, at
            dashes = dashes + 1 if near == 3 else 0
            flags |= (dashes >= _DASHES) * WORDS
        elif octet == 46:
            near, dot = at - dot, at
            dots = dots + 1 if near <= 4 else 0
            flags |= (near == 5 or dots >= _DOTS) * WORDS
    if octets.size - begun >= _LONG_WORD:
        flags |= WORDS
    if may_call:
        flags |= calls_in(octets)
    return flags, digit >= 0, has_capital


@inner
def _classes(octets: Octets, marks: Any, classes: Any) -> int:
    """Give everything that some word of a text is."""
    found, start = 0, -1
    for at in range(octets.size + 1):
        inside = at < octets.size and (_is_of_word(octets[at]) or octets[at] == 39)
        if inside and start < 0:
            start = at
        elif not inside and start >= 0:
            found |= _class_of(octets, start, at, marks, classes)
            start = -1
    return found


@inner
def _lead(octets: Octets, first: int, start: int, marks: Any, classes: Any) -> int:
    """Give what the word before a name is, from ``first`` on; TITLE where it is too far away."""
    end = start
    while end > 0 and (octets[end - 1] <= 32 or octets[end - 1] == 44 or octets[end - 1] == 46
                       or octets[end - 1] == 58):  # fmt: skip
        end -= 1
        if start - end > LONGEST_LEAD:
            return TITLE
    at = end
    while at > first and (_is_of_word(octets[at - 1]) or octets[at - 1] == 39):
        at -= 1
        if start - at > LONGEST_LEAD:
            return TITLE
    return _class_of(octets, at, end, marks, classes) & (TITLE | GREETING) if at < end else 0


@inner
def _word(octets: Octets, at: int, names: Any) -> Any:
    """Give the end of a word that begins with a capital, and whether a part of it is a name."""
    is_listed, mark = False, _BASIS
    while at < octets.size:
        octet = octets[at]
        if octet == 39 or octet == 45:
            is_listed = is_listed or _has_bits(names, mark)
            mark = _BASIS
        elif _is_of_word(octet):
            mark = (mark ^ uint64(_lower(octet))) * _PRIME
        else:
            break
        at += 1
    return at, is_listed or _has_bits(names, mark)


@inner
def _behind_particles(octets: Octets, at: int, marks: Any, classes: Any) -> int:
    for _ in range(2):
        end = at
        while end < octets.size and octets[end] >= 97 and octets[end] <= 122:
            end += 1
        if end == at or end >= octets.size or octets[end] != 32:
            break
        if not _class_of(octets, at, end, marks, classes) & PARTICLE:
            break
        at = end + 1
    return at


@inner
def _find_runs(octets: Octets, names: Any, marks: Any, classes: Any, found: Any) -> int:
    """Count the runs of capitals that may hold a name; ``found`` gets where they begin."""
    at = count = 0
    while at < octets.size:
        if not _is_capital(octets[at]) or (at and _is_of_word(octets[at - 1])):
            at += 1
            continue
        start, number, last, may_be = at, 0, -9, False
        before = 0
        while True:
            lead = _lead(octets, before, at, marks, classes)
            before = at
            end, is_listed = _word(octets, at, names)
            if lead & TITLE or (lead and (is_listed or end - at == 1)):
                may_be = True
            if is_listed:
                may_be = may_be or number - last <= 3
                last = number
            number += 1
            at = end + 1 if end < octets.size and octets[end] == 46 else end
            if at >= octets.size or octets[at] != 32:
                break
            begun = _behind_particles(octets, at + 1, marks, classes)
            if begun >= octets.size or not _is_capital(octets[begun]):
                break
            at = begun
        if may_be:
            if count < found.size:
                found[count] = start
            count += 1
    return count


@entry
def put_names(octets: Octets, names: Any) -> None:
    """Put names, each in small letters before a line's end, into a set of bits."""
    mark = _BASIS
    for at in range(octets.size):
        octet = octets[at]
        if octet != 10:
            mark = (mark ^ uint64(octet)) * _PRIME
            continue
        for place in _places_of(mark):
            names[place >> uint64(3)] |= uint8(1) << uint8(place & uint64(7))
        mark = _BASIS


@entry
def sift(octets: Octets, names: Any, marks: Any, classes: Any, found: Any) -> int:
    """Give a text's flags; ``found`` must have no place."""
    flags, has_digit, has_capital = _signs(octets)
    if has_digit:
        seen = _classes(octets, marks, classes)
        if seen & ROMANCE or (has_capital and seen & STREET):
            flags |= STREETS
    if _find_runs(octets, names, marks, classes, found):
        flags |= NAMES
    return flags


@entry
def find_runs(octets: Octets, names: Any, marks: Any, classes: Any, found: Any) -> int:
    """Give ``_find_runs`` to Python."""
    return _find_runs(octets, names, marks, classes, found)


def _mark(word: str) -> int:
    mark = int(_BASIS)
    for octet in word.encode():
        mark = (mark ^ octet) * int(_PRIME) & _MASK
    return mark


class Sieve:
    """Tells what could be in a text."""

    def __init__(self, words: Mapping[int, Iterable[str]], names: Iterable[str]) -> None:
        """Take the words of each class, and names of people; all in small letters."""
        self._marks = np.zeros(_PLACES, np.uint64)
        self._classes = np.zeros(_PLACES, np.uint8)
        for kind, listed in words.items():
            for word in filter(str.isascii, listed):
                self._put(_mark(word), kind)
        self._names = np.zeros(1 << (_NAME_BITS - 3), np.uint8)
        lines = "".join(f"{name}\n" for name in names if name.isascii())
        put_names(np.frombuffer(lines.encode(), np.uint8), self._names)
        self._nothing = np.zeros(0, np.int64)

    def _put(self, mark: int, kind: int) -> None:
        place = mark & (_PLACES - 1)
        while self._marks[place] not in (0, mark):
            place = (place + 1) & (_PLACES - 1)
        self._marks[place] = mark
        self._classes[place] |= kind

    def flags(self, text: str) -> int:
        """Give the flags of what could be in a text of ASCII."""
        octets = np.frombuffer(text.encode(), np.uint8)
        made: int = sift(octets, self._names, self._marks, self._classes, self._nothing)
        return made

    def runs(self, text: str) -> list[int] | None:
        """Give where runs of capitals begin that may hold a name; None where all must be read."""
        found = np.empty(MOST_RUNS, np.int64)
        octets = np.frombuffer(text.encode(), np.uint8)
        count = find_runs(octets, self._names, self._marks, self._classes, found)
        return None if count > MOST_RUNS else found[:count].tolist()
