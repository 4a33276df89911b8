"""People in texts who stand in no column: told by lists of names, titles, greetings and addresses.

A name counts where two of the lists' names stand side by side, or behind a title or a greeting;
alone it is an ordinary word too often. No model, no download.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import Enum
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from presidio_analyzer import EntityRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts

from greenroom.data.compiling import goes_plainly
from greenroom.data.kernels import flags
from greenroom.data.lexicon import (
    family_names,
    fold_name,
    given_names,
    languages_of_family,
    languages_of_given,
    ordinary_words,
)

if TYPE_CHECKING:
    from greenroom.data.kernels.sieve import Sieve

SURE, LIKELY = 0.6, 0.5
"""Scores: below what the database itself knows, above the threshold."""
LONGEST_NAME = 4
"""Words."""
SHORT_NAME = 4
"""Letters: names that are no longer are words as well, more often than not."""
LEAD_LETTERS = 40
"""Characters before a name that are looked at."""


def _listed(words: str, mark: str | None = None) -> frozenset[str]:
    return frozenset(words.split(mark))


_TITLES = _listed(
    "mr mrs ms miss mx dr prof sir madam herr herrn frau dott dottssa sig signor signora monsieur"
    " madame mme mlle señor señora sr sra srta don doña dhr mevrouw pan pani"
)
_GREETINGS = _listed(
    "dear hi hello hey hallo liebe lieber liebes bonjour cher chère hola estimado estimada ciao"
    " gentile caro cara regards wishes thanks cheers sincerely yours gruß grüße grüßen cordialement"
    " saludos saluti signed soy sono i'm"
)
_PHRASES = _listed(
    "name is|this is|i am|guten tag|guten morgen|ich bin|name ist|je suis|je m'appelle|me llamo"
    "|mi chiamo|thank you", "|"
)  # fmt: skip
_NONE: frozenset[str] = frozenset()
_JOINTS = re.compile(r"['\u2019-]")
_BETWEEN = " \t\r\n\u00a0,.:"
_POSSESSIVE = re.compile(r"(?:['\u2019]s|[.'\u2019])$")

_CAPITAL = "[A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĒĖĘĚĞĢĪĮİĶĹĻŁŃŅŇŌŐŒŔŘŚŞŠŢŤŪŮŰŲŹŻŽ\u0386-\u03ab\u0400-\u042f]"
_WORD = rf"{_CAPITAL}[\w'\u2019-]*"
_GAP = r"[ \u00a0]"
_PARTICLES = "van|von|de|der|den|da|das|do|dos|di|del|della|du|la|le|bin|ibn|al|el|zu|ter|y"
_PARTICLE = rf"(?:{_PARTICLES})"
_RUN = re.compile(rf"\b{_WORD}\.?(?:{_GAP}(?:{_PARTICLE}{_GAP}){{0,2}}{_WORD}\.?)*")
_CAPITALS = r"[A-ZÀ-ÞĀ-Ž\u0386-\u042f](?<!\w.)"
"""What a word of a run may begin with, and more: first in an expression it is scanned for fast."""
_TWO = re.compile(rf"{_CAPITALS}[\w'\u2019-]*\.?{_GAP}(?:{_PARTICLE}{_GAP}){{0,2}}{_CAPITAL}")
"""Two words of a run."""
_PART = re.compile(r"[^ \u00a0]+")
_STREETS = "|".join(
    f"[{kind[0].upper()}{kind[0]}]{kind[1:]}|{kind.upper()}"
    for kind in sorted(_listed(
        "street st road rd avenue ave lane ln drive dr court ct square sq boulevard blvd terrace"
        " way place pl close crescent row alley parkway pkwy highway hwy gardens grove mews hill"
    ))
)  # fmt: skip
_STREET_WORDS = frozenset(re.findall("[a-z]+", _STREETS.lower()))
LEAD_WORDS = _TITLES | _GREETINGS
_ADDRESSES = (
    # 17 Harbour Row; 1600 North Elm St.
    re.compile(rf"\b\d{{1,5}}[a-zA-Z]?,?{_GAP}(?:{_WORD}\.?{_GAP}){{1,4}}(?:{_STREETS})\b"),
    # Hauptstraße 12a; Lange Gasse 3; Am Alten Weg 7
    re.compile(
        rf"\b(?:{_WORD}{_GAP}){{0,3}}{_CAPITAL}[\w-]{{0,40}}?"
        r"(?:(?<=[Ss])tr(?:aße|asse|\.)|(?<=[Gg])asse|(?<=[Ww])eg|(?<=[Pp])latz|(?<=[Aa])llee"
        rf"|(?<=[Dd])amm|(?<=[Uu])fer|straat|laan|plein){_GAP}\d{{1,4}}(?:{_GAP}?[a-z])?\b"
    ),
    # 12, rue de la Paix
    re.compile(
        rf"\b\d{{1,4}}(?:bis|ter)?,?{_GAP}(?:[Rr]ue|[Aa]venue|[Bb]oulevard|[Pp]lace|[Cc]hemin"
        rf"|[Qq]uai|[Ii]mpasse){_GAP}(?:[a-z'\u2019]{{1,4}}{_GAP}?){{0,3}}"
        rf"{_WORD}(?:{_GAP}{_WORD}){{0,3}}"
    ),
    # Calle de Alcalá 5; Via Roma 10
    re.compile(
        rf"\b(?:Calle|Avenida|Plaza|Paseo|Via|Viale|Piazza|Corso|Rua){_GAP}"
        rf"(?:[a-z']{{1,4}}{_GAP}){{0,3}}{_WORD}(?:{_GAP}{_WORD}){{0,3}},?{_GAP}\d{{1,4}}\b"
    ),
)
_MAY_BE_ADDRESS = re.compile(r"\d(?:[ ,a-z\u00a0]|(?<=[ \u00a0]\d))")
_JOINED_STREETS = (
    "straße", "strasse", "str.", "gasse", "weg", "platz", "allee", "damm", "ufer", "straat", "laan",
    "plein",
)  # fmt: skip
_ROMANCE_STREETS = _listed(
    "rue avenue boulevard place chemin quai impasse calle avenida plaza paseo via viale piazza"
    " corso rua"
)


class Strangers(EntityRecognizer):
    """Presidio's recognizer for names by lexicon and addresses by their form."""

    def __init__(self) -> None:
        super().__init__(
            supported_entities=["PERSON", "ADDRESS"], name="Strangers", supported_language="en"
        )

    def load(self) -> None:
        """Nothing to load: the lists come with their first use."""

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        """Find them."""
        return [found for found in find_strangers(text) if found.entity_type in entities]


def find_strangers(
    text: str, seen: int = flags.EVERY, taken: Sequence[tuple[int, int]] = ()
) -> list[RecognizerResult]:
    """Find names and addresses of people whom the database does not know.

    ``seen``: what ``greenroom.data.kernels.flags`` says of the text. Names within one of the places
    that are ``taken`` are left out.
    """
    found: list[RecognizerResult] = []
    if not seen & (flags.NAMES | flags.STREETS):
        return found
    lower = text.lower()
    words = lower.translate(_APART).split()
    if seen & flags.NAMES:
        has_lead = not LEAD_WORDS.isdisjoint(words) or any(map(lower.__contains__, _PHRASES))
        if has_lead or _TWO.search(text):
            found += [RecognizerResult("PERSON", *span) for span in _names(text, taken)]
    if seen & flags.STREETS and _MAY_BE_ADDRESS.search(text):
        is_romance = not _ROMANCE_STREETS.isdisjoint(words)
        may_be = (
            not _STREET_WORDS.isdisjoint(words),
            any(map(lower.__contains__, _JOINED_STREETS)), is_romance, is_romance,
        )  # fmt: skip
        found += [
            RecognizerResult("ADDRESS", match.start(), match.end(), LIKELY)
            for form, is_worth_it in zip(_ADDRESSES, may_be, strict=True)
            if is_worth_it
            for match in form.finditer(text)
        ]
    return found


@cache
def _compiled_sieve() -> Sieve | None:
    try:
        from greenroom.data.kernels.sieve import Sieve
    except (ImportError, RuntimeError):  # no numba, or nowhere to keep what it compiles
        return None
    words = {
        flags.TITLE: _TITLES, flags.PARTICLE: _listed(_PARTICLES, "|"),
        flags.GREETING: _GREETINGS | {phrase.split()[-1] for phrase in _PHRASES},
        flags.STREET: _STREET_WORDS, flags.ROMANCE: _ROMANCE_STREETS,
    }  # fmt: skip
    return Sieve(words, given_names() | family_names())


def sieve_of(text: str) -> Sieve | None:
    """Give what sees through a text at once; None where that is not to be had."""
    return _compiled_sieve() if text.isascii() and not goes_plainly() else None


class _Apart(dict[int, str]):
    """Characters by code: what is no part of a word becomes a blank."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        self[code] = made = letter if letter.isalnum() or letter in "_'\u2019" else " "
        return made


_APART = _Apart()


class Lead(Enum):
    """What stands before a name and says that it is one."""

    NONE = 0
    GREETING = 1
    TITLE = 2


def _names(text: str, taken: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, float]]:
    """Give start, end and score of each name."""
    for run in _runs(text):
        if any(start <= run.start() and run.end() <= end for start, end in taken):
            continue
        words = [(m.group(), run.start() + m.start()) for m in _PART.finditer(run.group())]
        at, lead = 0, _lead(text[max(0, run.start() - LEAD_LETTERS) : run.start()])
        while at < len(words):
            size, score = measure([word for word, _ in words[at : at + LONGEST_NAME]], lead)
            if size:
                last, start = words[at + size - 1]
                yield words[at][1], start + len(_POSSESSIVE.sub("", last)), score
                lead = Lead.NONE
            else:
                size, lead = 1, _lead(words[at][0])
            at += size


def _runs(text: str) -> Iterator[re.Match[str]]:
    """Give the runs of capitals that may hold a name."""
    sieve = sieve_of(text)
    places = sieve.runs(text) if sieve else None
    if places is None:
        return _RUN.finditer(text)
    return filter(None, (_RUN.match(text, at) for at in places))


def _lead(before: str) -> Lead:
    """Tell what the last words before a name say of it."""
    words = [word.strip(_BETWEEN).lower() for word in before.rsplit(None, 2)[-2:]]
    if not words:
        return Lead.NONE
    if words[-1] in _TITLES:
        return Lead.TITLE
    return Lead.GREETING if words[-1] in _GREETINGS or " ".join(words) in _PHRASES else Lead.NONE


def measure(words: list[str], lead: Lead) -> tuple[int, float]:
    """Count the words of the name that a run of capitals begins with; say how sure that is."""
    kinds = [_kind(word) for word in words]
    if kinds[0] == "P":
        return 0, 0.0
    size = next((i for i, kind in enumerate(kinds) if kind == "O"), len(kinds))
    while size and kinds[size - 1] in "IP":
        size -= 1
    named = [kind for kind in kinds[:size] if kind in "GFB"]
    is_ordinary = all(map(_is_word, words[:size]))
    if len(named) >= 2 and not is_ordinary and _fit(words[:size]):
        return size, SURE
    if lead is Lead.NONE or (lead is Lead.GREETING and not named):
        return 0, 0.0
    if lead is Lead.GREETING and is_ordinary and kinds[0] == "F":
        return 0, 0.0
    # Behind a title or a given name, a family name that no list has is one as well.
    while size < len(kinds) and kinds[size] == "O" and not _is_word(words[size]):
        size += 1
    return size, LIKELY


def _fit(words: list[str]) -> bool:
    """Whether a given name is there, and short names are of one language: Bell Jug is a jug."""
    names = [part for word in words for part in _parts(word)]
    given = [languages_of_given()[name] for name in names if name in given_names()]
    if not given:
        return False
    if min(map(len, names)) > SHORT_NAME:
        return True
    spoken = [
        languages_of_given().get(name, _NONE) | languages_of_family().get(name, _NONE)
        for name in names
    ]
    return bool(frozenset.intersection(*filter(None, spoken)))


@lru_cache(20_000)
def _kind(word: str) -> str:
    """Tell what a word may be: Given, Family, Both, Initial, Particle, Other."""
    plain = word.rstrip(".")
    if len(plain) == 1:
        return "I"
    if plain.islower():
        return "P"
    parts = _parts(word)
    given = any(part in given_names() for part in parts)
    family = any(part in family_names() for part in parts)
    if given and family:
        return "B"
    return "G" if given else "F" if family else "O"


def _parts(word: str) -> list[str]:
    """Give a name's parts, folded: those of Anna-Lena and O'Brien, not the initials."""
    return [fold_name(part) for part in _JOINTS.split(word.rstrip(".")) if len(part) > 2]


def _is_word(word: str) -> bool:
    plain = word.rstrip(".")
    return len(plain) == 1 or fold_name(plain) in ordinary_words()
