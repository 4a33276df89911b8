"""Originals as marks of all the patterns they are looked for by, and the comparison with a text.

Twin: ``greenroom.data.verify``. A pattern takes some twenty octets: its first eight as a number,
its length, the keyed hash of the whole, and by what it is told.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np
from numba import int64, uint8, uint64

from greenroom.data.kernels.hashing import Octets, entry, inner, siphash
from greenroom.data.kernels.letters import LONGEST, put_octets
from greenroom.data.kernels.lines import BASIS, PRIME
from greenroom.data.kernels.people import put_mark

Patterns = namedtuple("Patterns", "prefixes marks lengths kinds exact")
"""Tables of patterns: first octets, whole, octets, number of the needle, and the hash of what the
text must hold where case counts (0: it does not). Searched once sorted by the first three."""
Originals = namedtuple("Originals", "key found digits seen numbers lines state")
"""Patterns of texts and of numbers; marks of the originals and of the numbers that are in them
already, and of both as ``kernels.lines`` marks them."""
FOUND, DIGITS, SEEN, NUMBERS, LINES, WEAK, MOST = range(7)
"""What ``state`` counts: patterns, marks, originals too short; and the longest pattern."""
PLAIN, SHORT, HEX, CODED, NUMBER, SHORT_NUMBER = range(6)
"""The numbers of one column's needles in ``kinds``."""
SHORTEST, FEWEST_OWN_DIGITS = 8, 10
MOST_PATTERNS = 6
"""Patterns of one original."""
_ALPHABET = np.frombuffer(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", np.uint8
).copy()
_SMALL_AT, _BARE_AT, _DIGITS_AT, _CODE_AT = (n * (LONGEST + 8) for n in range(1, 5))
WORK = _CODE_AT + 2 * LONGEST + 64


@inner
def mark_of(key: Any, octets: Octets, count: int) -> Any:
    """Give the mark of octets; never 0."""
    low, _ = siphash(key[0], key[1], octets, count)
    return low | uint64(1)


@inner
def prefix_at(octets: Octets, at: int) -> Any:
    """Give eight octets as a number, the first the lowest."""
    number = uint64(0)
    for n in range(SHORTEST):
        number |= uint64(octets[at + n]) << uint64(8 * n)
    return number


@inner
def small(octet: Any) -> Any:
    """Give a letter of ASCII as a small one."""
    return octet + uint8(32) if octet >= 65 and octet <= 90 else octet


@inner
def put_pattern(
    octets: Octets, count: int, kind: int, exact: Any, patterns: Any, at: int, state: Any, key: Any
) -> None:
    """Add a pattern as the one of that number."""
    patterns.prefixes[at] = prefix_at(octets, 0)
    patterns.marks[at] = mark_of(key, octets, count)
    patterns.lengths[at] = count
    patterns.kinds[at] = kind
    patterns.exact[at] = exact
    state[MOST] = max(state[MOST], count)


@inner
def line_mark(octets: Octets, count: int) -> Any:
    """Mark octets up to their first stroke, as ``kernels.lines`` does."""
    mark = BASIS
    for at in range(count):
        if octets[at] == 47:
            break
        mark = (mark ^ uint64(small(octets[at]))) * PRIME
    return mark | uint64(1)


@inner
def put_line(octets: Octets, count: int, p: Any) -> None:
    """Add the mark of a whole value."""
    _, is_new = put_mark(p.lines, line_mark(octets, count))
    p.state[LINES] += is_new


@inner
def put_hex(src: Octets, count: int, kind: int, p: Any, code: Octets) -> None:
    """Add the hexadecimal digits of octets."""
    for at in range(count):
        for n, half in ((0, src[at] >> uint8(4)), (1, src[at] & uint8(15))):
            code[2 * at + n] = half + (uint8(48) if half < 10 else uint8(87))
    put_pattern(code, 2 * count, kind, uint64(0), p.found, p.state[FOUND], p.state, p.key)
    p.state[FOUND] += 1


@inner
def put_base64(src: Octets, count: int, kind: int, p: Any, code: Octets) -> None:
    """Add what of base64 does not depend on what is around it. Twin: ``verify.base64_cores``."""
    for shift in range(3):
        octets = shift + count
        length = (8 * octets + 5) // 6
        start = shift + (shift > 0)
        end = length - 1 if octets % 3 else length
        if end - start < SHORTEST:
            continue
        for place in range(start, end):
            bit = 6 * place
            at = bit // 8
            word = int64(0)
            for n in range(2):
                octet = at + n - shift
                word = word << 8 | (int64(src[octet]) if 0 <= octet < count else 0)
            code[place - start] = _ALPHABET[word >> (10 - bit % 8) & 63]
        exact = mark_of(p.key, code, end - start)
        for place in range(end - start):
            code[place] = small(code[place])
        put_pattern(code, end - start, kind, exact, p.found, p.state[FOUND], p.state, p.key)
        p.state[FOUND] += 1


@inner
def add_original(
    plain: Octets, size: int, bare: Octets, bare_size: int, low: Octets, low_size: int,
    digits: Octets, count: int, has_letter: bool, kinds: Any, p: Any, code: Octets,
) -> None:  # fmt: skip
    """Add an original: folded, stripped, in small letters, and its digits where it is a number."""
    is_short = 0 < count < FEWEST_OWN_DIGITS
    if count:
        _, is_new = put_mark(p.numbers, mark_of(p.key, digits, count))
        if is_new:
            p.state[NUMBERS] += 1
            kind = kinds[SHORT_NUMBER] if is_short else kinds[NUMBER]
            at = p.state[DIGITS]
            put_pattern(digits, count, kind, uint64(0), p.digits, at, p.state, p.key)
            p.state[DIGITS] += 1
            put_line(digits, count, p)
    if size < SHORTEST:
        p.state[WEAK] += 1
        return
    _, is_new = put_mark(p.seen, mark_of(p.key, plain, size))
    if not is_new:
        return
    p.state[SEEN] += 1
    put_line(plain, size, p)
    kind = kinds[SHORT] if is_short and not has_letter else kinds[PLAIN]
    put_pattern(plain, size, kind, uint64(0), p.found, p.state[FOUND], p.state, p.key)
    p.state[FOUND] += 1
    put_hex(low, low_size, kinds[HEX], p, code)
    is_same = bare_size == low_size
    for at in range(min(bare_size, low_size)):
        is_same = is_same and bare[at] == low[at]
    if not is_same:
        put_hex(bare, bare_size, kinds[HEX], p, code)
    put_base64(bare, bare_size, kinds[CODED], p, code)


@inner
def has_room(p: Any) -> Any:
    """Whether every table has room for one more original."""
    return (
        p.state[FOUND] + MOST_PATTERNS <= p.found.prefixes.size
        and p.state[DIGITS] < p.digits.prefixes.size
        and (p.state[SEEN] + 2) * 2 < p.seen.size and (p.state[NUMBERS] + 2) * 2 < p.numbers.size
        and (p.state[LINES] + 3) * 2 < p.lines.size
    )  # fmt: skip


@entry
def add_lines(
    src: Octets, at: int, end: int, kinds: Any, p: Any, work: Octets, left: Any
) -> Any:  # fmt: skip
    """Add the originals of lines; give where it stopped, and how many lines are left to Python."""
    lefts = 0
    plain, low, bare = work, work[_SMALL_AT:], work[_BARE_AT:]
    digits, code = work[_DIGITS_AT:], work[_CODE_AT:]
    while at < end and has_room(p) and lefts < left.shape[0]:
        start, is_simple = at, True
        while at < end and src[at] != 10:
            is_simple = is_simple and src[at] >= 32 and src[at] < 127 and src[at] != 92
            at += 1
        stop = at
        at += 1
        if not is_simple or stop - start > LONGEST:
            left[lefts, 0], left[lefts, 1] = start, stop
            lefts += 1
            continue
        while start < stop and src[start] == 32:
            start += 1
        while stop > start and src[stop - 1] == 32:
            stop -= 1
        size: Any = int64(0)
        count: Any = int64(0)
        has_letter = False
        for place in range(start, stop):
            octet = src[place]
            bare[place - start] = octet
            octet = small(octet)
            low[place - start] = octet
            if octet == 32 and src[place - 1] == 32:
                continue
            plain[size] = octet
            size += 1
            has_letter = has_letter or (octet >= 97 and octet <= 122)
            if octet >= 48 and octet <= 57:
                digits[count] = octet
                count += 1
        if count < SHORTEST or 2 * count < size:
            count = 0
        add_original(
            plain, size, bare, stop - start, low, stop - start, digits, count, has_letter, kinds,
            p, code,
        )  # fmt: skip
    return at, lefts


@entry
def add_one(
    octets: Octets, sizes: Any, has_letter: bool, kinds: Any, p: Any, work: Octets
) -> bool:  # fmt: skip
    """Add one original that Python has folded: four forms of it one after another, and sizes.

    Says whether there was room for it.
    """
    if not has_room(p):
        return False
    forms, at = work, 0
    put_octets(octets, 0, sizes[0], forms, 0)
    at = sizes[0]
    put_octets(octets, at, at + sizes[1], work[_BARE_AT:], 0)
    at += sizes[1]
    put_octets(octets, at, at + sizes[2], work[_SMALL_AT:], 0)
    at += sizes[2]
    put_octets(octets, at, at + sizes[3], work[_DIGITS_AT:], 0)
    add_original(
        forms, sizes[0], work[_BARE_AT:], sizes[1], work[_SMALL_AT:], sizes[2], work[_DIGITS_AT:],
        sizes[3], has_letter, kinds, p, work[_CODE_AT:],
    )  # fmt: skip
    return True


@entry
def add_line(octets: Octets, count: int, p: Any) -> None:
    """Add the mark of a whole value alone, of which the rest is kept elsewhere."""
    put_line(octets, count, p)


@entry
def regrow(old: Any, made: Any) -> None:
    """Put marks into a larger table."""
    for number in range(old.size):
        if old[number]:
            put_mark(made, old[number])
