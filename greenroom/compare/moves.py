"""Find what only moved, and take its pixels out of what changed.

A card that flows into another place of a grid is drawn anew there, at another fraction of a
pixel: its edges and letters differ by a little everywhere. A pixel counts as the same when its
colour lies between those around the same place of the card before; one pixel further on is no
change, a colour that was not there is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from greenroom.compare.align import ABSORBED
from greenroom.compare.naming import Pairs, Placed, blank
from greenroom.compare.pixels import Picture, words
from greenroom.compare.regions import Box, Marks

MARGIN = 14
"""Around a moved element: its shadow, and the ground between it and its neighbours."""
SLACK = 20
"""Levels of a colour, of 255, that are no difference."""
ALIKE = 0.8
"""Share of an element that must look as before for it to be the one that moved."""
SIZE_PX = 1
SEAM = 0.97
"""Share of a seam's pixels that are a blend of the rows around it."""
_AROUND = np.ones((3, 3), np.uint8)
Alike = NDArray[np.bool_]


def take_out_moves(
    before: Picture, after: Picture, ones: Sequence[Placed], others: Sequence[Placed],
    pairs: Pairs, gone: Marks, new: Marks, is_explained: Callable[[Placed, Placed], bool],
) -> tuple[Pairs, Pairs]:  # fmt: skip
    """Clear the marks of what looks as it did elsewhere; give what moved, and changed inside it.

    The largest come first: a card that moved explains all that is in it, and what changed in it
    stays marked. ``is_explained`` tells that rows which were paired have moved it already.
    """
    found: Pairs = []
    changed: Pairs = []
    unlike = _unlike(pairs, ones, others)
    touched = np.zeros(new.shape, np.bool_), np.zeros(gone.shape, np.bool_)
    for one, other in sorted(pairs, key=lambda pair: -pair[1].box.area):
        was, now = one.box, other.box
        if not (now.of(new).any() or was.of(gone).any()):
            continue
        if not _is_near(was, now) or is_explained(one, other):
            continue
        if blank(now, after) and blank(was, before):
            continue
        if one.element.text != other.element.text:
            continue
        if not _clear(before, after, was, now, gone, new, touched, unlike):
            is_inside = any(_is_in(now, told.box) for _, told in found)
            if is_inside and not any(_is_in(now, told.box) for _, told in changed):
                changed.append((one, other))
            continue
        if was != now and not any(_is_in(now, told.box) for _, told in found):
            found.append((one, other))
    for marks, where in ((new, touched[0]), (gone, touched[1])):
        if where.any():
            _forget_threads(marks, where)
    for one, other in changed:
        one.box.of(gone)[...] = 0
        other.box.of(new)[...] = 0
    return found, changed


def _unlike(
    pairs: Pairs, ones: Sequence[Placed], others: Sequence[Placed]
) -> tuple[dict[int, Box], dict[int, Box]]:  # fmt: skip
    """Give the boxes of elements with a text that is not the same on the other side."""
    same = {
        id(side) for one, other in pairs if one.element.text == other.element.text
        for side in (one, other)
    }  # fmt: skip
    left, right = (
        {id(one): one.box for one in side if one.element.text and id(one) not in same}
        for side in (ones, others)
    )
    return left, right


def _is_near(was: Box, now: Box) -> bool:
    return abs(was.width - now.width) <= SIZE_PX and abs(was.height - now.height) <= SIZE_PX


def _is_in(inner: Box, outer: Box) -> bool:
    return outer.shared(inner) * 10 >= inner.area * 9


def _clear(
    before: Picture, after: Picture, was: Box, now: Box, gone: Marks, new: Marks,
    touched: tuple[Alike, Alike], unlike: tuple[dict[int, Box], dict[int, Box]],
) -> bool:  # fmt: skip
    """Clear both sides' marks where an element looks alike; whether it is the same element."""
    one, other = _grown(was, now, before, after)
    first = np.asarray(one.of(before), np.uint8)
    second = np.asarray(other.of(after), np.uint8)
    forth, back = _within(second, first), _within(first, second)
    inner = Box(was.left - one.left, was.top - one.top, min(was.width, now.width),
                min(was.height, now.height))  # fmt: skip
    if inner.of(forth).mean() < ALIKE:
        return False
    for frame, alike, boxes in ((one, back, unlike[0]), (other, forth, unlike[1])):
        for box in boxes.values():  # letters lie between other letters' colours, too
            part = box.cut(frame)
            if part.area:
                inside = Box(part.left - frame.left, part.top - frame.top, part.width, part.height)
                inside.of(alike)[...] = False
    other.of(new)[forth] = 0
    one.of(gone)[back] = 0
    other.of(touched[0])[...] = True
    one.of(touched[1])[...] = True
    return True


def _grown(was: Box, now: Box, before: Picture, after: Picture) -> tuple[Box, Box]:
    """Give both boxes with the same margins, as far as both pictures reach."""
    left = min(MARGIN, was.left, now.left)
    top = min(MARGIN, was.top, now.top)
    width, height = min(was.width, now.width), min(was.height, now.height)
    right = min(MARGIN + 1, before.shape[1] - was.left - width, after.shape[1] - now.left - width)
    below = min(MARGIN + 1, before.shape[0] - was.top - height, after.shape[0] - now.top - height)
    size = left + width + right, top + height + below
    return (
        Box(was.left - left, was.top - top, *size), Box(now.left - left, now.top - top, *size)
    )  # fmt: skip


def _within(mine: Picture, yours: Picture) -> Alike:
    """Whether each pixel lies between the colours around its place in the other picture."""
    low = cv2.erode(np.ascontiguousarray(yours), _AROUND)
    high = cv2.dilate(np.ascontiguousarray(yours), _AROUND)
    above = cv2.add(np.ascontiguousarray(mine), np.full(4, SLACK, np.float64)) >= low
    below = cv2.subtract(np.ascontiguousarray(mine), np.full(4, SLACK, np.float64)) <= high
    return np.asarray((above & below).all(axis=2))


def _forget_threads(marks: Marks, where: Alike) -> None:
    """Forget marks among moved elements that are thinner than three pixels."""
    rows = np.flatnonzero(where.any(axis=1))
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    part, inside = marks[top:bottom], where[top:bottom]
    thick = cv2.morphologyEx((part > 0).astype(np.uint8), cv2.MORPH_OPEN, _AROUND)
    part[inside & (thick == 0)] = 0


def is_ground(box: Box, marks: Marks, picture: Picture) -> bool:
    """Whether what is marked in a box has one colour: what was between things that moved."""
    seen = np.asarray(box.of(words(picture)))[np.asarray(box.of(marks)) > 0]
    return not len(seen) or bool((seen == seen[0]).all())


def is_seam(picture: Picture, top: int, height: int, columns: slice) -> bool:
    """Whether one or two rows blend those around them: heights that are rounded otherwise."""
    if height > ABSORBED or not 0 < top < len(picture) - height:
        return False
    band = picture[top : top + height, columns].astype(np.int16)
    around = picture[[top - 1, top + height], columns].astype(np.int16)
    low, high = around.min(axis=0) - SLACK, around.max(axis=0) + SLACK
    return bool(((band >= low) & (band <= high)).mean() > SEAM)
