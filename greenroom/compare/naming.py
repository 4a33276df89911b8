"""Match the elements of two pages, find those that only moved, and name a box by its element."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from greenroom.compare.pixels import Picture, changed, words
from greenroom.compare.regions import Box, Marks

_MARGIN = 2
_SHADOWS = (24, 8, 2)


@dataclass(frozen=True)
class Element:
    """A part of a page: its box in CSS pixels, its own text, and a test id or id as ``key``."""

    selector: str
    text: str
    left: float
    top: float
    width: float
    height: float
    styles: Mapping[str, str] = field(default_factory=dict)
    key: str = ""

    def box(self, scale: float, width: int, height: int) -> Box:
        """Give its pixels in a picture of that size."""
        left, top = max(0, round(self.left * scale)), max(0, round(self.top * scale))
        right = min(width, round((self.left + self.width) * scale))
        bottom = min(height, round((self.top + self.height) * scale))
        return Box(left, top, max(0, right - left), max(0, bottom - top))


@dataclass(frozen=True)
class Placed:
    """An element with its place in the picture."""

    element: Element
    box: Box
    inside: Hashable = ()
    """Texts and styles of all that is in it, by the path of selectors."""


def place(elements: Iterable[Element], scale: float, picture: Picture) -> list[Placed]:
    """Give the elements that can be seen."""
    height, width = picture.shape[:2]
    listed = list(elements)
    inside: dict[str, list[Hashable]] = defaultdict(list)
    for element in listed:
        content = element.text, tuple(sorted(element.styles.items()))
        path = element.selector
        while path:
            inside[path].append(content)
            path = path.rpartition(" > ")[0]
    found = (
        Placed(element, element.box(scale, width, height), tuple(inside[element.selector]))
        for element in listed
    )
    return [one for one in found if one.box.area]


Pairs = list[tuple[Placed, Placed]]
_Signature = Callable[[Placed], Hashable]


def _tag(selector: str) -> str:
    return selector.rpartition(">")[2].strip().split(":")[0]


_SIGNATURES: tuple[_Signature, ...] = (
    lambda one: one.element.key,
    lambda one: (
        one.element.text and (one.element.text, _tag(one.element.selector), one.element.selector)
    ),
    lambda one: (
        one.element.text
        and (one.element.text, _tag(one.element.selector), one.box.width, one.box.height)
    ),
    lambda one: one.element.text and (one.element.text, _tag(one.element.selector)),
    lambda one: one.inside and (_tag(one.element.selector), one.inside),
    lambda one: one.element.selector,
)


def match(before: Sequence[Placed], after: Sequence[Placed]) -> Pairs:
    """Pair elements by key, then by text and place in the tree, then by the place alone."""
    pairs: Pairs = []
    left, right = list(before), list(after)
    for signature in _SIGNATURES:
        ones, others = _grouped(left, signature), _grouped(right, signature)
        taken: set[int] = set()
        for name, group in ones.items():
            if len(group) == len(others.get(name, ())):
                pairs += zip(group, others[name], strict=True)
                taken |= {id(one) for one in (*group, *others[name])}
        left = [one for one in left if id(one) not in taken]
        right = [one for one in right if id(one) not in taken]
    return pairs


def _grouped(placed: Iterable[Placed], signature: _Signature) -> dict[Hashable, list[Placed]]:
    groups: dict[Hashable, list[Placed]] = defaultdict(list)
    for one in placed:
        name = signature(one)
        if name:
            groups[name].append(one)
    return groups


def moved(
    before: Picture, after: Picture, ones: Sequence[Placed], others: Sequence[Placed],
    gone: Marks, new: Marks, pairs: Pairs, threshold: float,
) -> Pairs:  # fmt: skip
    """Find elements that look the same elsewhere, and take their pixels out of both masks.

    The largest come first: a card that moved explains all that is in it.
    """
    looks: dict[Hashable, list[Placed]] = defaultdict(list)
    for one in ones:
        if one.box.of(gone).any() and not blank(one.box, before):
            looks[_look(one.box, before)].append(one)
    partner = {id(other): one for one, other in pairs}
    found: Pairs = []
    for other in sorted(others, key=lambda placed: -placed.box.area):
        if not other.box.of(new).any() or blank(other.box, after):
            continue
        mate = _same(other, looks, before, after, partner.get(id(other)), threshold)
        if mate is None or mate.box == other.box:
            continue
        found.append((mate, other))
        was, now = _with_shadow(mate.box, other.box, before, after)
        was.of(gone)[...] = 0
        now.of(new)[...] = 0
    return found


def _same(
    other: Placed, looks: Mapping[Hashable, list[Placed]], before: Picture, after: Picture,
    partner: Placed | None, threshold: float,
) -> Placed | None:  # fmt: skip
    alike = looks.get(_look(other.box, after), [])
    if alike:
        near = min(alike, key=lambda one: (one is not partner, abs(one.box.top - other.box.top)))
        alike.remove(near)
        return near
    if partner is None or partner.inside != other.inside:
        return None
    return partner if _drawn_alike(partner.box, other.box, before, after, threshold) else None


def _drawn_alike(one: Box, other: Box, before: Picture, after: Picture, threshold: float) -> bool:
    """Whether two boxes differ in thin edges at most: a place between two pixels shows there."""
    width, height = min(one.width, other.width), min(one.height, other.height)
    if abs(one.width - other.width) > 1 or abs(one.height - other.height) > 1:
        return False
    crops = [
        np.ascontiguousarray(Box(box.left, box.top, width, height).of(picture))
        for box, picture in ((one, before), (other, after))
    ]
    marks = np.zeros(width * height, np.uint8)
    marks[changed(crops[0], crops[1], threshold)] = 1
    return not cv2.erode(marks.reshape(height, width), np.ones((3, 3), np.uint8)).any()


def _with_shadow(one: Box, other: Box, before: Picture, after: Picture) -> tuple[Box, Box]:
    """Grow two boxes by what looks the same around them: shadows and empty margins."""
    for margin in _SHADOWS:
        was, now = (box.grown(margin, picture.shape[1], picture.shape[0])
                    for box, picture in ((one, before), (other, after)))  # fmt: skip
        if np.array_equal(was.of(before), now.of(after)):
            return was, now
    return one, other


def _look(box: Box, picture: Picture) -> Hashable:
    return box.width, box.height, hash(box.of(words(picture)).tobytes())


def blank(box: Box, picture: Picture) -> bool:
    """Whether there is one colour and nothing else."""
    part = box.of(words(picture))
    return not part.size or bool((part == part[0, 0]).all())


def bare(box: Box, picture: Picture) -> bool:
    """Whether a box and what is close around it are one colour: nothing stands there."""
    return blank(box.grown(_MARGIN, picture.shape[1], picture.shape[0]), picture)


def smallest_around(box: Box, placed: Sequence[Placed]) -> Placed | None:
    """Give the smallest element that contains a box, else the one that shares most with it."""
    around = [
        one for one in placed
        if one.box.grown(_MARGIN, 1 << 30, 1 << 30).shared(box) == box.area
    ]  # fmt: skip
    if around:
        return min(around, key=lambda one: one.box.area)
    touching = [one for one in placed if one.box.shared(box)]
    return max(touching, key=lambda one: one.box.shared(box) / one.box.area, default=None)


def largest_within(box: Box, placed: Sequence[Placed]) -> Placed | None:
    """Give the largest element that lies inside a box."""
    inside = [one for one in placed if one.box.shared(box) * 10 >= one.box.area * 9]
    return max(inside, key=lambda one: one.box.area, default=None)


def styles_that_differ(one: Element, other: Element) -> dict[str, tuple[str, str]]:
    """Give the properties whose values differ, with both values."""
    names = sorted({*one.styles, *other.styles})
    pairs = {name: (one.styles.get(name, ""), other.styles.get(name, "")) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
