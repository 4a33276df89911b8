"""The model at work on a text of ASCII, from its octets to what is found, in one call.

Twins: ``scores_of`` and ``best_path`` of ``greenroom.data.ner.features``, and ``TOKEN``, which cuts
a text into words. Nothing here gives up Python's lock: the table of words and the room to work in
are shared by all threads.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import float32, float64, int64, uint64

from greenroom.data.kernels import sharing as sharing  # before anything is compiled
from greenroom.data.kernels.hashing import Octets, inlined, inner
from greenroom.data.ner.features import (
    COLUMNS,
    FEATURES,
    MIX,
    SINGLES,
    TABLE_BITS,
    TERM_ENDS,
    TERMS,
)

_njit: Any = numba.njit
held: Any = _njit(cache=True, boundscheck=False, _nrt=False)
"""For what Python calls and must not be interrupted."""
KEY_WORDS = 3
LONGEST = 8 * KEY_WORDS
"""Octets of a word that the table of words takes."""
LONG = -1
"""What ``find`` says of a word that is longer."""
AROUND = 3
"""Words each way that are looked at; beyond a text's ends, ``EDGE`` stands for them."""
LANES = 24
"""Labels that a row of packed weights has room for, eight to a word of 64 bits."""
_BIAS = 128
_ROUNDED = 1.0
_EVEN, _OCTET = np.uint64(0x00FF00FF00FF00FF), np.uint64(8)
_PLACES = ((TERMS & 15) * COLUMNS + (TERMS >> 4)).astype(np.uint64)
"""Where each part of each feature stands among the numbers of the words around."""


def packed(weights: Any) -> Any:
    """Pack weights for ``find``: shapes (rows, labels) of ``int8`` to (rows, 3) of ``uint64``."""
    rows, labels = weights.shape
    made = np.zeros((rows, LANES), np.uint8)
    made[:, :labels] = weights.astype(np.int16) + _BIAS
    return made.view("<u8")


def new_room(tokens: int, labels: int) -> tuple[Any, ...]:
    """Give what ``find`` works in for texts of so many words."""
    return (
        np.full((tokens + 2 * AROUND) * COLUMNS, 1, np.uint64), np.zeros((tokens, 2), np.int32),
        np.zeros(tokens, np.int32), np.zeros((3, LANES), np.float32),
        np.zeros(FEATURES, np.uint64), np.zeros(LANES, np.int32),
        np.zeros((tokens, labels), np.int8), np.zeros(tokens, np.int8),
    )  # fmt: skip


def reach_of(steps: Any) -> Any:
    """Tell how far behind the first label each may be and still be the better one before some.

    More than it is, by what sums of a whole text are rounded by. Shapes: (labels, n) to (labels).
    """
    return (steps.astype(np.float64) - steps[0]).max(1) + _ROUNDED


@inlined
def _is_of_word(octet: Any) -> bool:
    small = octet | 32
    return (small >= 97 and small <= 122) or (octet >= 48 and octet <= 57) or octet == 95


@inlined
def _is_space(octet: Any) -> bool:
    return octet == 32 or (octet >= 9 and octet <= 13) or (octet >= 28 and octet <= 31)


@inner
def _token(octets: Octets, at: int, count: int) -> Any:
    """Give start and end of the next word, sign, or break between lines; no octets: no more."""
    while at < count and octets[at] != 10 and _is_space(octets[at]):
        at += 1
    start = at
    if at == count:
        return start, at
    if octets[at] == 10:
        while at < count and octets[at] == 10:
            at += 1
        return start, at
    if not _is_of_word(octets[at]):
        return start, at + 1
    while True:
        while at < count and _is_of_word(octets[at]):
            at += 1
        joint = at < count and (octets[at] == 45 or octets[at] == 39)
        if not joint or at + 1 >= count or not _is_of_word(octets[at + 1]):
            return start, at
        is_end = at + 2 >= count or not _is_of_word(octets[at + 2])
        if octets[at + 1] == 115 and is_end:
            return start, at
        at += 1


@inner
def _key(octets: Octets, start: int, end: int) -> Any:
    first = second = third = uint64(0)
    for at in range(start, end):
        place = at - start
        octet = uint64(octets[at]) << uint64(8 * (place & 7))
        if place < 8:
            first |= octet
        elif place < 16:
            second |= octet
        else:
            third |= octet
    return first, second, third


@inner
def _place(keys: Any, first: Any, second: Any, third: Any) -> int:
    """Give where a word is in the table, or the empty place that it would take."""
    mask = uint64(keys.shape[0] - 1)
    mark = ((first * MIX) ^ second) * MIX
    mark = ((mark ^ (mark >> uint64(29))) ^ third) * MIX
    at = (mark ^ (mark >> uint64(32))) & mask
    while keys[at, 0] != 0:
        if keys[at, 0] == first and keys[at, 1] == second and keys[at, 2] == third:
            break
        at = (at + uint64(1)) & mask
    return int64(at)


@held
def put(octets: Octets, spans: Any, numbers: Any, keys: Any, facts: Any) -> int:
    """Put words with their numbers into the table; give how many were not there.

    Shapes: (n), (words, 3) of anything, start and end; (words, 6). Longer words are passed over.
    """
    count = 0
    for word in range(spans.shape[0]):
        if spans[word, 2] - spans[word, 1] > LONGEST:
            continue
        first, second, third = _key(octets, spans[word, 1], spans[word, 2])
        place = _place(keys, first, second, third)
        if keys[place, 0] != 0:
            continue
        for column in range(COLUMNS):
            facts[place, column] = numbers[word, column]
        keys[place, 0], keys[place, 1], keys[place, 2] = first, second, third
        count += 1
    return count


@held
def move(keys: Any, facts: Any, new_keys: Any, new_facts: Any) -> None:
    """Put a whole table's words into a larger one."""
    for place in range(keys.shape[0]):
        if keys[place, 0] != 0:
            new = _place(new_keys, keys[place, 0], keys[place, 1], keys[place, 2])
            for column in range(COLUMNS):
                new_facts[new, column] = facts[place, column]
            for word in range(KEY_WORDS):
                new_keys[new, word] = keys[place, word]


@inner
def _read(octets: Octets, keys: Any, facts: Any, longs: Any, numbers: Any, spans: Any,
          missing: Any) -> Any:  # fmt: skip
    """Cut a text into words, with their numbers; give how many, and how many have none."""
    at = count = unknown = long = 0
    while True:
        start, at = _token(octets, at, octets.size)
        if start == at:
            for place in range((count + AROUND) * COLUMNS, (count + 2 * AROUND) * COLUMNS):
                numbers[place] = uint64(1)
            return count, unknown
        spans[count, 0], spans[count, 1] = start, at
        is_known = False
        if at - start > LONGEST:
            if long < longs.shape[0]:
                for column in range(COLUMNS):
                    numbers[(count + AROUND) * COLUMNS + column] = longs[long, column]
                is_known = True
            long += 1
        else:
            first, second, third = _key(octets, start, at)
            place = _place(keys, first, second, third)
            is_known = keys[place, 0] != 0
            for column in range(COLUMNS):
                numbers[(count + AROUND) * COLUMNS + column] = facts[place, column]
        if not is_known:
            missing[unknown] = count
            unknown += 1
        count += 1


@inlined
def _row(numbers: Any, at: Any, feature: Any) -> Any:
    """Give the row of a feature of several parts."""
    mixed = (feature + uint64(1)) * uint64(0x1000193)
    for term in range(uint64(TERM_ENDS[feature - uint64(1)]), uint64(TERM_ENDS[feature])):
        mixed = (mixed ^ numbers[at + _PLACES[term]]) * MIX
        mixed ^= mixed >> uint64(29)
    return (mixed * MIX) >> uint64(64 - TABLE_BITS)


@inlined
def _row_of_one(numbers: Any, at: Any, feature: Any) -> Any:
    mixed = (feature + uint64(1)) * uint64(0x1000193) + numbers[at + _PLACES[feature]]
    return (mixed * MIX) >> uint64(64 - TABLE_BITS)


@inlined
def _weighed(lane: Any, shift: Any, scale: Any) -> Any:
    total = int64((lane >> shift) & uint64(0xFFFF)) - _BIAS * FEATURES
    return float32(float64(total) * scale)


@inner
def _score(numbers: Any, token: int, weights: Any, scale: Any, rows: Any, made: Any) -> None:
    """Give a word's scores. Each sum has 16 bits, of which no row adds more than 8."""
    at = uint64(token * COLUMNS)
    row = uint64(0)
    a, b, c = weights[row, 0], weights[row, 1], weights[row, 2]
    a_even, b_even, c_even = a & _EVEN, b & _EVEN, c & _EVEN
    a_odd, b_odd, c_odd = (a >> _OCTET) & _EVEN, (b >> _OCTET) & _EVEN, (c >> _OCTET) & _EVEN
    for feature in range(uint64(SINGLES)):
        rows[feature] = _row_of_one(numbers, at, feature)
    for feature in range(uint64(SINGLES), uint64(FEATURES - 1)):
        rows[feature] = _row(numbers, at, feature)
    for feature in range(uint64(FEATURES - 1)):
        row = rows[feature]
        a, b, c = weights[row, 0], weights[row, 1], weights[row, 2]
        a_even += a & _EVEN
        b_even += b & _EVEN
        c_even += c & _EVEN
        a_odd += (a >> _OCTET) & _EVEN
        b_odd += (b >> _OCTET) & _EVEN
        c_odd += (c >> _OCTET) & _EVEN
    for lane in range(uint64(4)):
        shift, label = lane * uint64(16), lane * uint64(2)
        made[label] = _weighed(a_even, shift, scale)
        made[label + uint64(1)] = _weighed(a_odd, shift, scale)
        made[label + uint64(8)] = _weighed(b_even, shift, scale)
        made[label + uint64(9)] = _weighed(b_odd, shift, scale)
        made[label + uint64(16)] = _weighed(c_even, shift, scale)
        made[label + uint64(17)] = _weighed(c_odd, shift, scale)


@inner
def _label(numbers: Any, count: int, model: Any, scores: Any, rows: Any, where: Any, back: Any,
           path: Any) -> None:  # fmt: skip
    """Give the best path. A label is not tried where none can be reached better from it."""
    weights, scale, steps, reach = model
    labels = steps.shape[0]
    emitted, score, made = scores[0], scores[1], scores[2]
    _score(numbers, 0, weights, scale, rows, score)
    for at in range(1, count):
        _score(numbers, at, weights, scale, rows, emitted)
        tried = 0
        for before in range(1, labels):
            rows[tried] = before
            tried += float64(score[before]) + reach[before] >= float64(score[0])
        for label in range(LANES):
            made[label], where[label] = score[0] + steps[0, label], 0
        for number in range(tried):
            before = rows[number]
            behind, from_here = score[before], np.int32(before)
            for label in range(LANES):
                value = behind + steps[before, label]
                is_better = value > made[label]
                made[label] = value if is_better else made[label]
                where[label] = from_here if is_better else where[label]
        for label in range(labels):
            made[label] += emitted[label]
            back[at, label] = where[label]
        score, made = made, score
    last = 0
    for label in range(1, labels):
        if score[label] > score[last]:
            last = label
    for at in range(count - 1, -1, -1):
        path[at] = last
        last = back[at, last]


@held
def find(octets: Octets, keys: Any, facts: Any, longs: Any, model: Any, room: Any, found: Any
         ) -> Any:  # fmt: skip
    """Find in a text: give how much is found, and how many words have no numbers yet.

    ``found`` gets kind, start and end of each, or, where words lack numbers, theirs instead: LONG
    or 0, start and end. ``longs``: numbers of the words that are too long for the table, in order.
    """
    numbers, spans, missing, scores, rows, where, back, path = room
    count, unknown = _read(octets, keys, facts, longs, numbers, spans, missing)
    if unknown:
        for number in range(unknown):
            start, end = spans[missing[number], 0], spans[missing[number], 1]
            found[number, 0] = LONG if end - start > LONGEST else 0
            found[number, 1], found[number, 2] = start, end
        return 0, unknown
    if count == 0:
        return 0, 0
    _label(numbers, count, model, scores, rows, where, back, path)
    kinds = 0
    for at in range(count):
        label = path[at]
        if label == 0:
            continue
        kind, start = (label - 1) // 2, spans[at, 0]
        is_break = octets[start] == 10 and spans[at, 1] - start > 1
        if label & 1 or kinds == 0 or found[kinds - 1, 0] != kind or is_break:
            found[kinds, 0], found[kinds, 1] = kind, start
            kinds += 1
        found[kinds - 1, 2] = spans[at, 1]
    return kinds, 0
