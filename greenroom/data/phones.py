"""Phone numbers that are written like phone numbers; and the same found without searching twice.

Presidio searches a text once for each country. Nearly always the whole search can be spared: the
places that may hold a number are the same for all countries, and one expression tells of their
digits whether any country has such numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, lru_cache
from typing import Any

import phonenumbers
from phonenumbers import phonenumbermatcher as matcher
from presidio_analyzer import RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts
from presidio_analyzer.predefined_recognizers import PhoneRecognizer

from greenroom.data.asking import distinct, result_of
from greenroom.data.numbers import is_plain

Spans = Sequence[tuple[int, int]]
REGIONS = ("US", "GB", "DE", "FR", "IT", "ES", "NL", "CH")
LENIENCY = 1
"""Valid numbers only."""
BARE = 0.2
"""The score of digits without any layout: a phone word beside them makes them a number."""
FEWEST_DIGITS = 4
"""Digits of the shortest number of any country here."""
MOST_GROUPS = 14
"""Groups of digits in one place, beyond which every country is asked."""
MEMORY = 50_000
_LEAD, _TOUCHING, _AFTER = 10, 4, 4
"""Characters before a place's first digit; between two places that may be one; behind one that
tell of it."""
_NO_PHONE = re.compile(r"\d{1,3}(\.\d{1,3}){3}$|\d+\.\d+$|\d{4}-\d\d-\d\d")
_GLUED = re.compile(r"[A-Za-z0-9][-_/.]$|[-_#=]$")
_FORMATTED = re.compile(r"[+()\-./ ]")
_ONE_PIECE = re.compile(r"[0-9]+(?:-[0-9]+)*")
_DIGIT = re.compile(r"\d")
_DECIMAL = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}")
_PLUS = re.compile(r"[^0-9+]*\+[^0-9+]*[0-9][^+]*$")
_HARMLESS = frozenset(["", *" \n\t,;:.!?'\")<>|"])
"""Characters beside a number that make nothing else of it."""
_GROUP = re.compile(r"[0-9]+")
_SIMPLE = re.compile(r"[0-9 ()\[\]./-]*\+?[0-9 ()\[\]./-]*")
"""Digits without an extension."""
_MAY_HOLD = re.compile(r"(?:[0-9][^0-9]{0,10}){4}")
_TYPES = (
    "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip",
    "pager", "uan", "voicemail",
)  # fmt: skip


class DatabasePhones(PhoneRecognizer):
    """Presidio's recognizer without what databases hold instead of phone numbers."""

    def __init__(self) -> None:
        super().__init__(supported_regions=REGIONS, leniency=LENIENCY)

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        """Find them; bare digits only count with a phone word beside them."""
        return self._weigh(text, super().analyze(text, entities, nlp_artifacts))  # type: ignore[arg-type]

    def analyze_fast(
        self, text: str, speaks_for: Callable[[int], bool] = lambda _: True, taken: Spans = ()
    ) -> list[RecognizerResult]:
        """Find the same, but bare digits only where a word ``speaks_for`` them.

        What lies within one of the places that are ``taken`` is left out.
        """
        found = [
            result_of(self, start, end, self.SCORE)
            for start, end in find_numbers(text, speaks_for, taken)
        ]
        return self._weigh(text, distinct(found))

    @staticmethod
    def _weigh(text: str, results: Iterable[RecognizerResult]) -> list[RecognizerResult]:
        kept = []
        for found in results:
            value = text[found.start : found.end]
            before = text[max(0, found.start - 2) : found.start]
            # A word beside it adds to a score: what is part of a longer number must have none.
            if _NO_PHONE.match(value) or _GLUED.search(before):
                continue
            if not _FORMATTED.search(value):
                found.score = BARE
            kept.append(found)
        return kept


def find_numbers(
    text: str, speaks_for: Callable[[int], bool] = lambda _: True, taken: Spans = ()
) -> list[tuple[int, int]]:
    """Give the places that are a valid number in any of the countries."""
    found: list[tuple[int, int]] = []
    if is_plain(text) and not _MAY_HOLD.search(text):
        return found
    for places in _places(text):
        if any(a <= places[0][0] and places[-1][1] <= b for a, b in taken):
            continue
        if not any(_may_count(text, start, end, speaks_for) for start, end in places):
            continue
        start, end = places[0][0], places[-1][1]
        before, after = text[max(0, start - 1) : start], text[end : end + _AFTER]
        before = "" if before in _HARMLESS else before
        after = "" if after[:1] != ":" and after[:1] in _HARMLESS else after
        found += [
            (start + begin, start + stop)
            for begin, stop in _find(
                before, text[start:end], after, tuple(text[a:b] for a, b in places)
            )
        ]
    return found


def _may_count(text: str, start: int, end: int, speaks_for: Callable[[int], bool]) -> bool:
    """Whether what stands in one place may be a number that is kept."""
    place = text[start:end]
    if _ONE_PIECE.fullmatch(place) and (
        _NO_PHONE.match(place) or _GLUED.search(text[max(0, start - 2) : start])
    ):
        return False  # a number as a whole or none at all, and then one that is left out
    return bool(_regions_of(place)) and (not place.isdigit() or speaks_for(start))


def _places(text: str) -> Iterator[list[tuple[int, int]]]:
    """Give where numbers may stand, as phonenumbers tells it; places that touch together."""
    together: list[tuple[int, int]] = []
    at = 0
    while (digit := _DIGIT.search(text, at)) is not None:
        match = matcher._PATTERN.search(text, max(at, digit.start() - _LEAD))
        if match is None:
            break
        start, at = match.span()
        if together and start - together[-1][1] > _TOUCHING:
            yield together
            together = []
        together.append((start, at))
    if together:
        yield together


@lru_cache(MEMORY)
def _find(
    before: str, place: str, after: str, parts: tuple[str, ...]
) -> tuple[tuple[int, int], ...]:
    """Find numbers in one place of a text, or in some that touch."""
    spans: dict[tuple[int, int], None] = {}
    digits = "".join(_GROUP.findall(place))
    regions = dict.fromkeys(region for part in parts for region in _regions_of(part))
    first, end = len(before), len(before) + len(place)
    for region in sorted(regions, key=lambda region: not _shape(region).fullmatch(digits)):
        spans.update(
            ((match.start - first, match.end - first), None)
            for match in _Matcher(before + place + after, region, leniency=LENIENCY)
            if match.start < end
        )
        if (0, len(place)) in spans:
            break  # what other countries find in it counts for nothing beside it
    return tuple(spans)


class _Matcher(phonenumbers.PhoneNumberMatcher):
    """Does not parse what no valid number looks like: most of what it tries."""

    def _parse_and_verify(self, candidate: str, offset: int) -> Any:
        if not _may_be_valid(candidate, self.preferred_region):
            return None
        return super()._parse_and_verify(candidate, offset)


def _may_be_valid(candidate: str, region: str | None) -> bool:
    """Whether digits, as they are dialled in a country, may be a valid number."""
    if region is None or not _SIMPLE.fullmatch(candidate):
        return True
    digits = "".join(_GROUP.findall(candidate))
    if _shape(region).fullmatch(digits):
        return True
    return "+" in candidate and bool(digits) and _is_international(digits)


@lru_cache(MEMORY)
def _regions_of(place: str) -> tuple[str, ...]:
    """Give the countries that may have a number there: all of them where that is not clear."""
    groups = _GROUP.findall(place)
    plus = _PLUS.match(place)
    if not is_plain(place) or len(groups) > MOST_GROUPS or ("+" in place and not plus):
        return REGIONS
    if sum(map(len, groups)) < FEWEST_DIGITS or _DECIMAL.fullmatch(place):
        return ()
    numbers = [
        (first, number)
        for first in range(len(groups))
        for last in range(first, len(groups))
        if len(number := "".join(groups[first : last + 1])) >= FEWEST_DIGITS
    ]
    if plus and any(first == 0 and _is_international(number) for first, number in numbers):
        return REGIONS
    numbers = [entry for entry in numbers if _any_country().fullmatch(entry[1])]
    return tuple(
        region
        for region in REGIONS
        if any(_shape(region).fullmatch(number) for _, number in numbers)
    )


def _is_international(digits: str) -> bool:
    """Whether digits behind a plus may be a valid number of any country."""
    for length in (1, 2, 3):
        code = int(digits[:length])
        if code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            known = _numbers_of(code)
            return known is None or known.fullmatch(digits[length:]) is not None
    return False


@cache
def _any_country() -> re.Pattern[str]:
    return re.compile("|".join(_shape(region).pattern for region in REGIONS))


@cache
def _shape(region: str) -> re.Pattern[str]:
    """Give what the digits of every valid number look like that is dialled in a country.

    Too wide on purpose: a prefix, the country's code and zeros may stand before each.
    """
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    assert metadata is not None
    numbers = _numbers_of(metadata.country_code)
    assert numbers is not None
    return re.compile(
        f"(?:{metadata.international_prefix})[0-9]{{4,}}"
        f"|(?:{metadata.country_code})?(?:{numbers.pattern})"
    )


@cache
def _numbers_of(code: int) -> re.Pattern[str] | None:
    """Give what numbers behind a country's code look like; None where that is not simple."""
    patterns, national = [], ""
    for number, region in enumerate(phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]):
        known = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, region)
        if known is None or (number == 0 and known.national_prefix_transform_rule):
            return None
        if number == 0 and known.national_prefix_for_parsing:
            # It may stand there twice: it is taken off with the country's code, and after it.
            national = f"(?:{known.national_prefix_for_parsing}){{0,2}}"
        kinds = (getattr(known, kind) for kind in _TYPES)
        patterns += [k.national_number_pattern for k in kinds if k and k.national_number_pattern]
    return re.compile(f"{national}0*(?:{'|'.join(dict.fromkeys(patterns))})")
