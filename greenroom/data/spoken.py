"""Days, ages, peoples and titles as texts speak of them, and what stands for them. Pure.

Only a strict reading of texts replaces them: alone they tell nobody, but together they may.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from greenroom.data.ner.lists import NATIONS
from greenroom.data.permute import Keyed

MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
SHORT_MONTHS = tuple(month[:3] for month in MONTHS)
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SHORT_DAYS = tuple(day[:3] for day in DAYS)
MOST_YEARS = 4
"""Years by which a year moves at most."""
AGE_BAND = 10
LAST_DAY = 28
"""The last day that every month has."""
_BANDS = ((0, 0, 0), (1, 12, 12), (13, 23, 23), (24, 31, LAST_DAY), (32, 59, 59), (60, 99, 99))
"""Numbers, from and to, stay what they can be: months, hours, days, minutes, years of two digits;
and what the last of those that stand for them is."""
SOME_DAY = "some day"
"""What stands for a day in words of which none is known here."""
_PART = re.compile(r"[^\W\d_]+|\d+")
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th)\b")
_NATIONS = tuple(sorted(nation.title() for nation in NATIONS))
Replace = Callable[[str], str]


def day(keyed: Keyed) -> Replace:
    """Give what moves a day, a month, a year or a time, and keeps how it is written."""

    def replace(text: str) -> str:
        bits, more = keyed.halves(text.lower())
        bits |= more << 64

        def moved(found: re.Match[str]) -> str:
            part = found[0]
            step = bits >> (found.start() % 24 * 4) & 0xF
            return _number(part, step) if part.isdecimal() else _name(part, step)

        made = _PART.sub(moved, _ORDINAL.sub("th", text))
        is_same = made == text and not any(letter.isdigit() for letter in text)
        return SOME_DAY if is_same else made

    return replace


def _number(part: str, step: int) -> str:
    """Move a number within what it may count: months, hours and days, minutes, or years."""
    number, size = int(part), len(part)
    if size == 4 and 1000 <= number <= 2999:
        return str(number - 1 - step % MOST_YEARS)
    if size > 2:
        return "".join(str((int(digit) + 1 + step % 9) % 10) for digit in part)
    first, last = next((first, made) for first, last, made in _BANDS if first <= number <= last)
    count = last - first + 1
    made = first + (number - first + 1 + step % max(1, count - 1)) % count
    return f"{made:0{size}}"


def _name(part: str, step: int) -> str:
    """Give another month or day of the week; other words stay."""
    for names in (MONTHS, DAYS, SHORT_MONTHS, SHORT_DAYS):
        if part.lower() in names:
            at = names.index(part.lower()) + 1 + step % (len(names) - 1)
            return _like(part, names[at % len(names)])
    return part


def age(keyed: Keyed) -> Replace:
    """Give what makes another age of the same ten years."""

    def replace(text: str) -> str:
        bits, _ = keyed.halves(text.lower())

        def moved(found: re.Match[str]) -> str:
            number = int(found[0])
            first = number - number % AGE_BAND
            return str(first + (number - first + 1 + bits % (AGE_BAND - 1)) % AGE_BAND)

        made = re.sub(r"\d+", moved, text)
        return made if made != text else str(20 + bits % 60)

    return replace


def nation(keyed: Keyed) -> Replace:
    """Give what makes somebody of another nation or faith."""

    def replace(text: str) -> str:
        low, high = keyed.halves(text.lower())
        made = _NATIONS[low % len(_NATIONS)]
        if made.lower() == text.lower():
            made = _NATIONS[(low + 1 + high % (len(_NATIONS) - 1)) % len(_NATIONS)]
        return _like(text, made)

    return replace


def title(keyed: Keyed) -> Replace:
    """Give what makes a title that is anybody's."""
    del keyed
    return lambda text: _like(text, "mx") + "." * text.endswith(".")


def _like(word: str, made: str) -> str:
    if word.isupper() and len(word) > 1:
        return made.upper()
    return made.capitalize() if word[:1].isupper() else made.lower()
