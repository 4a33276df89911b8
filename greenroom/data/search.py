"""Where in a text one of many patterns may begin: every place is asked, by compiled code.

numba compiles it at first use and keeps it on disk; where it cannot, numpy does the same slower.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np

from greenroom.data.compiling import goes_plainly

WIDTH = 8
"""Octets of a pattern's beginning that are compared as one number."""
CACHED_BITS = 22
"""Size of the table that is asked first, in bits: the processor's cache holds it."""
LEAST_BITS, MOST_BITS, BITS_A_NUMBER = 16, 28, 256
MIX = 0x9E3779B97F4A7C15
"""Source: 2**64 divided by the golden ratio, D. Knuth, The Art of Computer Programming 6.4."""


class Tables:
    """Says quickly of most numbers that no pattern begins with them."""

    def __init__(self, numbers: Any) -> None:
        self._sorted = np.sort(numbers)
        whole = (len(numbers) * BITS_A_NUMBER).bit_length()
        whole = max(LEAST_BITS, min(MOST_BITS, whole))
        self.small, self.small_shift = _table(numbers, min(whole, CACHED_BITS))
        self.large, self.large_shift = _table(numbers, whole)

    def places(self, text: bytes) -> Any:
        """Give the places where a pattern may begin, in order."""
        if len(text) < WIDTH:
            return np.empty(0, dtype=np.int64)
        scan = (None if goes_plainly() else compiled()) or by_numpy
        octets = np.frombuffer(text, dtype=np.uint8)
        return scan(octets, self.small, self.small_shift, self.large, self.large_shift)

    def numbers(self, text: bytes, layout: Any) -> list[int] | None:
        """Give where eight digits begin, layout aside, that a pattern begins with.

        ``layout`` says of each octet whether it is one; None where it cannot be told quickly.
        """
        scan = None if goes_plainly() else compiled_numbers()
        if scan is None:
            return None
        octets = np.frombuffer(text, dtype=np.uint8)
        found: list[int] = scan(octets, layout, self.small, self.small_shift, self._sorted).tolist()
        return found


def _table(numbers: Any, bits: int) -> tuple[Any, Any]:
    """Make a table of bits."""
    table, shift = np.zeros(1 << (bits - 3), dtype=np.uint8), np.uint64(64 - bits)
    places = (numbers * np.uint64(MIX)) >> shift
    bit = np.left_shift(np.uint8(1), (places & np.uint64(7)).astype(np.uint8))
    np.bitwise_or.at(table, (places >> np.uint64(3)).astype(np.intp), bit)
    return table, shift


def _has(table: Any, places: Any) -> Any:
    return table[places >> np.uint64(3)] >> (places & np.uint64(7)).astype(np.uint8) & 1


def by_numpy(octets: Any, small: Any, small_shift: Any, large: Any, large_shift: Any) -> Any:
    """Ask for every place, an eighth of them at a time."""
    found = []
    for start in range(WIDTH):
        count = (len(octets) - start) // WIDTH
        numbers = octets[start : start + count * WIDTH].view("<u8")
        mixed = numbers * np.uint64(MIX)
        places = np.flatnonzero(_has(small, mixed >> small_shift))
        places = places[_has(large, mixed[places] >> large_shift).astype(np.bool_)]
        found.append(places * WIDTH + start)
    return np.sort(np.concatenate(found))


_CODE = re.compile(rb"[0-9A-Za-z+/_-]+")
_MIXED = re.compile(rb"[0-Z]")
_IS_CODE = np.zeros(256, dtype=np.bool_)
_IS_CODE[list(b"+/-_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")] = True


def runs_of_code(text: bytes, shortest: int) -> Iterable[tuple[int, int]]:
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
    return zip(found[:, 0].tolist(), found[:, 1].tolist(), strict=True)


def places_of(text: bytes, signs: bytes) -> list[int]:
    """Give where any of some signs stands."""
    is_sign = np.zeros(256, dtype=np.bool_)
    is_sign[list(signs)] = True
    octets = np.frombuffer(text, dtype=np.uint8)
    scan = None if goes_plainly() else compiled_signs()
    places = np.flatnonzero(is_sign[octets]) if scan is None else scan(octets, is_sign)
    found: list[int] = places.tolist()
    return found


@cache
def compiled_signs() -> Callable[..., Any] | None:
    """Give the compiled search for signs; None where numba cannot compile it."""
    try:
        from greenroom.data.kernels.sharing import compiled as compiled_and_kept
    except ImportError:
        return None

    def scan(octets: Any, is_sign: Any) -> Any:
        found, count = np.empty(len(octets), dtype=np.int64), 0
        for at in range(len(octets)):
            if is_sign[octets[at]]:
                found[count] = at
                count += 1
        return found[:count]

    return compiled_and_kept(scan)


@cache
def compiled_numbers() -> Callable[..., Any] | None:
    """Give the compiled search for numbers; None where numba cannot compile it."""
    try:
        from greenroom.data.kernels.sharing import compiled as compiled_and_kept
    except ImportError:
        return None

    def scan(octets: Any, is_layout: Any, small: Any, shift: Any, known: Any) -> Any:
        found = np.empty(len(octets) // WIDTH + 1, dtype=np.int64)
        starts = np.empty(WIDTH, dtype=np.int64)
        number, digits, count = np.uint64(0), 0, 0
        for at in range(len(octets)):
            octet = octets[at]
            if octet < 48 or octet > 57:
                if not is_layout[octet]:
                    digits = 0
                continue
            starts[digits % WIDTH] = at
            digits += 1
            number = (number >> np.uint64(8)) | (np.uint64(octet) << np.uint64(56))
            if digits < WIDTH:
                continue
            place = (number * np.uint64(MIX)) >> shift
            if not small[place >> np.uint64(3)] >> (place & np.uint64(7)) & np.uint64(1):
                continue
            low, high = 0, len(known)
            while low < high:
                middle = (low + high) // 2
                if known[middle] < number:
                    low = middle + 1
                else:
                    high = middle
            if low < len(known) and known[low] == number:
                if count == len(found):
                    break  # so many that all of the text is to be looked at
                found[count] = starts[digits % WIDTH]
                count += 1
        return found[:count]

    return compiled_and_kept(scan)


@cache
def compiled_runs() -> Callable[..., Any] | None:
    """Give the compiled search for runs; None where numba cannot compile it."""
    try:
        from greenroom.data.kernels.sharing import compiled as compiled_and_kept
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

    return compiled_and_kept(scan)


@cache
def compiled() -> Callable[..., Any] | None:
    """Give the compiled search; None where numba cannot compile or keep it."""
    try:
        from greenroom.data.kernels.sharing import compiled as compiled_and_kept
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
            place = mixed >> small_shift
            if small[place >> np.uint64(3)] >> (place & np.uint64(7)) & np.uint64(1):
                place = mixed >> large_shift
                if large[place >> np.uint64(3)] >> (place & np.uint64(7)) & np.uint64(1):
                    found[count] = at
                    count += 1
        return found[:count]

    return compiled_and_kept(scan)
