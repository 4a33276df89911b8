"""Match the elements of two pages, find those that only moved, and name a box by its element."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from greenroom.compare.pixels import Picture, words
from greenroom.compare.regions import Box

_MARGIN = 2
_CONTAINER = 3
"""Elements that something holds, itself among them, to be known by what it holds."""
_MOSTLY = 0.5
"""Share of what two containers hold together that both hold."""


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


def _by_key(one: Placed) -> Hashable:
    return one.element.key


def _by_content(one: Placed) -> Hashable:
    is_container = isinstance(one.inside, tuple) and len(one.inside) >= _CONTAINER
    return is_container and (_tag(one.element.selector), one.inside)


_BY_TEXT: tuple[_Signature, ...] = (
    lambda one: (
        one.element.text and (one.element.text, _tag(one.element.selector), one.element.selector)
    ),
    lambda one: (
        one.element.text
        and (one.element.text, _tag(one.element.selector), one.box.width, one.box.height)
    ),
    lambda one: one.element.text and (one.element.text, _tag(one.element.selector)),
    lambda one: one.inside and (_tag(one.element.selector), one.inside),
)
_MATCHERS: tuple[Callable[[Pairs, list[Placed], list[Placed]], Pairs], ...] = (
    lambda _, left, right: _match_by(_by_key, left, right),
    lambda _, left, right: _match_by(_by_content, left, right),
    lambda pairs, left, right: _match_within(pairs, left, right, is_same_text=True),
    lambda _, left, right: _match_mostly(left, right),
    lambda pairs, left, right: _match_within(pairs, left, right, is_same_text=True),
    lambda _, left, right: _match_by(_BY_TEXT[0], left, right),
    lambda _, left, right: _match_by(_BY_TEXT[1], left, right),
    lambda _, left, right: _match_by(_BY_TEXT[2], left, right),
    lambda _, left, right: _match_by(_BY_TEXT[3], left, right),
    lambda pairs, left, right: _match_within(pairs, left, right, is_same_text=False),
    lambda _, left, right: _match_by(lambda one: one.element.selector, left, right),
)
"""From what is surest to what is a guess; each gets what those before it left."""


def match(before: Sequence[Placed], after: Sequence[Placed]) -> Pairs:
    """Pair elements by key, by what they hold, by place in what is paired, by text, by path."""
    pairs: Pairs = []
    left, right = list(before), list(after)
    for matcher in _MATCHERS:
        found = matcher(pairs, left, right)
        pairs += found
        left, right = _without(left, right, found)
    return pairs


def _match_by(signature: _Signature, left: Sequence[Placed], right: Sequence[Placed]) -> Pairs:
    """Pair in order what has the same signature, where it occurs as often on both sides."""
    ones, others = _grouped(left, signature), _grouped(right, signature)
    return [
        pair
        for name, group in ones.items()
        if len(group) == len(others.get(name, ()))
        for pair in zip(group, others[name], strict=True)
    ]


def _without(left: list[Placed], right: list[Placed], taken: Pairs) -> tuple[list[Placed], ...]:
    gone = {id(side) for pair in taken for side in pair}
    return [one for one in left if id(one) not in gone], [
        one for one in right if id(one) not in gone
    ]


def _match_within(
    pairs: Pairs, left: Sequence[Placed], right: Sequence[Placed], *, is_same_text: bool
) -> Pairs:
    """Pair what stands at the same place inside of two that are paired."""
    partner = {one.element.selector: other.element.selector for one, other in pairs}
    free = {one.element.selector: one for one in right}
    found: Pairs = []
    for one in left:
        above, _, step = one.element.selector.rpartition(" > ")
        while above and above not in partner:
            above, _, more = above.rpartition(" > ")
            step = f"{more} > {step}"
        other = free.get(f"{partner[above]} > {step}") if above else None
        if other is None or (is_same_text and other.element.text != one.element.text):
            continue
        del free[other.element.selector]
        found.append((one, other))
    return found


def _match_mostly(left: Sequence[Placed], right: Sequence[Placed]) -> Pairs:
    """Pair containers that hold mostly the same; the most alike first."""
    rated = []
    for i, one in enumerate(left):
        held = set(one.inside) if isinstance(one.inside, tuple) else set()
        if len(held) < _CONTAINER:
            continue
        for j, other in enumerate(right):
            same_tag = _tag(one.element.selector) == _tag(other.element.selector)
            if not same_tag or not isinstance(other.inside, tuple):
                continue
            theirs = set(other.inside)
            share = len(held & theirs) / max(1, len(held | theirs))
            if share >= _MOSTLY:
                rated.append((-share, abs(i - j), i, j))
    found: Pairs = []
    taken: tuple[set[int], set[int]] = (set(), set())
    for _, _, i, j in sorted(rated):
        if i not in taken[0] and j not in taken[1]:
            found.append((left[i], right[j]))
            taken[0].add(i)
            taken[1].add(j)
    return found


def _grouped(placed: Iterable[Placed], signature: _Signature) -> dict[Hashable, list[Placed]]:
    groups: dict[Hashable, list[Placed]] = defaultdict(list)
    for one in placed:
        name = signature(one)
        if name:
            groups[name].append(one)
    return groups


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
