"""Words that are nobody's: made from syllables, so that they are in no list of people.

A pseudonym's word that occurs in an original would make every search for originals ambiguous: the
words that do are left out (``forbidden``).
"""

from __future__ import annotations

from collections.abc import Container
from functools import cache

_STARTS = ("br", "dr", "f", "gl", "h", "j", "k", "l", "m", "n", "pl", "qu", "r", "s", "t", "v", "z")
_VOWELS = ("a", "e", "i", "o", "u")
_MIDDLES = ("b", "d", "g", "l", "lv", "m", "n", "nd", "r", "rv", "st", "v", "x", "z")
_GIVEN_ENDS = ("an", "el", "in", "o", "ra", "us", "wyn", "yx")
_FAMILY_ENDS = ("acre", "bryn", "dorp", "fell", "gard", "holt", "mere", "quist", "thwaite", "wick")
_PLACE_ENDS = ("borough", "by", "ford", "haven", "hithe", "ness", "stow", "ton")
_STREETS = ("Alley", "Avenue", "Crescent", "Lane", "Road", "Row", "Street", "Way")


@cache
def _stems() -> tuple[str, ...]:
    return tuple(s + v + m for s in _STARTS for v in _VOWELS for m in _MIDDLES)


def _free(words: list[str], forbidden: Container[str]) -> tuple[str, ...]:
    return tuple(word for word in words if word.lower() not in forbidden)


def given_names(forbidden: Container[str] = ()) -> tuple[str, ...]:
    """Give some 9,500 invented given names."""
    return _free([(s + e).capitalize() for s in _stems() for e in _GIVEN_ENDS], forbidden)


def family_names(forbidden: Container[str] = ()) -> tuple[str, ...]:
    """Give some 11,900 invented family names."""
    return _free([(s + e).capitalize() for s in _stems() for e in _FAMILY_ENDS], forbidden)


def places(forbidden: Container[str] = ()) -> tuple[str, ...]:
    """Give some 9,500 invented places."""
    return _free([(s + e).capitalize() for s in _stems() for e in _PLACE_ENDS], forbidden)


def street_kinds() -> tuple[str, ...]:
    """Give what streets are called."""
    return _STREETS
