"""The database's own people: what its structured columns hold is looked for in every free text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from greenroom.data.numbers import number_of, numbers_in

KINDS = {
    "full_name": "PERSON", "email": "EMAIL_ADDRESS", "phone": "PHONE_NUMBER",
    "username": "USERNAME", "street": "ADDRESS", "company": "ORGANIZATION", "iban": "IBAN_CODE",
    "card": "CREDIT_CARD", "national_id": "NATIONAL_ID",
}  # fmt: skip
"""Methods whose originals are identities, and what Presidio calls them."""
SHORTEST = {"PERSON": 5, "USERNAME": 5, "ADDRESS": 8, "ORGANIZATION": 5}
"""Characters: shorter ones are ordinary words too often."""
SCORE = 0.95
_SPACE = re.compile(r"\s")
_WORD = re.compile(r"\w")


def fold(text: str) -> str:
    """Fold case and kinds of space, each character to one: places stay the same."""
    return text.translate(_FOLDED)


def fold_letter(letter: str) -> str:
    """Fold one character to one."""
    lower = letter.lower()
    if len(lower) != 1:
        return letter
    return " " if _SPACE.match(lower) else lower


class _Folded(dict[int, str]):
    """Letters by code, each folded when it first comes: every value and text passes here."""

    def __missing__(self, code: int) -> str:
        self[code] = made = fold_letter(chr(code))
        return made


_FOLDED = _Folded()


@dataclass(frozen=True)
class Match:
    """An identity that stands in a text."""

    kind: str
    start: int
    end: int


class Identities:
    """Collects originals, then finds them."""

    def __init__(self) -> None:
        self._patterns: dict[str, str] = {}
        self._numbers: set[bytes] = set()
        self._automaton: AhoCorasick | None = None
        self._kinds: list[str] = []

    def __len__(self) -> int:
        """Count the patterns."""
        return len(self._patterns)

    def harvest(self, method: str, values: Iterable[str]) -> None:
        """Collect the originals of a column that is masked by ``method``."""
        kind = KINDS.get(method)
        if kind is None:
            return
        for value in values:
            number = number_of(value)
            if number:
                self._numbers.add(number.encode())
            for variant in _variants(kind, value):
                if len(variant) >= SHORTEST.get(kind, 6):
                    self._patterns.setdefault(variant, kind)
        self._automaton = None

    def knows(self, value: str) -> bool:
        """Whether a value is an original that was collected, or holds the number of one.

        In any layout and with other groups of digits around it: the proof looks no less closely.
        """
        if " ".join(fold(value).split()) in self._patterns:
            return True
        return any(number in self._numbers for number, _, _ in numbers_in(value.encode()))

    def find(self, text: str) -> list[Match]:
        """Find the longest identities that stand in a text as words of their own."""
        if not self._patterns:
            return []
        if self._automaton is None:
            self._kinds = list(self._patterns.values())
            self._automaton = AhoCorasick(
                list(self._patterns), matchkind=MatchKind.LeftmostLongest,
                implementation=Implementation.ContiguousNFA,
            )  # fmt: skip
        folded = fold(text)
        return [
            Match(self._kinds[number], start, end)
            for number, start, end in self._automaton.find_matches_as_indexes(folded)
            if _stands_alone(folded, start, end)
        ]


def _variants(kind: str, value: str) -> list[str]:
    """Give the ways people write an identity, folded."""
    plain = re.sub(r"\s+", " ", fold(value)).strip()
    if kind != "PERSON":
        return [plain]
    found = [plain]
    last, comma, first = plain.partition(",")
    words = plain.split()
    if comma:
        found.append(f"{first.strip()} {last.strip()}")
    elif len(words) >= 2:
        found.append(f"{words[-1]}, {' '.join(words[:-1])}")
        if len(words) > 2:
            found.append(f"{words[0]} {words[-1]}")
    else:
        return []  # one word alone is an ordinary word too often
    return found


def _stands_alone(text: str, start: int, end: int) -> bool:
    before = start == 0 or not (_WORD.match(text[start - 1]) and _WORD.match(text[start]))
    after = end == len(text) or not (_WORD.match(text[end - 1]) and _WORD.match(text[end]))
    return before and after
