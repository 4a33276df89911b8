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
        patterns, shortest = self._patterns, SHORTEST.get(kind, 6)
        for value in values:
            if kind != "PERSON" and value in patterns:
                continue  # the same few come in many tables
            number = number_of(value)
            if number:
                self._numbers.setdefault(number.encode(), kind)
            for variant in _variants(kind, value):
                if len(variant) >= shortest or _UNSPACED_NAME.fullmatch(variant):
                    patterns.setdefault(variant, kind)
            if kind == "PERSON":
                self._singles.update(_singles(value))
        self._automaton, self._last = None, (None, [])

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
        if len(text) <= FEW and text.isascii() and text.isprintable():
            found = list(self._find_whole_words(text))
            return [*found, *self._find_numbers(text, found)]
        if self._automaton is None:
            singles = self._singles.difference(self._patterns)
            self._kinds = [*self._patterns.values(), *("PERSON" for _ in singles)]
            self._automaton = AhoCorasick(
                [*self._patterns, *singles], matchkind=MatchKind.LeftmostLongest,
                implementation=Implementation.ContiguousNFA,
            )  # fmt: skip
        folded, known = fold(text), len(self._patterns)
        found = [
            Match(self._kinds[number], start, end)
            for number, start, end in self._automaton.find_matches_as_indexes(folded)
            if _stands_alone(folded, start, end) and (number < known or text[start].isupper())
        ]
        return [*found, *self._find_numbers(text, found)]

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
            kind = self._numbers.get(number)
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


def _variants(kind: str, value: str) -> list[str]:
    """Give the ways people write an identity, folded."""
    is_ascii = value.isascii()
    plain = _unspaced(value.lower() if is_ascii else fold(value)).strip()
    if kind != "PERSON":
        return [plain]
    found = [plain]
    if not is_ascii and _UNSPACED_NAME.fullmatch(plain):
        return found if len(plain) >= SHORTEST_UNSPACED else []
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


def _singles(name: str) -> list[str]:
    """Give the words of a name that are nothing but names: alone, and in capitals, they are it."""
    words = name.replace(",", " ").split()
    if len(words) < 2:
        return []
    return [single for word in (words[0], words[-1]) if (single := _single(word))]


@lru_cache(100_000)
def _single(word: str) -> str:
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
