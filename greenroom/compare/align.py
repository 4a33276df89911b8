"""Align two pictures by their rows, so that what an inserted block pushed down is no change.

Equal rows at both ends are matched first, then rows that occur once in both pictures (patience
anchors), then again between two anchors. What is left is a gap: paired where it looks alike,
inserted or removed where one side is longer; or cut at empty columns and aligned strip by strip.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from greenroom.compare.pixels import Words

GUTTER = 8
ABSORBED = 2
_DEPTH = 3


@dataclass(frozen=True)
class Block:
    """Rows of a strip on both sides; where one height is 0 the rows exist on one side only."""

    before_top: int
    after_top: int
    before_height: int
    after_height: int
    left: int
    width: int
    same: bool = False


def align(before: Words, after: Words) -> tuple[list[Block], list[Block]]:
    """Give the rows of the whole width, and the blocks after gaps were cut into strips."""
    rows: list[Block] = []
    blocks: list[Block] = []
    for part in _parts(before, after, 0):
        split = [part] if part.same else _split(before, after, part)
        rows += split
        blocks += split if part.same else _strips(before, after, part, split, _DEPTH)
    return rows, blocks


def _parts(before: Words, after: Words, left: int) -> list[Block]:
    """Give runs of equal rows and the gaps between them."""
    width = before.shape[1]
    found: list[Block] = []
    b = a = 0
    for b_at, a_at, length in [*_runs(before, after), (len(before), len(after), 0)]:
        if b_at > b or a_at > a:
            found.append(Block(b, a, b_at - b, a_at - a, left, width))
        if length:
            found.append(Block(b_at, a_at, length, length, left, width, same=True))
        b, a = b_at + length, a_at + length
    return found


def _runs(before: Words, after: Words) -> list[tuple[int, int, int]]:
    """Give runs of equal rows as ``(before, after, length)``, in order."""
    shared = min(len(before), len(after))
    head = _equal_ahead(before[:shared], after[:shared])
    rest = shared - head
    tail = _equal_ahead(
        before[len(before) - rest :][::-1], after[len(after) - rest :][::-1]
    ) if rest else 0  # fmt: skip
    b_end, a_end = len(before) - tail, len(after) - tail
    runs: list[tuple[int, int, int]] = [(0, 0, head)]
    if head < b_end and head < a_end:
        one = [hash(row.tobytes()) for row in before[head:b_end]]
        other = [hash(row.tobytes()) for row in after[head:a_end]]
        runs += [(head + b, head + a, length) for b, a, length in _matches(one, other)]
    if tail:
        runs.append((b_end, a_end, tail))
    return _joined(runs)


def _equal_ahead(one: Words, other: Words) -> int:
    """Count equal rows from the start; look in growing steps, most pictures differ late or soon."""
    at, step = 0, 64
    while at < len(one):
        unequal = np.flatnonzero((one[at : at + step] != other[at : at + step]).any(axis=1))
        if len(unequal):
            return at + int(unequal[0])
        at, step = at + step, min(step * 2, 1024)
    return len(one)


def _matches(one: Sequence[int], other: Sequence[int]) -> list[tuple[int, int, int]]:
    waiting = [(0, len(one), 0, len(other))]
    found: list[tuple[int, int, int]] = []
    while waiting:
        b, b_end, a, a_end = waiting.pop()
        start = b, a
        while b < b_end and a < a_end and one[b] == other[a]:
            b, a = b + 1, a + 1
        if b > start[0]:
            found.append((*start, b - start[0]))
        end = b_end
        while b < b_end and a < a_end and one[b_end - 1] == other[a_end - 1]:
            b_end, a_end = b_end - 1, a_end - 1
        if end > b_end:
            found.append((b_end, a_end, end - b_end))
        anchors = _anchors(one, other, b, b_end, a, a_end)
        for (b_from, a_from), (b_to, a_to) in zip(
            [(b, a), *anchors], [*anchors, (b_end, a_end)], strict=True
        ):
            if anchors and b_from < b_to and a_from < a_to:
                waiting.append((b_from, b_to, a_from, a_to))
    return sorted(found)


def _anchors(
    one: Sequence[int], other: Sequence[int], b: int, b_end: int, a: int, a_end: int
) -> list[tuple[int, int]]:
    """Give the longest rising chain of rows that occur once on both sides."""
    once = {row for row, times in Counter(one[b:b_end]).items() if times == 1}
    twice = Counter(other[a:a_end])
    where = {row: at for at, row in enumerate(other[a:a_end], a) if twice[row] == 1}
    pairs = [(at, where[row]) for at, row in enumerate(one[b:b_end], b)
             if row in once and row in where]  # fmt: skip
    tops: list[int] = []
    ends: list[int] = []
    earlier: list[int] = []
    for number, (_, at) in enumerate(pairs):
        length = bisect_left(tops, at)
        tops[length : length + 1] = [at]
        earlier.append(ends[length - 1] if length else -1)
        ends[length : length + 1] = [number]
    chain = []
    number = ends[-1] if ends else -1
    while number >= 0:
        chain.append(pairs[number])
        number = earlier[number]
    return chain[::-1]


def _joined(runs: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    joined: list[tuple[int, int, int]] = []
    for b, a, length in runs:
        if joined and joined[-1][0] + joined[-1][2] == b and joined[-1][1] + joined[-1][2] == a:
            joined[-1] = (joined[-1][0], joined[-1][1], joined[-1][2] + length)
        elif length:
            joined.append((b, a, length))
    return joined


def _split(before: Words, after: Words, gap: Block) -> list[Block]:
    """Pair the shorter side's rows at the top and bottom of the longer, where it fits best."""
    shared = min(gap.before_height, gap.after_height)
    if gap.before_height == gap.after_height:
        return [gap]
    if not shared:
        return [_repeats(before, after, gap)]
    b, a = _seen(before, after, gap)
    down = np.concatenate(([0], np.cumsum((b[:shared] != a[:shared]).sum(axis=1))))
    up = np.cumsum((b[::-1][:shared] != a[::-1][:shared]).sum(axis=1))[::-1]
    split = int(np.argmin(down + np.concatenate((up, [0]))))
    rest = shared - split
    longer = replace(
        gap, before_top=gap.before_top + split, after_top=gap.after_top + split,
        before_height=gap.before_height - shared, after_height=gap.after_height - shared,
    )  # fmt: skip
    parts = (
        replace(gap, before_height=split, after_height=split),
        _repeats(before, after, longer),
        replace(
            gap, before_top=gap.before_top + gap.before_height - rest,
            after_top=gap.after_top + gap.after_height - rest,
            before_height=rest, after_height=rest,
        ),
    )  # fmt: skip
    return [part for part in parts if part.before_height or part.after_height]


def _repeats(before: Words, after: Words, block: Block) -> Block:
    """Forget one or two rows that repeat their neighbour: heights that are rounded otherwise."""
    height = block.before_height or block.after_height
    if height > ABSORBED:
        return block
    picture, top = (before, block.before_top) if block.before_height else (after, block.after_top)
    picture = picture[:, block.left : block.left + block.width]
    neighbours = [at for at in (top - 1, top + height) if 0 <= at < len(picture)]
    alike = any((picture[top : top + height] == picture[at]).all() for at in neighbours)
    return replace(block, same=alike)


def _seen(before: Words, after: Words, block: Block) -> tuple[Words, Words]:
    columns = slice(block.left, block.left + block.width)
    return (
        before[block.before_top : block.before_top + block.before_height, columns],
        after[block.after_top : block.after_top + block.after_height, columns],
    )


def _cost(before: Words, after: Words, blocks: Sequence[Block]) -> int:
    total = 0
    for block in blocks:
        if not block.same:
            b, a = _seen(before, after, block)
            total += int((b != a).sum()) if b.shape == a.shape else b.size + a.size
    return total


def _strips(before: Words, after: Words, gap: Block, split: list[Block], depth: int) -> list[Block]:
    """Cut a gap at columns that are empty on both sides, where that leaves less to tell."""
    if not depth or not (gap.before_height and gap.after_height) or gap.width < 3 * GUTTER:
        return split
    b, a = _seen(before, after, gap)
    empty = (b == b[0]).all(axis=0) & (a == b[0]).all(axis=0)
    strips = _between_gutters(empty)
    if len(strips) < 2:
        return split
    found: list[Block] = []
    for left, right in strips:
        for part in _parts(b[:, left:right], a[:, left:right], gap.left + left):
            inner = replace(
                part, before_top=part.before_top + gap.before_top,
                after_top=part.after_top + gap.after_top,
            )  # fmt: skip
            if part.same:
                found.append(inner)
                continue
            halves = [_filling(before, after, half) for half in _split(before, after, inner)]
            found += _strips(before, after, inner, halves, depth - 1)
    return found if _cost(before, after, found) < _cost(before, after, split) else split


def _filling(before: Words, after: Words, block: Block) -> Block:
    """Forget what is on one side only and of one colour: the end of a shorter column."""
    if block.before_height and block.after_height:
        return block
    b, a = _seen(before, after, block)
    lone = b if b.size else a
    return replace(block, same=block.same or bool((lone == lone[0, 0]).all()))


def _between_gutters(empty: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Give the columns between runs of empty ones that are wide enough to be a gutter."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], empty.astype(np.int8), [0]))))
    gutters = [(int(s), int(e)) for s, e in zip(edges[::2], edges[1::2], strict=True)
               if e - s >= GUTTER]  # fmt: skip
    cuts = [0, *(at for gutter in gutters for at in gutter), len(empty)]
    return [(s, e) for s, e in zip(cuts[::2], cuts[1::2], strict=True) if e > s]
