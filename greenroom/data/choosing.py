"""Which of the findings that overlap in a text counts, and how far it reaches. Pure.

The surest one says who or what it is; but what a less sure one of its kind found beside it must not
stay: a street that the database knows, and the town behind it that only the model sees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from presidio_analyzer import RecognizerResult

ADDRESS = "ADDRESS"
_GROUPS = {"LOCATION": ADDRESS}
"""Kinds that are one where they overlap."""
_NAMED = frozenset(
    {"PERSON", "USERNAME", "ORGANIZATION", "LOCATION", "DATE_TIME", "AGE", "NATIONALITY", "TITLE"}
)
"""Kinds that may be named in an address, which is more than they are: 17 Ann Berg Street."""
_PARTED = frozenset({"PERSON", "ADDRESS", "LOCATION", "ORGANIZATION"})
"""Kinds of which a part is something as well: the family name beside a user's name."""
MayJoin = Callable[[str, str], bool]
"""Whether words beside a finding of a kind may be part of it: kind, words."""


@dataclass
class Chosen:
    """What is replaced in a text, and within it what was found for sure: that names the fake."""

    entity_type: str
    start: int
    end: int
    score: float
    sure: tuple[int, int]

    def meets(self, start: int, end: int) -> bool:
        """Whether it overlaps with a place."""
        return start < self.end and self.start < end


def choose(
    results: Iterable[RecognizerResult], text: str, may_join: MayJoin = lambda kind, words: True
) -> list[Chosen]:
    """Give the surest of what overlaps, in the text's order, widened by others of its kind.

    What is left of one of another kind counts for itself.
    """
    chosen: list[Chosen] = []
    for found in sorted(results, key=lambda r: (-r.score, r.start - r.end, r.start)):
        start, end, kind = found.start, found.end, found.entity_type
        met = [other for other in chosen if other.meets(start, end)]
        if met and kind == ADDRESS and all(_is_named_in(other, start, end) for other in met):
            chosen = [other for other in chosen if other not in met]
            met = []
        if not met:
            chosen.append(Chosen(kind, start, end, found.score, (start, end)))
            continue
        for other in sorted(met, key=lambda one: one.start):
            if _group(other.entity_type) == _group(kind):
                _widen(other, start, end, chosen, text, may_join)
        if kind in _PARTED:
            chosen += [
                Chosen(kind, first, last, found.score, (first, last))
                for first, last in _uncovered(start, end, chosen, text)
                if may_join(kind, text[first:last])
            ]
    return sorted(chosen, key=lambda one: one.start)


def _uncovered(
    start: int, end: int, chosen: Iterable[Chosen], text: str
) -> Iterator[tuple[int, int]]:
    """Give the parts of a place that nothing chosen covers, without signs at their ends."""
    for one in sorted(chosen, key=lambda one: one.start):
        if one.meets(start, end):
            yield from _bare(start, one.start, text)
            start = max(start, one.end)
    yield from _bare(start, end, text)


def _bare(start: int, end: int, text: str) -> Iterator[tuple[int, int]]:
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    if start < end:
        yield start, end


def _group(kind: str) -> str:
    return _GROUPS.get(kind, kind)


def _is_named_in(other: Chosen, start: int, end: int) -> bool:
    is_more = end - start > other.end - other.start
    return is_more and other.entity_type in _NAMED and start <= other.start and other.end <= end


def _widen(
    one: Chosen, start: int, end: int, chosen: list[Chosen], text: str, may_join: MayJoin
) -> None:
    start = max([start, *(c.end for c in chosen if c is not one and c.end <= one.start)])
    end = min([end, *(c.start for c in chosen if c is not one and c.start >= one.end)])
    before, after = text[start : one.start], text[one.end : end]
    if start < one.start and may_join(one.entity_type, before):
        one.start = start
    if end > one.end and may_join(one.entity_type, after):
        one.end = end
