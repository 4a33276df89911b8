"""Tell what differs between two pictures of a page: boxes, each named by its element.

Rows are aligned first, changed pixels counted where rows differ, pixels of elements that only
moved taken out, and what remains is gathered into boxes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from greenroom.compare import naming
from greenroom.compare.align import Block, align
from greenroom.compare.moves import is_ground, is_seam, take_out_moves
from greenroom.compare.naming import Element, Placed
from greenroom.compare.pixels import (
    THRESHOLD,
    Picture,
    are_equal,
    changed,
    decode,
    size_of,
    stored,
    with_alpha,
    words,
)
from greenroom.compare.regions import Box, Marks, boxes, boxes_of

__all__ = [
    "Box", "Change", "ChangeKind", "Difference", "Element", "RowBand", "RowKind", "Shot",
    "difference", "noise",
]  # fmt: skip

NOISE_MARGIN = 6
_CONTEXT = 2
_FRACTION = 0.02
"""CSS pixels that are no other place."""
_IN_PLACE, _ONE_SIDED, _WHOLE = 1, 2, 3
_NTH = re.compile(r":nth-of-type\(\d+\)")
_MOSTLY_MARKED = 0.2
"""Share of a lone element's pixels that differ where it is what came or went."""


@dataclass(frozen=True)
class Shot:
    """A picture of a page with the elements that were on it."""

    png: bytes
    elements: tuple[Element, ...] = ()
    scale: float = 1.0
    """Device pixels per CSS pixel."""


class ChangeKind(StrEnum):
    """What happened to a part of the page."""

    CHANGED = "changed"
    INSERTED = "inserted"
    REMOVED = "removed"
    MOVED = "moved"


class RowKind(StrEnum):
    """What a run of rows is."""

    SAME = "same"
    CHANGED = "changed"
    INSERTED = "inserted"
    REMOVED = "removed"


@dataclass(frozen=True)
class Change:
    """One thing that differs; ``signature`` stays the same while the change does."""

    kind: ChangeKind
    before: Box | None
    after: Box | None
    pixels: int
    selector: str
    what: str
    text_before: str
    text_after: str
    styles: Mapping[str, tuple[str, str]]
    signature: str


@dataclass(frozen=True)
class RowBand:
    """A run of rows, for showing both pictures side by side."""

    before_top: int
    after_top: int
    height: int
    kind: RowKind


@dataclass(frozen=True)
class Difference:
    """What differs between two pictures; whether that is right, others decide."""

    pixels: int = 0
    ratio: float = 0.0
    changes: tuple[Change, ...] = ()
    rows: tuple[RowBand, ...] = ()


def difference(
    before: Shot, after: Shot, masks: Sequence[Box] = (), *,
    after_masks: Sequence[Box] = (), threshold: float = THRESHOLD,
) -> Difference:  # fmt: skip
    """Compare two shots; masks are boxes whose content does not count, of the first or second."""
    sizes = size_of(before.png), size_of(after.png)
    same = Difference(rows=(RowBand(0, 0, sizes[0][1], RowKind.SAME),))
    if before.png == after.png:
        return same
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(stored, (before.png, after.png))
        if are_equal(first, second):
            return same
        one, other = pool.map(with_alpha, (first, second))
    return _Comparison(before, after, one, other, threshold).told(masks, after_masks, sizes)


def noise(shots: Sequence[Shot]) -> tuple[Box, ...]:
    """Give boxes around everything that is not the same in all shots of one page."""
    with ThreadPoolExecutor(2) as pool:
        pictures = list(pool.map(decode, dict.fromkeys(shot.png for shot in shots)))
    if len(pictures) < 2:
        return ()
    height = max(picture.shape[0] for picture in pictures)
    width = max(picture.shape[1] for picture in pictures)
    marks = np.zeros((height, width), np.bool_)
    first = pictures[0]
    for other in pictures[1:]:
        h, w = min(first.shape[0], other.shape[0]), min(first.shape[1], other.shape[1])
        places = changed(
            np.ascontiguousarray(first[:h, :w]), np.ascontiguousarray(other[:h, :w]), THRESHOLD
        )
        marks[np.divmod(places, w)] = True
        for picture in (first, other):
            marks[h : picture.shape[0], : picture.shape[1]] = True
            marks[: picture.shape[0], w : picture.shape[1]] = True
    return tuple(box.grown(NOISE_MARGIN, width, height) for box, _ in boxes(marks))


@dataclass
class _Comparison:
    before: Shot
    after: Shot
    one: Picture
    other: Picture
    threshold: float
    blocks: list[Block] = field(default_factory=list)

    def told(
        self, masks: Sequence[Box], after_masks: Sequence[Box],
        sizes: tuple[tuple[int, int], tuple[int, int]],
    ) -> Difference:  # fmt: skip
        width = min(self.one.shape[1], self.other.shape[1])
        rows, self.blocks = align(words(self.one)[:, :width], words(self.other)[:, :width])
        gone = np.zeros((len(self.one), width), np.uint8)
        new = np.zeros((len(self.other), width), np.uint8)
        for block in self.blocks:
            self._mark(block, gone, new)
        self._mask(masks, after_masks, gone, new)
        changes = []
        if gone.any() or new.any():
            ones = naming.place(self.before.elements, self.before.scale, self.one)
            others = naming.place(self.after.elements, self.after.scale, self.other)
            changes = list(self._changes(gone, new, ones, others))
        changes += self._sides(width)
        pixels = sum(change.pixels for change in changes)
        area = max(w * h for w, h in sizes)
        ratio = pixels / area if area else 0.0
        return Difference(pixels, ratio, tuple(changes), tuple(_bands(rows)))

    def _mark(self, block: Block, gone: Marks, new: Marks) -> None:
        """Mark the pixels that count; neighbours outside the block are seen by the rule."""
        if block.same:
            return
        columns = slice(block.left, block.left + block.width)
        if block.before_height != block.after_height:
            height = block.before_height or block.after_height
            picture = self.one if block.before_height else self.other
            top = block.before_top if block.before_height else block.after_top
            if is_seam(picture, top, height, columns):
                return
            gone[block.before_top : block.before_top + block.before_height, columns] = _ONE_SIDED
            new[block.after_top : block.after_top + block.after_height, columns] = _ONE_SIDED
            return
        width = gone.shape[1]
        above = min(_CONTEXT, block.before_top, block.after_top)
        below = min(
            _CONTEXT,
            len(gone) - block.before_top - block.before_height,
            len(new) - block.after_top - block.after_height,
        )
        left, right = max(0, block.left - _CONTEXT), min(width, columns.stop + _CONTEXT)
        height = above + block.before_height + below
        b, a = block.before_top - above, block.after_top - above
        places = changed(
            np.ascontiguousarray(self.one[b : b + height, left:right]),
            np.ascontiguousarray(self.other[a : a + height, left:right]),
            self.threshold,
        )
        ys, xs = np.divmod(places, right - left)
        xs = xs + left
        kept = (ys >= above) & (ys < above + block.before_height)
        kept &= (xs >= columns.start) & (xs < columns.stop)
        gone[ys[kept] + b, xs[kept]] = _IN_PLACE
        new[ys[kept] + a, xs[kept]] = _IN_PLACE

    def _mask(
        self, masks: Sequence[Box], after_masks: Sequence[Box], gone: Marks, new: Marks
    ) -> None:
        """Forget what is masked, on the side of the mask and where its rows are on the other."""
        for listed, mine, yours, is_after in (
            (masks, gone, new, False), (after_masks, new, gone, True)
        ):  # fmt: skip
            for mask in listed:
                for block in self.blocks:
                    tops = (
                        (block.before_top, block.before_height),
                        (block.after_top, block.after_height),
                    )
                    (top, height), (other_top, other_height) = tops[::-1] if is_after else tops
                    part = mask.cut(Box(block.left, top, block.width, height))
                    if other_height and part.area:
                        part.shifted(other_top - top).of(yours)[...] = 0
                mask.of(mine)[...] = 0

    def _changes(
        self, gone: Marks, new: Marks, ones: list[Placed], others: list[Placed]
    ) -> Iterator[Change]:
        pairs = naming.match(ones, others)
        movements, inside = take_out_moves(
            self.one, self.other, ones, others, pairs, gone, new, self._is_explained
        )
        partner = {id(one): other for one, other in pairs}
        partner |= {id(other): one for one, other in pairs}
        left_blank = bool(movements)
        self._gather(gone, [one for one in ones if id(one) not in partner])
        self._gather(new, [one for one in others if id(one) not in partner])
        for box, count in boxes_of(new, _ONE_SIDED):
            if not (left_blank and is_ground(box, new, self.other)):
                yield self._lone(ChangeKind.INSERTED, box, count, others)
        for box, count in boxes_of(gone, _ONE_SIDED):
            if not (left_blank and is_ground(box, gone, self.one)):
                yield self._lone(ChangeKind.REMOVED, box, count, ones)
        for box, count in boxes_of(new, _WHOLE):
            yield self._lone(ChangeKind.INSERTED, box, count, others)
        for box, count in boxes_of(gone, _WHOLE):
            yield self._lone(ChangeKind.REMOVED, box, count, ones)
        for box, count in boxes_of(new, _IN_PLACE):
            earlier = box.shifted(-self._down(box, after=True))
            if naming.bare(box, self.other) and not naming.bare(earlier, self.one):
                if (earlier.of(gone) == _IN_PLACE).any():
                    yield self._lone(ChangeKind.REMOVED, earlier, count, ones)
            elif naming.bare(earlier, self.one):
                yield self._lone(ChangeKind.INSERTED, box, count, others)
            elif (earlier.of(gone) == _IN_PLACE).any():
                yield self._in_place(earlier, box, count, others, partner)
            elif not naming.blank(box, self.other):
                yield self._lone(ChangeKind.INSERTED, box, count, others)
        for box, count in boxes_of(gone, _IN_PLACE):
            later = box.shifted(self._down(box, after=False))
            told = (later.of(new) == _IN_PLACE).any()
            if not told and not naming.blank(box, self.one):
                yield self._lone(ChangeKind.REMOVED, box, count, ones)
        for one, other in inside:
            yield self._in_place(one.box, other.box, other.box.area, others, partner)
        for one, other in movements:
            yield self._moved(one, other)

    def _gather(self, marks: Marks, lonely: Sequence[Placed]) -> None:
        """Mark the whole of an element that only one side has, where parts of it are marked."""
        for one in sorted(lonely, key=lambda placed: -placed.box.area):
            part = np.asarray(one.box.of(marks), np.uint8)
            if (part > 0).mean() > _MOSTLY_MARKED and not (part == _WHOLE).any():
                one.box.of(marks)[...] = _WHOLE

    def _is_explained(self, one: Placed, other: Placed) -> bool:
        """Whether rows that are paired put an element just where it is, to the fraction."""
        was, now = one.box, other.box
        down = now.top - was.top
        exact = (other.element.top - one.element.top) * self.after.scale
        if was.left != now.left or abs(one.element.left - other.element.left) > _FRACTION:
            return False
        if abs(exact - down) > _FRACTION:
            return False
        shared = sum(
            Box(block.left, block.after_top, block.width, block.after_height).shared(now)
            for block in self.blocks
            if block.before_height == block.after_height
            and block.after_top - block.before_top == down
        )
        return shared * 2 > now.area

    def _down(self, box: Box, *, after: bool) -> int:
        """Give how far the block that shares most with a box was pushed down."""

        def shared(block: Block) -> int:
            top = block.after_top if after else block.before_top
            height = block.after_height if after else block.before_height
            return Box(block.left, top, block.width, height).shared(box)

        block = max(self.blocks, key=shared)
        return block.after_top - block.before_top

    def _sides(self, width: int) -> Iterator[Change]:
        """Tell what is right of the narrower picture."""
        for kind, picture in (
            (ChangeKind.REMOVED, self.one), (ChangeKind.INSERTED, self.other),
        ):  # fmt: skip
            box = Box(width, 0, picture.shape[1] - width, picture.shape[0])
            if box.area:
                yield self._lone(kind, box, box.area, [])

    def _lone(self, kind: ChangeKind, box: Box, count: int, placed: Sequence[Placed]) -> Change:
        found = naming.largest_within(box, placed) or naming.smallest_around(box, placed)
        element = found.element if found else Element("", "", 0, 0, 0, 0)
        inserted = kind is ChangeKind.INSERTED
        return self._told(
            kind, None if inserted else box, box if inserted else None, count, element.selector,
            "added" if inserted else "removed",
            "" if inserted else element.text, element.text if inserted else "", {}, element.key,
        )  # fmt: skip

    def _in_place(
        self, earlier: Box, box: Box, count: int, others: Sequence[Placed],
        partner: Mapping[int, Placed],
    ) -> Change:  # fmt: skip
        found = naming.smallest_around(box, others)
        if found is None:
            return self._told(
                ChangeKind.CHANGED, earlier, box, count, "", "looks different", "", "", {}, ""
            )
        mate = partner.get(id(found))
        one, other = (mate.element if mate else found.element), found.element
        styles = naming.styles_that_differ(one, other)
        told = [f'text "{one.text}" -> "{other.text}"'] if one.text != other.text else []
        told += [f"{name}: {was} -> {now}" for name, (was, now) in styles.items()]
        return self._told(
            ChangeKind.CHANGED, earlier, box, count, other.selector,
            "; ".join(told) or "looks different", one.text, other.text, styles, other.key,
        )  # fmt: skip

    def _moved(self, one: Placed, other: Placed) -> Change:
        across, down = other.box.left - one.box.left, other.box.top - one.box.top
        ways = [
            f"{abs(by)} px {name}"
            for by, name in ((across, "right" if across > 0 else "left"),
                             (down, "down" if down > 0 else "up"))
            if by
        ]  # fmt: skip
        return self._told(
            ChangeKind.MOVED, one.box, other.box, 0, other.element.selector,
            f"moved {' and '.join(ways)}", one.element.text, other.element.text, {},
            other.element.key, (across, down - self._down(other.box, after=True)),
        )  # fmt: skip

    def _told(
        self, kind: ChangeKind, before: Box | None, after: Box | None, pixels: int, selector: str,
        what: str, text_before: str, text_after: str, styles: Mapping[str, tuple[str, str]],
        key: str, way: tuple[int, int] | None = None,
    ) -> Change:  # fmt: skip
        """Sign a change by what it is and how it looks, not by where it is on the page.

        ``way`` is how far it moved by itself, right and down.
        """
        signed = hashlib.sha256()
        name = key or _NTH.sub("", selector)  # a sibling above would give it another number
        for part in (kind, name, text_before, text_after, repr(sorted(styles.items()))):
            signed.update(part.encode() + b"\0")
        signed.update(repr(way).encode() if way else b"")
        for box, picture in ((before, self.one), (after, self.other)):
            if box:
                signed.update(f"{box.width}x{box.height}".encode())
                signed.update(np.ascontiguousarray(box.of(picture)).tobytes())
        return Change(
            kind, before, after, pixels, selector, what, text_before, text_after, styles,
            signed.hexdigest()[:32],
        )  # fmt: skip


def _bands(rows: Iterable[Block]) -> Iterator[RowBand]:
    for row in rows:
        height = max(row.before_height, row.after_height)
        if row.before_height != row.after_height:
            kind = RowKind.INSERTED if row.after_height else RowKind.REMOVED
        else:
            kind = RowKind.SAME if row.same else RowKind.CHANGED
        yield RowBand(row.before_top, row.after_top, height, kind)
