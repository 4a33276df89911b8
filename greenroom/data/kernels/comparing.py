"""The comparison of texts with patterns that are known by marks. Twin: ``greenroom.data.verify``.

Patterns are sorted by their first eight octets; those that share them, by length and mark.
"""

from __future__ import annotations

from typing import Any

from numba import int64

from greenroom.data.kernels.hashing import Octets, entry, inner
from greenroom.data.kernels.letters import LEFT, LONGEST
from greenroom.data.kernels.needles import SHORTEST, mark_of, prefix_at

MOST_AT_A_PLACE = 64
"""Needles that are told of one place in a text."""


@inner
def is_word_octet(octet: Any) -> Any:
    """Whether an octet is part of a word. Twin: ``verify._WORD``."""
    return (
        (octet >= 97 and octet <= 122) or (octet >= 48 and octet <= 57) or octet == 95
        or octet >= 128
    )  # fmt: skip


@inner
def stands_alone(text: Octets, start: int, end: int) -> Any:
    """Whether a match is no part of a longer word. Twin: ``verify._stands_alone``."""
    if start > 0 and is_word_octet(text[start - 1]) and is_word_octet(text[start]):
        return False
    return not (end < text.size and is_word_octet(text[end]) and is_word_octet(text[end - 1]))


@inner
def place_in(values: Any, low: int, high: int, wanted: Any, is_behind: bool) -> int:
    """Give where in sorted values one begins, or would; with ``is_behind`` where it ends."""
    while low < high:
        middle = (low + high) // 2
        if values[middle] < wanted or (is_behind and values[middle] == wanted):
            low = middle + 1
        else:
            high = middle
    return low


@inner
def run_of(prefixes: Any, wanted: Any) -> Any:
    """Give the first of the patterns that begin so, and where they end."""
    first = place_in(prefixes, int64(0), int64(prefixes.size), wanted, False)
    return first, place_in(prefixes, first, int64(prefixes.size), wanted, True)


@inner
def length_end(patterns: Any, first: int, last: int) -> int:
    """Give where, in a run, the patterns of the first one's length end."""
    return place_in(patterns.lengths, first, last, patterns.lengths[first], True)


@inner
def first_marked(patterns: Any, first: int, last: int, mark: Any) -> int:
    """Give the first of patterns of one length that has a mark, or ``last``."""
    place = place_in(patterns.marks, first, last, mark, False)
    return place if place < last and patterns.marks[place] == mark else last


@entry
def compare(
    text: Octets, raw: Octets, places: Any, at: int, key: Any, patterns: Any, are_words: Any,
    hits: Any,
) -> Any:  # fmt: skip
    """Compare what may begin at places; give how many needles stand there, and the next place."""
    count, number = 0, at
    while number < places.size and count + MOST_AT_A_PLACE <= hits.size:
        place, most = places[number], count + MOST_AT_A_PLACE
        number += 1
        first, last = run_of(patterns.prefixes, prefix_at(text, place))
        while first < last:
            length = int64(patterns.lengths[first])
            end, stop = place + length, length_end(patterns, first, last)
            if end > text.size:
                break  # the others are longer
            mark = mark_of(key, text[place:end], length)
            pattern = first_marked(patterns, first, stop, mark)
            while pattern < stop and patterns.marks[pattern] == mark and count < most:
                kind = patterns.kinds[pattern]
                if (not are_words[kind] or stands_alone(text, place, end)) and (
                    patterns.exact[pattern] == 0
                    or patterns.exact[pattern] == mark_of(key, raw[place:end], length)
                ):
                    hits[count] = kind
                    count += 1
                pattern += 1
            first = stop
    return count, number


@entry
def whole_of(value: Octets, key: Any, patterns: Any) -> int:
    """Give the needle that a value is as a whole, or LEFT."""
    if value.size < SHORTEST:
        return LEFT
    first, last = run_of(patterns.prefixes, prefix_at(value, 0))
    while first < last and patterns.lengths[first] <= value.size:
        stop = length_end(patterns, first, last)
        if patterns.lengths[first] == value.size:
            place = first_marked(patterns, first, stop, mark_of(key, value, value.size))
            return int64(patterns.kinds[place]) if place < stop else LEFT
        first = stop
    return LEFT


@entry
def any_begins(
    text: Octets, places: Any, reach: int, is_layout: Any, key: Any, patterns: Any, work: Octets
) -> bool:
    """Whether a number of the patterns begins at one of the places, whatever its layout."""
    for number in range(places.size):
        count = 0
        for at in range(places[number], min(text.size, places[number] + reach)):
            octet = text[at]
            if is_layout[octet]:
                continue
            if octet < 48 or octet > 57 or count == LONGEST:
                break
            work[count] = octet
            count += 1
        if count < SHORTEST:
            continue
        first, last = run_of(patterns.prefixes, prefix_at(work, 0))
        while first < last and patterns.lengths[first] <= count:
            stop = length_end(patterns, first, last)
            mark = mark_of(key, work, int64(patterns.lengths[first]))
            if first_marked(patterns, first, stop, mark) < stop:
                return True
            first = stop
    return False
