"""What the model sees of a text: its words, and for each of them numbers that stand for facts.

A fact is what a word is, how it begins and ends, its shape, the lists it stands in, and the same of
its neighbours. Each is hashed to a row of one table of weights.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Any

import numpy as np

TABLE_BITS = 18
ROWS = 1 << TABLE_BITS
TOKEN = re.compile(r"\w+(?:[-'\u2019](?!s\b)\w+)*|\n+|[^\w\s]")
"""A word (a possessive's end is one of its own), a break between lines, or a sign."""
_SHAPES = (
    (re.compile(r"[A-ZÀ-ÖØ-Þ]"), "X"), (re.compile(r"[^\W\d_X]"), "x"), (re.compile(r"\d"), "9"),
)  # fmt: skip
_DIGIT = re.compile(r"\d")
_ASCII_SHAPES = str.maketrans(
    ascii_uppercase + ascii_lowercase + digits, "X" * 26 + "x" * 26 + "9" * 10
)
_REPEATED = re.compile(r"(.)\1{2,}")
COLUMNS = 6
"""Numbers that are kept of each word: itself, start, end, short end, shape, lists."""
WORD, START, END, SHORT_END, SHAPE, LISTS = range(COLUMNS)
EDGE = (1, 1, 1, 1, 1, 1)
"""What stands for a word beyond a text's beginning and end."""

_SINGLE = tuple(
    (column, offset)
    for column, offsets in (
        (WORD, (-3, -2, -1, 0, 1, 2, 3)), (START, (0, -1, 1)), (END, (0, -1, 1)), (SHORT_END, (0,)),
        (SHAPE, (-2, -1, 0, 1, 2)), (LISTS, (-3, -2, -1, 0, 1, 2, 3)),
    )
    for offset in offsets
)  # fmt: skip
_JOINT = (
    ((LISTS, -1), (LISTS, 0)), ((LISTS, 0), (LISTS, 1)), ((LISTS, -1), (LISTS, 0), (LISTS, 1)),
    ((LISTS, -2), (LISTS, -1), (LISTS, 0)), ((LISTS, 0), (LISTS, 1), (LISTS, 2)),
    ((SHAPE, -1), (SHAPE, 0)), ((SHAPE, 0), (SHAPE, 1)), ((SHAPE, -1), (SHAPE, 0), (SHAPE, 1)),
    ((SHAPE, 0), (LISTS, 0)), ((WORD, -1), (LISTS, 0)), ((WORD, -1), (SHAPE, 0)),
    ((LISTS, 0), (WORD, 1)), ((SHAPE, 0), (WORD, 1)), ((WORD, -2), (WORD, -1)),
    ((WORD, -1), (WORD, 1)), ((WORD, 1), (WORD, 2)), ((WORD, -2), (WORD, -1), (SHAPE, 0)),
    ((END, 0), (LISTS, -1)), ((END, 0), (SHAPE, 0)), ((WORD, -1), (LISTS, 0), (LISTS, 1)),
    ((WORD, -2), (LISTS, -1), (LISTS, 0)), ((WORD, -1), (LISTS, 0), (WORD, 1)),
    ((SHAPE, -2), (SHAPE, -1), (SHAPE, 0), (SHAPE, 1)), ((SHAPE, 0), (SHAPE, 1), (SHAPE, 2)),
)  # fmt: skip
FEATURES = 1 + len(_SINGLE) + len(_JOINT)
MIX = np.uint64(0x9E3779B97F4A7C15)
"""Source: 2**64 divided by the golden ratio, D. Knuth, The Art of Computer Programming 6.4."""


def shape_of(word: str) -> str:
    """Give a word's shape: ``Xxx`` for names, ``9`` for digits, signs as they are."""
    made = word
    if word.isascii():
        made = word.translate(_ASCII_SHAPES)
    else:
        for pattern, letter in _SHAPES:
            made = pattern.sub(letter, made)
    return _REPEATED.sub(r"\1\1", made) if len(made) > 2 else made


def _number(kind: str, text: str) -> int:
    return zlib.crc32(f"{kind}={text}".encode()) | 2


def numbers_of(word: str, lists: int) -> tuple[int, ...]:
    """Give a word's numbers; ``lists`` says in which lists it stands."""
    lower = word.lower()
    if not lower.isalpha():
        lower = _DIGIT.sub("0", lower)
    return (
        _number("w", lower), _number("s", lower[:3]), _number("e", lower[-3:]),
        _number("e", lower[-2:]), _number("h", shape_of(word)), _number("l", str(lists)),
    )  # fmt: skip


def rows_of(numbers: Any) -> Any:
    """Give the rows of the table that a text's words stand for. Shapes: (n, 6) to (n, FEATURES)."""
    count = len(numbers)
    padded = np.full((count + 6, COLUMNS), 1, dtype=np.uint64)
    padded[3 : count + 3] = numbers
    rows = np.empty((count, FEATURES), dtype=np.int32)
    rows[:, 0] = 0
    at = 1
    shift = np.uint64(64 - TABLE_BITS)
    for column, offset in _SINGLE:
        seed = np.uint64(at * 0x1000193)
        mixed = ((padded[3 + offset : 3 + offset + count, column] + seed) * MIX) >> shift
        rows[:, at] = mixed
        at += 1
    for parts in _JOINT:
        mixed = np.full(count, at * 0x1000193, dtype=np.uint64)
        for column, offset in parts:
            mixed = (mixed ^ padded[3 + offset : 3 + offset + count, column]) * MIX
            mixed ^= mixed >> np.uint64(29)
        rows[:, at] = (mixed * MIX) >> shift
        at += 1
    return rows


TERMS = np.array(
    [column * 16 + 3 + offset for column, offset in _SINGLE]
    + [c * 16 + 3 + offset for parts in _JOINT for c, offset in parts], dtype=np.int64,
)  # fmt: skip
"""Each feature's parts as ``column * 16 + offset + 3``, one feature after another."""
TERM_ENDS = np.cumsum([1] * len(_SINGLE) + [len(parts) for parts in _JOINT])
SINGLES = len(_SINGLE)


def scores_of(numbers: Any, weights: Any, scale: Any) -> Any:
    """Add up the weights of every word's rows: ``rows_of`` and more, word by word, to be compiled.

    Shapes: (n, 6), (ROWS, labels), to (n, labels).
    """
    count, labels = numbers.shape[0], weights.shape[1]
    made = np.empty((count, labels), dtype=np.float32)
    total = np.empty(labels, dtype=np.int32)
    for at in range(count):
        for label in range(labels):
            total[label] = weights[0, label]
        term = 0
        for feature in range(TERM_ENDS.size):
            mixed = np.uint64((feature + 1) * 0x1000193)
            while term < TERM_ENDS[feature]:
                column, place = TERMS[term] >> 4, at + (TERMS[term] & 15) - 3
                number = numbers[place, column] if 0 <= place < count else np.uint64(1)
                if feature < SINGLES:
                    mixed += number
                else:
                    mixed = (mixed ^ number) * MIX
                    mixed ^= mixed >> np.uint64(29)
                term += 1
            row = np.int64((mixed * MIX) >> np.uint64(64 - TABLE_BITS))
            for label in range(labels):
                total[label] += weights[row, label]
        for label in range(labels):
            made[at, label] = total[label] * scale
    return made


def best_path(emissions: Any, transitions: Any) -> Any:
    """Give the best sequence of labels. Shapes: (n, labels), (labels, labels), to (n,)."""
    count, labels = emissions.shape
    back = np.zeros((count, labels), dtype=np.int16)
    score = emissions[0].copy()
    for at in range(1, count):
        made = np.empty(labels, dtype=emissions.dtype)
        for label in range(labels):
            best, where = score[0] + transitions[0, label], 0
            for before in range(1, labels):
                value = score[before] + transitions[before, label]
                if value > best:
                    best, where = value, before
            made[label] = best + emissions[at, label]
            back[at, label] = where
        score = made
    path = np.zeros(count, dtype=np.int16)
    path[count - 1] = np.argmax(score)
    for at in range(count - 1, 0, -1):
        path[at - 1] = back[at, path[at]]
    return path


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function compiled by numba; as it is where that cannot be."""
    try:
        from greenroom.data.kernels import sharing
    except ImportError:
        return function
    return sharing.compiled(function)
