"""Where in a text one of many patterns may begin: every place is asked, by compiled code.

numba compiles it at first use and keeps it on disk; where it cannot, numpy does the same slower.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from greenroom.data.compiling import goes_plainly

WIDTH = 8
"""Octets of a pattern's beginning that are compared as one number."""
CACHED_BITS = 21
"""Size of the table that is asked first: the processor's cache holds it."""
MIX = 0x9E3779B97F4A7C15
"""Source: 2**64 divided by the golden ratio, D. Knuth, The Art of Computer Programming 6.4."""


class Tables:
    """Says quickly of most numbers that no pattern begins with them."""

    def __init__(self, numbers: Any) -> None:
        whole = max(16, min(26, (len(numbers) * 32).bit_length()))
        self.small, self.small_shift = _table(numbers, min(whole, CACHED_BITS))
        self.large, self.large_shift = _table(numbers, whole)

    def places(self, text: bytes) -> Any:
        """Give the places where a pattern may begin, in order."""
        if len(text) < WIDTH:
            return np.empty(0, dtype=np.int64)
        scan = (None if goes_plainly() else compiled()) or by_numpy
        octets = np.frombuffer(text, dtype=np.uint8)
        return scan(octets, self.small, self.small_shift, self.large, self.large_shift)


def _table(numbers: Any, bits: int) -> tuple[Any, Any]:
    table, shift = np.zeros(1 << bits, dtype=np.bool_), np.uint64(64 - bits)
    table[(numbers * np.uint64(MIX)) >> shift] = True
    return table, shift


def by_numpy(octets: Any, small: Any, small_shift: Any, large: Any, large_shift: Any) -> Any:
    """Ask for every place, an eighth of them at a time."""
    found = []
    for start in range(WIDTH):
        count = (len(octets) - start) // WIDTH
        numbers = octets[start : start + count * WIDTH].view("<u8")
        mixed = numbers * np.uint64(MIX)
        places = np.flatnonzero(small[mixed >> small_shift])
        places = places[large[mixed[places] >> large_shift]]
        found.append(places * WIDTH + start)
    return np.sort(np.concatenate(found))


_CODE = re.compile(rb"[0-9A-Za-z+/_-]+")
_MIXED = re.compile(rb"[0-Z]")
_IS_CODE = np.zeros(256, dtype=np.bool_)
_IS_CODE[list(b"+/-_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")] = True


def runs_of_code(text: bytes, shortest: int) -> list[tuple[int, int]]:
    """Give where letters and digits of base64 stand together, ``shortest`` and more.

    Words are left out: what has neither digit nor capital behind its first letter.
    """
    scan = None if goes_plainly() else compiled_runs()
    if scan is None:
        return [
            match.span()
            for match in _CODE.finditer(text)
            if match.end() - match.start() >= shortest and _MIXED.search(match[0], 1)
        ]
    found = scan(np.frombuffer(text, dtype=np.uint8), _IS_CODE, shortest)
    return [(start, end) for start, end in found.tolist()]


def places_of(text: bytes, signs: bytes) -> list[int]:
    """Give where any of some signs stands."""
    is_sign = np.zeros(256, dtype=np.bool_)
    is_sign[list(signs)] = True
    places: list[int] = np.flatnonzero(is_sign[np.frombuffer(text, dtype=np.uint8)]).tolist()
    return places


@cache
def compiled_runs() -> Callable[..., Any] | None:
    """Give the compiled search for runs; None where numba cannot compile it."""
    try:
        from numba import njit
    except ImportError:
        return None

    def scan(octets: Any, is_code: Any, shortest: int) -> Any:
        found = np.empty((len(octets) // shortest + 1, 2), dtype=np.int64)
        count, at, size = 0, shortest - 1, len(octets)
        while at < size:  # only places that every long run must cover are looked at
            if not is_code[octets[at]]:
                at += shortest
                continue
            start = at
            while start > 0 and is_code[octets[start - 1]]:
                start -= 1
            end = at + 1
            while end < size and is_code[octets[end]]:
                end += 1
            is_mixed = False
            for place in range(start + 1, end):
                if octets[place] <= 90 and octets[place] >= 48:  # a digit or a capital
                    is_mixed = True
                    break
            if is_mixed and end - start >= shortest:
                found[count, 0], found[count, 1] = start, end
                count += 1
            at = end + shortest
        return found[:count]

    try:
        made: Callable[..., Any] = njit(nogil=True, cache=True)(scan)
    except RuntimeError:  # nowhere to keep it
        made = njit(nogil=True)(scan)
    return made


@cache
def compiled() -> Callable[..., Any] | None:
    """Give the compiled search; None where numba cannot compile or keep it."""
    try:
        from numba import njit
    except ImportError:
        return None

    def scan(octets: Any, small: Any, small_shift: Any, large: Any, large_shift: Any) -> Any:
        mix, count, last = np.uint64(MIX), 0, len(octets) - WIDTH
        found = np.empty(len(octets), dtype=np.int64)
        number = np.uint64(0)
        for at in range(WIDTH - 1):
            number |= np.uint64(octets[at]) << np.uint64(8 * (at + 1))
        for at in range(last + 1):
            number = (number >> np.uint64(8)) | (np.uint64(octets[at + WIDTH - 1]) << np.uint64(56))
            mixed = number * mix
            if small[mixed >> small_shift] and large[mixed >> large_shift]:
                found[count] = at
                count += 1
        return found[:count]

    try:
        made: Callable[..., Any] = njit(nogil=True, cache=True)(scan)
    except RuntimeError:  # nowhere to keep it
        made = njit(nogil=True)(scan)
    return made
