"""The database's own people: what its structured columns hold is looked for in every free text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

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
SHORTEST_SINGLE = 4
"""Letters of one word of a name that is looked for alone."""
_SPACE, _SPACES = re.compile(r"\s"), re.compile(r"\s+")
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]"
)
"""Letters of scripts that put no space between words."""
_UNSPACED_NAME = re.compile(rf"(?:{_UNSPACED.pattern}|[\u00b7\u30fb])+")
SHORTEST_UNSPACED, SURE_UNSPACED = 2, 3
"""Letters of a name in such a script; and from how many on it may stand within other letters."""
_ONE_OF = str.maketrans("\u03c2\u0623\u0625\u0622\u0671\u0649", "\u03c3" + "\u0627" * 4 + "\u064a")
"""Letters that are another form of one: Greek's last sigma, Arabic's alefs and yeh."""
_WORD = re.compile(r"\w")
_CUT = re.compile(r"(?<!\w)|(?!\w)")
"""A place where a word may begin or end."""
FEW = 48
"""Characters of a text in which every run of words is tried."""


def fold(text: str) -> str:
    """Fold case, accents and kinds of space, each character to one: places stay the same."""
    return text.translate(_FOLDED)


def fold_letter(letter: str) -> str:
    """Fold one character to one."""
    lower = letter.lower()
    if len(lower) != 1:
        return letter
    if _SPACE.match(lower):
        return " "
    plain = [c for c in unicodedata.normalize("NFD", lower) if not unicodedata.combining(c)]
    return (plain[0] if len(plain) == 1 else lower).translate(_ONE_OF)


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
        self._numbers: dict[bytes, str] = {}
        self._singles: set[str] = set()
        self._automaton: AhoCorasick | None = None
        self._last: tuple[str | None, list[Match]] = None, []
        self._kinds: list[str] = []

    def __len__(self) -> int:
        """Count the patterns."""
        return len(self._patterns)

    def patterns(self) -> Mapping[str, str]:
        """Give what is looked for, folded, with its kind."""
        return self._patterns

    def numbers(self) -> Collection[bytes]:
        """Give the numbers of originals, digits alone."""
        return self._numbers

    def harvest(self, method: str, values: Iterable[str]) -> None:
        """Collect the originals of a column that is masked by ``method``."""
        kind = KINDS.get(method)
        if kind is None:
            return
        for value in values:
            if kind == "PERSON" or value not in self._patterns:  # the same few in many tables
                self._keep(kind, value)
        self._last = None, []

    def _keep(self, kind: str, value: str) -> None:
        number, shortest = number_of(value), SHORTEST.get(kind, 6)
        if number:
            self._numbers.setdefault(number.encode(), kind)
        for variant in variants(kind, value):
            if len(variant) >= shortest or is_unspaced(variant):
                self._patterns.setdefault(variant, kind)
        if kind == "PERSON":
            self._singles.update(filter(None, map(single, outer_words(value))))
        self._automaton = None

    def knows(self, value: str) -> bool:
        """Whether a value is an original that was collected, or holds the number of one.

        In any layout and with other groups of digits around it: the proof looks no less closely.
        """
        if self._kind_of(" ".join(fold(value).split())) is not None:
            return True
        numbers = numbers_in(value.encode())
        return any(self._kind_of_number(number) is not None for number, _, _ in numbers)

    def _kind_of(self, folded: str) -> str | None:
        return self._patterns.get(folded)

    def _kind_of_number(self, number: bytes) -> str | None:
        return self._numbers.get(number)

    def find(self, text: str) -> list[Match]:
        """Find the longest identities that stand in a text as words of their own."""
        if not len(self):
            return []
        asked, found = self._last
        if (
            asked is not text
        ):  # a short text is asked about as a whole, and then for all that is in it
            found = self._find(text)
            self._last = text, found
        return found

    def _find(self, text: str) -> list[Match]:
        if not text.isascii() and not unicodedata.is_normalized("NFC", text):
            return self._find_apart(text)
        found = self._find_spelled(text)
        return [*found, *self._find_numbers(text, found)]

    def _find_spelled(self, text: str) -> list[Match]:
        if len(text) <= FEW and text.isascii() and text.isprintable():
            return list(self._find_whole_words(text))
        if self._automaton is None:
            singles = self._singles.difference(self._patterns)
            self._kinds = [*self._patterns.values(), *("PERSON" for _ in singles)]
            self._automaton = AhoCorasick(
                [*self._patterns, *singles], matchkind=MatchKind.Standard,
                implementation=Implementation.ContiguousNFA,
            )  # fmt: skip
        folded, known = fold(text), len(self._patterns)
        found = self._automaton.find_matches_as_indexes(folded, overlapping=True)
        return apart([
            Match(self._kinds[number], start, end)
            for number, start, end in found
            if _stands_alone(folded, start, end) and (number < known or text[start].isupper())
        ])  # fmt: skip

    def _find_whole_words(self, text: str) -> Iterator[Match]:
        """Find them in a short text by trying it from each word to each: no automaton is made."""
        folded = text.lower()
        cuts = [place.start() for place in _CUT.finditer(folded)]
        at = 0
        for number, start in enumerate(cuts):
            if start < at:
                continue
            for end in reversed(cuts[number + 1 :]):
                piece = folded[start:end]
                kind = self._patterns.get(piece)
                if kind is None and piece in self._singles and text[start].isupper():
                    kind = "PERSON"
                if kind is not None:
                    yield Match(kind, start, end)
                    at = end
                    break

    def _find_numbers(self, text: str, found: list[Match]) -> Iterator[Match]:
        """Find numbers in whatever layout: the proof will look no less closely."""
        octets = text.encode("latin-1", "replace")  # each character one octet: places stay
        for number, start, end in numbers_in(octets):
            kind = self._kind_of_number(number)
            if kind is None or not _stands_alone(text, start, end):
                continue
            if not any(match.start <= start and end <= match.end for match in found):
                yield Match(kind, start, end)

    def _find_apart(self, text: str) -> list[Match]:
        """Find them in a text whose letters and accents are written apart."""
        places, made = [0], ""
        for letter in text:
            joined = unicodedata.normalize("NFC", made[-1:] + letter)
            if made and len(joined) == 1:
                made = made[:-1] + joined
                places[-1] += 1
            else:
                made += letter
                places.append(places[-1] + 1)
        return (
            [
                Match(match.kind, places[match.start], places[match.end])
                for match in self._find(unicodedata.normalize("NFC", made))
            ]
            if unicodedata.is_normalized("NFC", made)
            else []
        )


def _unspaced(value: str) -> str:
    """Give a value with single blanks where it has any space."""
    if value.isprintable() and value.isascii() and "  " not in value:
        return value
    return _SPACES.sub(" ", value)


def apart(found: list[Match]) -> list[Match]:
    """Leave out what begins within another, the longest of one beginning first."""
    kept, end = list[Match](), 0
    for match in sorted(found, key=lambda m: (m.start, -m.end)):
        if match.start >= end:
            kept.append(match)
            end = match.end
    return kept


def variants(kind: str, value: str) -> list[str]:
    """Give the ways people write an identity, folded."""
    is_ascii = value.isascii()
    plain = _unspaced(value.lower() if is_ascii else fold(value)).strip()
    if kind != "PERSON":
        return [plain]
    found = [plain]
    if is_unspaced(plain):
        return found if len(plain) >= SHORTEST_UNSPACED else []
    last, comma, first = plain.partition(",")
    words = plain.split()
    if comma and first.strip() and last.strip():
        found.append(f"{first.strip()} {last.strip()}")
    elif comma:
        pass
    elif len(words) >= 2:
        found.append(f"{words[-1]}, {' '.join(words[:-1])}")
        if len(words) > 2:
            found.append(f"{words[0]} {words[-1]}")
    else:
        return []  # one word alone is an ordinary word too often
    return found


def is_unspaced(value: str) -> bool:
    """Whether a value is a name in a script that puts no space between words."""
    return not value.isascii() and _UNSPACED_NAME.fullmatch(value) is not None


def has_unspaced(value: str) -> bool:
    """Whether a value has letters of a script that puts no space between words."""
    return not value.isascii() and _UNSPACED.search(value) is not None


def outer_words(name: str) -> list[str]:
    """Give the first and the last word of a name of several: in capitals, alone, they are it."""
    words = name.replace(",", " ").split()
    return [words[0], words[-1]] if len(words) > 1 else []


@lru_cache(100_000)
def single(word: str) -> str:
    """Give a word, folded, that is nothing but a name; else nothing."""
    from greenroom.data.ner.lists import FAMILY, GIVEN, lists_of
    from greenroom.data.ner.tagger import load_tagger

    if len(word) < SHORTEST_SINGLE or not word.isalpha() or _UNSPACED.search(word):
        return ""
    is_else = lists_of(word, load_tagger().is_word(word)) & ~(GIVEN | FAMILY)
    return "" if is_else else fold(word)


def _stands_alone(text: str, start: int, end: int) -> bool:
    if end - start >= SURE_UNSPACED and _UNSPACED.match(text[start]):
        return True  # no space would tell where it ends
    before = start == 0 or not (_WORD.match(text[start - 1]) and _WORD.match(text[start]))
    after = end == len(text) or not (_WORD.match(text[end - 1]) and _WORD.match(text[end]))
    return before and after
