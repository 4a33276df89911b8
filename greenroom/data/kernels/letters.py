"""Letters, words and numbers in octets, compiled.

What has letters above U+07FF, or letters that fold to several, is left to the plain functions.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np
from numba import int64, uint8, uint64

from greenroom.data.identities import fold_letter
from greenroom.data.kernels.hashing import Octets, entry, inlined, inner, siphash

LETTERS = 0x800
"""Code points that two octets of UTF-8 hold."""
UPPER, LOWER, TITLE, CAPITAL = 1, 2, 4, 8
"""CAPITAL: that has a small letter."""
LONGEST = 4000
"""Octets of a value that a kernel takes."""
LEFT = -1
"""Says that a value is left to the plain function."""
DOUBLE_S = -2
"""What U+00DF folds to: the one of two letters that many names have."""
SPACE = 32


@cache
def folding() -> Any:
    """Give the folded code point of each, -1 where there is no single one."""
    table = np.full(LETTERS, LEFT, np.int32)
    for code in range(LETTERS):
        folded = chr(code).casefold()
        if re.match(r"\s", chr(code)):
            table[code] = SPACE
        elif len(folded) == 1 and ord(folded) < LETTERS:
            table[code] = ord(folded)
        elif folded == "ss":
            table[code] = DOUBLE_S
    return table


@cache
def lowering() -> Any:
    """Give the small letter of each code point as identities are folded, -1 for one of several."""
    table = np.full(LETTERS, LEFT, np.int32)
    for code in range(LETTERS):
        folded = ord(fold_letter(chr(code)))
        if folded < LETTERS:
            table[code] = folded
    return table


@cache
def kinds_of_letters() -> Any:
    """Say of each code point whether it is a capital or a small letter."""
    table = np.zeros(LETTERS, np.uint8)
    for code in range(LETTERS):
        letter = chr(code)
        table[code] = UPPER * letter.isupper() | LOWER * letter.islower() | TITLE * letter.istitle()
        if letter.isupper():
            table[code] = UPPER  # istitle() says yes of these, too
        table[code] |= CAPITAL * (letter.lower() != letter)
    return table


@inlined
def letter_at(src: Octets, at: int, end: int) -> Any:
    """Give a code point and its octets; no octets where it is not taken."""
    octet = src[at]
    if octet < 128:
        return int64(octet), 1
    if octet & 0xE0 == 0xC0 and at + 1 < end:
        return int64(octet & 31) << 6 | int64(src[at + 1] & 63), 2
    return int64(0), 0


@inner
def fold(src: Octets, start: int, end: int, work: Octets, table: Any) -> int:
    """Write two octets of no salt and the folded value; give how many, or LEFT."""
    work[0] = work[1] = 0
    count, waits, at = 2, False, start
    if end - start > LONGEST:
        return LEFT
    while at < end:
        code, size = letter_at(src, at, end)
        if size == 0:
            return LEFT
        at += size
        code = int64(table[code])
        if code == LEFT:
            return LEFT
        if code == SPACE:
            waits = count > 2
            continue
        if waits:
            work[count] = SPACE
            count += 1
            waits = False
        if code == DOUBLE_S:
            work[count] = work[count + 1] = 115
            count += 2
        elif code < 128:
            work[count] = code
            count += 1
        else:
            work[count] = 0xC0 | code >> 6
            work[count + 1] = 0x80 | code & 63
            count += 2
    return count


@inner
def fold_each(src: Octets, start: int, end: int, work: Octets, table: Any) -> int:
    """Write two octets of no salt and each letter's small one; give how many, or LEFT."""
    work[0] = work[1] = 0
    count, at = 2, start
    while at < end:
        code, size = letter_at(src, at, end)
        if size == 0:
            return LEFT
        at += size
        code = int64(table[code])
        if code < 0:
            return LEFT
        if code < 128:
            work[count] = code
            count += 1
        else:
            work[count] = 0xC0 | code >> 6
            work[count + 1] = 0x80 | code & 63
            count += 2
    return count


@inner
def is_ascii(src: Octets, start: int, end: int) -> Any:
    """Whether no octet is above 127."""
    every = uint8(0)
    for at in range(start, end):
        every |= src[at]
    return every < 128


@inner
def case_of(src: Octets, start: int, end: int, kinds: Any) -> int:
    """Give how a word is written: UPPER, LOWER, or 0 for neither."""
    seen, letters, at = 0, 0, start
    while at < end:
        code, size = letter_at(src, at, end)
        if size == 0:
            return 0
        seen |= kinds[code] & (UPPER | LOWER | TITLE)
        letters += 1
        at += size
    if seen == UPPER and letters > 1:
        return UPPER
    return LOWER if seen == LOWER else 0


@inlined
def put_word(word: Octets, count: int, case: int, out: Octets, o: int) -> int:
    """Write a word of ours, which begins with a capital, in the case that is asked for."""
    for at in range(count):
        octet = word[at]
        if case == UPPER and octet >= 97 and octet <= 122:
            octet -= uint8(32)
        elif case == LOWER and octet >= 65 and octet <= 90:
            octet += uint8(32)
        out[o + at] = octet
    return o + count


@inlined
def put_octets(src: Octets, start: int, end: int, out: Octets, o: int) -> int:
    """Copy octets as they are."""
    for at in range(end - start):
        out[o + at] = src[start + at]
    return o + end - start


@inlined
def put_number(number: Any, out: Octets, o: int) -> int:
    """Write a small number in decimal digits."""
    number = int64(number)
    size, rest = 1, number
    while rest >= 10:
        rest //= 10
        size += 1
    for at in range(size - 1, -1, -1):
        out[o + at] = 48 + number % 10
        number //= 10
    return o + size


@inlined
def put_tag(number: Any, letters: Octets, out: Octets, o: int) -> int:
    """Write 60 bits in twelve letters, the lowest first."""
    for at in range(12):
        out[o + at] = letters[int64((number >> uint64(5 * at)) & uint64(31))]
    return o + 12


# --- sets of what is known ------------------------------------------------------------------


@inlined
def holds(table: Any, mark: Any) -> Any:
    """Give the place of a mark in a table, -1 where it is not in it; 0 is an empty place."""
    mask = uint64(table.size - 1)
    at = mark & mask
    while table[at] != 0:
        if table[at] == mark:
            return int64(at)
        at = (at + uint64(1)) & mask
    return -1


@entry
def mark(octets: Octets, ends: Any, first: Any, second: Any, work: Octets, made: Any) -> None:
    """Make a mark for each text of many that stand one after another."""
    start = 0
    for number in range(ends.size):
        end = ends[number]
        count = min(end - start, LONGEST)
        for at in range(count):
            work[2 + at] = octets[start + at]
        work[0] = work[1] = 0
        low, _ = siphash(first, second, work, count + 2)
        made[number] = low | uint64(1)
        start = end


def marks_of(octets: Octets, ends: Any, first: Any, second: Any, work: Octets) -> Any:
    """Give a mark for each text of many that stand one after another."""
    made = np.empty(ends.size, np.uint64)
    mark(octets, ends, first, second, work, made)
    return made


@entry
def fill(table: Any, kinds: Octets, marks: Any, kind_of: Octets) -> None:
    """Put marks into an empty table that is at least twice as large; the first of two stays."""
    mask = uint64(table.size - 1)
    for number in range(marks.size):
        mark = marks[number]
        at = mark & mask
        while table[at] != 0 and table[at] != mark:
            at = (at + uint64(1)) & mask
        if table[at] == 0:
            table[at] = mark
            kinds[at] = kind_of[number]


@entry
def any_word_known(
    octets: Octets, start: int, end: int, words: Any, first: Any, second: Any, work: Octets
) -> bool:
    """Whether a run of small letters in texts is one of some words."""
    work[0] = work[1] = 0
    count = 0
    for at in range(start, end + 1):
        octet = octets[at] if at < end else uint8(0)
        if octet >= 97 and octet <= 122:
            if count < 64:
                work[2 + count] = octet
            count += 1
        elif count:
            if count < 64:
                low, _ = siphash(first, second, work, count + 2)
                if holds(words, low | uint64(1)) >= 0:
                    return True
            count = 0
    return False


@entry
def holds_at(table: Any, mark: Any) -> Any:
    """Give the empty place that a mark would take; -1 where it is in the table already."""
    mask = uint64(table.size - 1)
    at = mark & mask
    while table[at] != 0:
        if table[at] == mark:
            return LEFT
        at = (at + uint64(1)) & mask
    return int64(at)
