"""The database's own people as marks, and the search for them in texts. Twin: ``identities``.

A mark is the keyed hash of a way in which somebody is written, folded. Millions of people take
some twenty octets each, and none of them can be read back.
"""

from __future__ import annotations

from collections import namedtuple
from functools import cache
from typing import Any

import numpy as np
from numba import int64, uint64

from greenroom.data.kernels.hashing import Octets, entry, inner, siphash
from greenroom.data.kernels.letters import (
    LEFT,
    LONGEST,
    SPACE,
    any_word_known,
    holds,
    letter_at,
    put_octets,
)

People = namedtuple(
    "People", "key marks kinds numbers number_kinds firsts reach outer outer_kinds ours lowering"
    " is_word leads state",
)  # fmt: skip
"""Tables of marks: of people with their kinds, of their numbers, of what each way of writing
somebody begins with and how far it reaches, of the outer words of names, of our own words; then
what folds letters, what tells words, and which octets somebody begins with."""
MARKS, NUMBERS, FIRSTS, OUTER, HAS_OUR_WORD, HAS_HEXADECIMAL = range(6)
"""What ``state`` counts, and says."""
FEWEST_DIGITS = 8
MOST_OCTETS = LONGEST // 2
"""Octets of a value that compiled code takes."""
MOST_SIGNS = 8
"""Signs before the first word of somebody who is found in texts."""
REACH = 8
"""Octets in which it is counted how far somebody's longest way of writing reaches."""
SINGLE = -1
"""Says that what was found is one word of somebody's name."""
WORDS = 1 << 16
"""Code points of which is told whether they belong to words."""
_DIGITS_AT, _WAY_AT = LONGEST + 2, 2 * LONGEST + 4
WORK = 3 * LONGEST + 64


@cache
def wordness() -> Any:
    """Say of each code point whether it is part of a word."""
    return np.array([chr(code).isalnum() or code == 95 for code in range(WORDS)], np.bool_)


@inner
def code_at(src: Octets, at: int, end: int) -> Any:
    """Give any code point and its octets."""
    octet = int64(src[at])
    if octet < 128 or octet < 0xC0:
        return octet, 1
    if octet < 0xE0 and at + 1 < end:
        return (octet & 31) << 6 | int64(src[at + 1] & 63), 2
    if octet < 0xF0 and at + 2 < end:
        return (octet & 15) << 12 | int64(src[at + 1] & 63) << 6 | int64(src[at + 2] & 63), 3
    if at + 3 < end:
        return int64(WORDS), 4
    return octet, 1


@inner
def is_word_at(src: Octets, at: int, end: int, p: Any) -> Any:
    """Say whether a word's letter stands there, and in how many octets."""
    code, size = code_at(src, at, end)
    return code < WORDS and p.is_word[code], size


@inner
def first_end(src: Octets, at: int, end: int, p: Any) -> int:
    """Give where the first word ends, with what stands before it; LEFT where none is near."""
    signs, is_within = 0, False
    while at < end:
        is_word, size = is_word_at(src, at, end, p)
        if is_within and not is_word:
            return at
        if not is_word:
            signs += 1
            if signs > MOST_SIGNS:
                return LEFT
        is_within = is_within or is_word
        at += size
    return at if is_within else LEFT


@inner
def put_mark(table: Any, mark: Any) -> Any:
    """Give the place of a mark in a table with room, and whether it is new there."""
    mask = uint64(table.size - 1)
    at = mark & mask
    while table[at] != 0:
        if table[at] == mark:
            return int64(at), False
        at = (at + uint64(1)) & mask
    table[at] = mark
    return int64(at), True


@inner
def add_way(way: Octets, count: int, kind: int, shortest: int, p: Any, work: Octets) -> None:
    """Add a way of writing somebody: folded octets from ``way[2]`` to ``way[count]``."""
    letters = 0
    for at in range(2, count):
        letters += way[at] & 0xC0 != 0x80
    if letters < shortest:
        return
    way[0] = way[1] = 0
    low, _ = siphash(p.key[0], p.key[1], way, count)
    place, is_new = put_mark(p.marks, low | uint64(1))
    if not is_new:
        return
    p.kinds[place] = kind
    p.state[MARKS] += 1
    is_hexadecimal = True
    for at in range(2, count):
        octet = way[at]
        is_hexadecimal = is_hexadecimal and (
            (octet >= 48 and octet <= 57) or (octet >= 97 and octet <= 102) or octet == 45
        )
    if is_hexadecimal:
        p.state[HAS_HEXADECIMAL] = 1
    if not p.state[HAS_OUR_WORD] and any_word_known(
        way, 2, count, p.ours, p.key[0], p.key[1], work
    ):
        p.state[HAS_OUR_WORD] = 1
    end = first_end(way, 2, count, p)
    if end < 0:
        return
    p.leads[way[2]] = 1
    low, _ = siphash(p.key[0], p.key[1], way, end)
    place, is_new = put_mark(p.firsts, low | uint64(1))
    p.state[FIRSTS] += is_new
    p.reach[place] = max(int64(p.reach[place]), min((count - 2 + REACH - 1) // REACH, 255))


@inner
def add_name(
    name: Octets, count: int, kind: int, shortest: int, p: Any, work: Octets, way: Octets
) -> None:
    """Add the ways people write a name. Twin: ``identities._variants``."""
    comma, first, last = -1, -1, -1
    for at in range(2, count):
        if name[at] == 44 and comma < 0:
            comma = at
        elif name[at] == SPACE:
            first = at if first < 0 else first
            last = at
    if comma >= 0:
        add_way(name, count, kind, shortest, p, work)
        begin = comma + 1 + (comma + 1 < count and name[comma + 1] == SPACE)
        end = comma - (comma > 2 and name[comma - 1] == SPACE)
        if begin >= count or end <= 2:
            return
        o = put_octets(name, begin, count, way, 2)
        way[o] = SPACE
        o = put_octets(name, 2, end, way, o + 1)
        add_way(way, o, kind, shortest, p, work)
    elif first >= 0:
        add_way(name, count, kind, shortest, p, work)
        o = put_octets(name, last + 1, count, way, 2)
        way[o], way[o + 1] = 44, SPACE
        o = put_octets(name, 2, last, way, o + 2)
        add_way(way, o, kind, shortest, p, work)
        if first != last:
            o = put_octets(name, 2, first, way, 2)
            o = put_octets(name, last, count, way, o)
            add_way(way, o, kind, shortest, p, work)


@inner
def add_number(digits: Octets, count: int, kind: int, p: Any) -> None:
    """Add a number: its digits from ``digits[2]`` to ``digits[count]``."""
    digits[0] = digits[1] = 0
    low, _ = siphash(p.key[0], p.key[1], digits, count)
    place, is_new = put_mark(p.numbers, low | uint64(1))
    if is_new:
        p.number_kinds[place] = kind
        p.state[NUMBERS] += 1


@inner
def add_outer(src: Octets, start: int, end: int, p: Any, work: Octets) -> Any:
    """Add the outer word of a name; say whether it is new."""
    work[0] = work[1] = 0
    count = put_octets(src, start, end, work, 2)
    low, _ = siphash(p.key[0], p.key[1], work, count)
    _, is_new = put_mark(p.outer, low | uint64(1))
    p.state[OUTER] += is_new
    return is_new


@inner
def put_outer_words(
    src: Octets, start: int, end: int, p: Any, work: Octets, words: Any, told: int
) -> int:
    """Tell the first and the last word of a name that has several, where they are new."""
    first, first_end, last, at = -1, -1, -1, start
    begun = -1
    last_end = -1
    while at <= end:
        is_space, size = True, 1
        if at < end:
            code, size = letter_at(src, at, end)
            is_space = code == 44 or p.lowering[code] == SPACE
        if not is_space:
            begun = at if begun < 0 else begun
        elif begun >= 0:
            if first < 0:
                first, first_end = begun, at
            last, last_end = begun, at
            begun = -1
        at += size
    if first == last:
        return told
    for begin, stop in ((first, first_end), (last, last_end)):
        if add_outer(src, begin, stop, p, work):
            words[told, 0], words[told, 1] = begin, stop
            told += 1
    return told


@inner
def fold_line(src: Octets, start: int, end: int, p: Any, out: Octets, digits: Octets) -> Any:
    """Fold a line with single blanks; give octets (LEFT where that is not simple), and digits."""
    o, count, letters, at, waits = 2, 2, 0, start, False
    if end - start > MOST_OCTETS:
        return LEFT, 0
    while at < end:
        code, size = letter_at(src, at, end)
        if size == 0 or code == 92:
            return LEFT, 0
        if size == 2 and (code < 128 or src[at + 1] & 0xC0 != 0x80):
            return LEFT, 0  # no UTF-8
        at += size
        letters += 1
        if code >= 48 and code <= 57:
            digits[count] = code
            count += 1
        code = int64(p.lowering[code])
        if code < 0:
            return LEFT, 0
        if code == SPACE:
            waits = o > 2
            continue
        if waits:
            out[o] = SPACE
            o, waits = o + 1, False
        if code < 128:
            out[o] = code
            o += 1
        else:
            out[o], out[o + 1] = 0xC0 | code >> 6, 0x80 | code & 63
            o += 2
    if o > 2 and first_end(out, 2, o, p) < 0:
        return LEFT, 0
    is_number = count - 2 >= FEWEST_DIGITS and 2 * (count - 2) >= letters
    return o, count if is_number else 0


@inner
def has_room(p: Any) -> Any:
    """Whether every table has room for one more line."""
    return (
        (p.state[MARKS] + 3) * 2 < p.marks.size and (p.state[FIRSTS] + 3) * 2 < p.firsts.size
        and (p.state[NUMBERS] + 1) * 2 < p.numbers.size
        and (p.state[OUTER] + 2) * 2 < p.outer.size
    )  # fmt: skip


@entry
def harvest_lines(
    src: Octets, at: int, end: int, kind: int, is_person: bool, shortest: int, p: Any,
    work: Octets, left: Any, words: Any,
) -> Any:  # fmt: skip
    """Add the people of lines; give where it stopped, how many lines are left, and new words."""
    lefts = told = int64(0)
    folded, digits, way = work[WORK:], work[_DIGITS_AT:], work[_WAY_AT:]
    while at < end and has_room(p) and lefts < left.shape[0] and told + 2 <= words.shape[0]:
        start = at
        while at < end and src[at] != 10:
            at += 1
        count, numbered = fold_line(src, start, at, p, folded, digits)
        if count < 0:
            left[lefts, 0], left[lefts, 1] = start, at
            lefts += 1
        else:
            if numbered:
                add_number(digits, numbered, kind, p)
            if is_person:
                add_name(folded, count, kind, shortest, p, work, way)
                told = put_outer_words(src, start, at, p, work, words, told)
            else:
                add_way(folded, count, kind, shortest, p, work)
        at += 1
    return at, lefts, told


@entry
def add_folded(src: Octets, end: int, kind: int, p: Any, work: Octets) -> None:
    """Add one way of writing somebody that Python has folded; there must be room."""
    way = work[WORK:]
    count = put_octets(src, 0, min(end, LONGEST), way, 2)
    add_way(way, count, kind, 1, p, work)


@entry
def add_digits(src: Octets, end: int, kind: int, p: Any, work: Octets) -> None:
    """Add one number; there must be room."""
    add_number(work, put_octets(src, 0, min(end, LONGEST), work, 2), kind, p)


@entry
def kind_of(src: Octets, end: int, key: Any, table: Any, kinds: Any, work: Octets) -> Any:
    """Give the kind of what a table of marks holds; -1 where it does not."""
    work[0] = work[1] = 0
    count = put_octets(src, 0, min(end, LONGEST), work, 2)
    low, _ = siphash(key[0], key[1], work, count)
    place = holds(table, low | uint64(1))
    return int64(kinds[place]) if place >= 0 else -1


@entry
def grow(old: Any, values: Any, table: Any, made: Any) -> None:
    """Put marks and what belongs to each into a larger table."""
    for number in range(old.size):
        if old[number]:
            place, _ = put_mark(table, old[number])
            made[place] = values[number]


@entry
def find_people(
    src: Octets, at: int, end: int, p: Any, singles: Any, work: Octets, found: Any
) -> Any:
    """Find who stands in a folded text in words of their own, the longest of each beginning.

    ``found`` gets start, end and kind. Gives how many, and where it had to stop for lack of room.
    """
    hits, was_word = 0, False
    work[0] = work[1] = 0
    while at < end and hits < found.shape[0]:
        is_word, size = is_word_at(src, at, end, p)
        if (was_word and is_word) or not p.leads[src[at]]:
            was_word = is_word
            at += size
            continue
        was_word = is_word
        token = first_end(src, at, end, p)
        if token < 0 or token - at > LONGEST:
            at += size
            continue
        count = put_octets(src, at, token, work, 2)
        low, _ = siphash(p.key[0], p.key[1], work, count)
        mark = low | uint64(1)
        best, kind = -1, SINGLE
        if is_word and holds(singles, mark) >= 0:
            best = token
        place = holds(p.firsts, mark)
        if place >= 0:
            last = min(end, at + int64(p.reach[place]) * REACH)
            stop, before = token, True
            while stop <= last:
                after, step = is_word_at(src, stop, end, p) if stop < end else (False, 1)
                if not (before and after):
                    low, _ = siphash(p.key[0], p.key[1], work, count)
                    known = holds(p.marks, low | uint64(1))
                    if known >= 0:
                        best, kind = stop, int64(p.kinds[known])
                if stop == end:
                    break
                count = put_octets(src, stop, stop + step, work, count)
                stop += step
                before = after
        if best < 0:
            at += size
            continue
        found[hits, 0], found[hits, 1], found[hits, 2] = at, best, kind
        hits += 1
        at, was_word = best, False
    return hits, at
