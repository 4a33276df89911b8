"""Counts what the proof finds, and tells a leak from a coincidence.

A number of eight or nine digits is somebody's and, by chance, an order's, too: where a hundred
thousand people have one, a thousandth of all such numbers are theirs. In columns that hold numbers
of their own such hits are counted against their rows; more than chance gives are a leak.
"""

from __future__ import annotations

from collections import Counter

from greenroom.data.verify import Leak, Origin, Scanner

MOST_BY_CHANCE = 0.1
"""Share of a column's values; of all numbers of eight digits that many can be known ones."""
NUMBER_TYPES = frozenset({"float4", "float8", "int2", "int4", "int8", "money", "numeric", "oid"})
WHOLE_TYPES = NUMBER_TYPES | {
    "bool", "cidr", "date", "inet", "interval", "macaddr", "macaddr8", "time", "timestamp",
    "timestamptz", "timetz", "uuid",
}  # fmt: skip
"""Types whose values have a form of their own: one is an original whole, or not at all."""


class Findings:
    """Counts leaks by where they are and where they came from."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, Origin, str]] = Counter()
        self._by_chance: Counter[tuple[str, Origin, str]] = Counter()
        self._values: Counter[str] = Counter()
        self.octets = 0

    def look(self, place: str, text: bytes, scanner: Scanner) -> None:
        """Scan a text that stands at ``place``: whatever is found is a leak."""
        self.octets += len(text)
        for origin, encoding in scanner.find(text):
            self._counts[place, origin, encoding] += 1

    def weigh(self, place: str, text: bytes, separator: bytes, scanner: Scanner) -> None:
        """Scan values that may hold numbers of their own: short ones are counted by value."""
        self.octets += len(text)
        self._values[place] += text.count(separator) + 1
        hits = scanner.hits(text)
        for origin, encoding in dict.fromkeys((n.origin, e) for n, e in hits if not n.is_short):
            self._counts[place, origin, encoding] += 1
        if any(needle.is_short for needle, _ in hits):
            for value in text.split(separator):
                for origin in {n.origin for n, _ in scanner.hits(value) if n.is_short}:
                    self._by_chance[place, origin, "digits"] += 1

    def look_whole(
        self, place: str, lines: bytes, scanner: Scanner, *, are_numbers: bool
    ) -> None:  # fmt: skip
        """Look values up whole, one a line; of numbers some are somebody's by chance."""
        self.octets += len(lines)
        count, likely = scanner.likely(lines)
        self._values[place] += count
        for value in likely:
            needle = scanner.whole(value)
            if needle is not None:
                found = self._by_chance if are_numbers else self._counts
                found[place, needle.origin, needle.encoding] += 1

    def _is_chance(self, place: str, count: int) -> bool:
        return count <= self._values[place] * MOST_BY_CHANCE

    @property
    def leaks(self) -> list[Leak]:
        """What was found, sorted."""
        more = {k: n for k, n in self._by_chance.items() if not self._is_chance(k[0], n)}
        return sorted(Leak(*key, count) for key, count in {**self._counts, **more}.items())

    @property
    def coincidences(self) -> dict[str, int]:
        """Values that are somebody's number by chance, by ``table.column``."""
        found: Counter[str] = Counter()
        for (place, _, _), count in self._by_chance.items():
            if self._is_chance(place, count):
                found[place] += count
        return dict(found)
