"""Names that people have, of some sixty countries: they tell names from things.

Source: the lists of Faker (MIT licence), read where it is installed.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import unicodedata
from collections.abc import Iterable
from functools import cache

SHORTEST = 3
"""Letters: shorter names are words or initials."""
_WORDS = re.compile(r"[^\W\d_]+")
_GIVEN = ("first_names", "first_names_female", "first_names_male", "first_names_nonbinary")
_FAMILY = ("last_names", "last_names_female", "last_names_male")

_MORE_WORDS = """
january february march april june july august september october november december monday tuesday
wednesday thursday friday saturday sunday spring summer autumn winter north south east west red
orange yellow green blue violet black white brown grey gray gold silver pink street road lane park
square bridge river lake hill forest garden city station airport sale sales order invoice shop store
cart basket price discount voucher delivery parcel customer team support service online newsletter
christmas easter weekend holiday
"""
"""Words of calendars, maps and shops, to Faker's list of a thousand."""


def fold_name(word: str) -> str:
    """Fold a word as names are compared: without case and accents."""
    if word.isascii():
        return word.lower()
    plain = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


@cache
def given_names() -> frozenset[str]:
    """Give given names, folded."""
    return frozenset(languages_of_given())


@cache
def family_names() -> frozenset[str]:
    """Give family names, folded."""
    return frozenset(languages_of_family())


@cache
def languages_of_given() -> dict[str, frozenset[str]]:
    """Give the languages of each given name: en, de, … by its lists."""
    return _collect(_GIVEN)


@cache
def languages_of_family() -> dict[str, frozenset[str]]:
    """Give the languages of each family name."""
    return _collect(_FAMILY)


def _collect(lists: Iterable[str]) -> dict[str, frozenset[str]]:
    from faker.providers import person as countries  # 0.3 s, which most commands need not pay

    found: dict[str, set[str]] = {}
    for module in pkgutil.iter_modules(countries.__path__):
        provider = importlib.import_module(f"{countries.__name__}.{module.name}").Provider
        for name in lists:
            entries = getattr(provider, name, ())
            for entry in entries if isinstance(entries, Iterable) else ():
                word = fold_name(str(entry))
                if len(word) >= SHORTEST and _WORDS.fullmatch(word):
                    found.setdefault(word, set()).add(module.name.partition("_")[0])
    return {word: frozenset(languages) for word, languages in found.items()}


@cache
def ordinary_words() -> frozenset[str]:
    """Give common words of English, folded: many of them are somebody's name as well."""
    from faker.providers.lorem.en_US import Provider

    return frozenset(map(fold_name, (*Provider.word_list, *_MORE_WORDS.split())))


def has_name(text: str) -> bool:
    """Whether a given or family name is among a text's words."""
    words = [fold_name(word) for word in _WORDS.findall(text)]
    return any(word in given_names() or word in family_names() for word in words)
