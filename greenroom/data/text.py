"""Free text: whoever is found in it becomes the same somebody else as in the columns."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any

from presidio_analyzer import RecognizerResult

from greenroom.data.choosing import Chosen, choose
from greenroom.data.context import LANGUAGE
from greenroom.data.halves import HALF, quoted
from greenroom.data.identities import SCORE, Identities
from greenroom.data.models import Models, is_credible
from greenroom.data.ner.tagger import load_tagger
from greenroom.data.pseudonyms import Pseudonyms
from greenroom.data.recognizers import analyzer
from greenroom.data.schema import Column
from greenroom.data.strangers import LEAD_WORDS, find_strangers

PIECE = 4_000
"""Characters analysed at once: Presidio's time grows with the square of a text's length."""
LONGEST_ADDRESS = 45
"""Characters of an IPv6 address with an IPv4 one in it."""
MEMORY, SHORT = 50_000, 200
"""Texts that are remembered, and up to how many characters."""
_ID = re.compile(
    r"(?=[0-9-]*[a-f])(?:[0-9a-f]{16,128}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})"
)
"""Hexadecimal digests and UUIDs: what a check of numbers finds in them is chance."""
_WORD = re.compile(r"\w+")
_METHODS = {
    "PERSON": "full_name", "EMAIL_ADDRESS": "email", "PHONE_NUMBER": "phone",
    "USERNAME": "username", "ADDRESS": "street", "ORGANIZATION": "company", "IBAN_CODE": "iban",
    "CREDIT_CARD": "card", "IP_ADDRESS": "ip", "MAC_ADDRESS": "mac", "US_SSN": "national_id",
    "NATIONAL_ID": "national_id", "CRYPTO": "token",
}  # fmt: skip
"""What Presidio finds, and what becomes of it."""
_STRICT_METHODS = _METHODS | {
    "LOCATION": "city", "DATE_TIME": "spoken_day", "AGE": "spoken_age", "NATIONALITY": "nation",
    "TITLE": "title", "COORDINATES": "coordinates",
}  # fmt: skip
"""The same where what tells somebody only together with more is replaced, too."""
KINDS, STRICT_KINDS = list(_METHODS), list(_STRICT_METHODS)


MakeFakes = Callable[[Sequence[tuple[str, str]]], list[str | None]]
"""Makes a fake for each kind and original; None for what is left to the plain functions."""


def _make_none(methods: Mapping[str, str]) -> None:
    return None


@dataclass(frozen=True)
class Finding:
    """Something found in a text; never what it was."""

    kind: str
    start: int
    end: int
    score: float


class TextMasker:
    """Replaces people in texts."""

    def __init__(
        self, pseudonyms: Pseudonyms, identities: Identities, models: Models | None = None, *,
        is_strict: bool = False,
    ) -> None:  # fmt: skip
        self.models, self._pseudonyms = models, pseudonyms
        self.methods = _STRICT_METHODS if is_strict else _METHODS
        self._kinds = list(self.methods)
        self._compile: Callable[[Mapping[str, str]], MakeFakes | None] = _make_none
        recognizers = (models.strict if is_strict else models.recognizers) if models else ()
        self._engine = analyzer(identities, recognizers)
        self._identities = identities
        self._remembered = lru_cache(MEMORY)(self._mask)
        column = Column("text", "text", "text")
        self._replace: dict[str, Callable[[str], str | None]] = {
            kind: lru_cache(MEMORY)(pseudonyms.for_column(method, column, {}))
            for kind, method in self.methods.items()
        }

    @cached_property
    def strict(self) -> TextMasker:
        """Give one that replaces places, companies, days, ages, nations and titles as well."""
        made = TextMasker(self._pseudonyms, self._identities, self.models, is_strict=True)
        made.make_fakes_by(self._compile)
        return made

    def make_fakes_by(self, compile_: Callable[[Mapping[str, str]], MakeFakes | None]) -> None:
        """Let compiled code make fakes where it can: it is asked for what does so, by methods."""
        self._compile = compile_

    @cached_property
    def _together(self) -> MakeFakes | None:
        return self._compile(self.methods)

    def mask(self, text: str, context: str = "") -> tuple[str, list[Finding]]:
        """Give a text without people, and what was found where.

        ``context`` is the column's name: it says more of a bare number than the text does.
        """
        if len(text) <= SHORT:  # a status, a path, a greeting: the same few come again and again
            made, findings = self._remembered(text, context)
            return made, list(findings)
        return self._mask(text, context)

    def _mask(self, text: str, context: str) -> tuple[str, list[Finding]]:
        made, findings, offset = [], list[Finding](), 0
        for piece in pieces(text):
            found = self.find(piece, context)
            made.append(self._rewrite(piece, found))
            findings += [
                Finding(f.entity_type, f.start + offset, f.end + offset, f.score) for f in found
            ]
            offset += len(piece)
        return "".join(made), findings

    def text_of(self, text: str, context: str) -> str:
        """Give a document's text without people."""
        if HALF.search(text) is None:
            return self.mask(text, context)[0]
        parts = HALF.split(text)
        return "".join(p if HALF.match(p) else self.mask(p, context)[0] for p in parts)

    def text_kernel(self, column: str) -> Callable[[str], str]:
        """Give the function that masks a column of texts."""
        return lambda value: self.mask(value, column)[0]

    def json_kernel(self, column: str) -> Callable[[str], str]:
        """Give the function that masks every text of a document; keys and numbers stay."""

        def walk(value: Any, name: str) -> Any:
            if isinstance(value, dict):
                return {key: walk(item, key) for key, item in value.items()}
            if isinstance(value, list):
                return [walk(item, name) for item in value]
            return self.text_of(value, name) if isinstance(value, str) else value

        def run(value: str) -> str:
            document = json.loads(value, parse_float=Decimal, parse_int=Decimal)
            return _dumps(walk(document, column))

        return run

    def find(self, text: str, context: str = "") -> list[Chosen]:
        """Find people in one piece, none within another."""
        if _ID.fullmatch(text):
            return self._choose(text, [*self._known(text), *find_strangers(text)])
        whole = self._known(text) if len(text) <= SHORT else []
        if len(whole) == 1 and whole[0].end - whole[0].start == len(text):
            return self._choose(text, whole)  # a field of one of the database's people, no more
        if _is_address(text):
            return self._choose(text, [RecognizerResult("IP_ADDRESS", 0, len(text), SCORE)])
        words = context.replace("_", " ").split()
        return self._choose(text, self._engine.find_to_choose(text, self._kinds, words))

    @staticmethod
    def _choose(text: str, results: list[RecognizerResult]) -> list[Chosen]:
        return choose(results, text, _may_join)

    def _known(self, text: str) -> list[RecognizerResult]:
        """Find the database's own people."""
        return [
            RecognizerResult(match.kind, match.start, match.end, SCORE)
            for match in self._identities.find(text)
        ]

    def find_all(self, text: str, context: str = "") -> list[Chosen]:
        """Find people by plain Presidio: the slow way, to hold the other against."""
        words = context.replace("_", " ").split() or None
        results = self._engine.analyze(text, language=LANGUAGE, entities=self._kinds, context=words)
        return self._choose(text, results)

    def _rewrite(self, text: str, found: list[Chosen]) -> str:
        if not found:
            return text
        originals = [(one.entity_type, text[slice(*one.sure)]) for one in found]
        made = self._together(originals) if self._together else [None] * len(found)
        parts, at = list[str](), 0
        for one, (kind, original), fake in zip(found, originals, made, strict=True):
            known = self._replace[kind](original) if fake is None else fake
            parts += (text[at : one.start], known or "")
            at = one.end
        return "".join((*parts, text[at:]))


def _may_join(kind: str, words: str) -> bool:
    """Whether words beside somebody known are part of the same name; of an address any are."""
    said = [word for word in map(str.lower, _WORD.findall(words)) if word not in LEAD_WORDS]
    if not said:
        return False
    return kind != "PERSON" or is_credible(load_tagger(), kind, words)


def _is_address(text: str) -> bool:
    """Whether a text is a network address and nothing else."""
    if len(text) > LONGEST_ADDRESS or not (text[:1].isalnum() or text[:1] == ":"):
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _dumps(value: Any) -> str:
    """Write a document; numbers as they came."""
    if isinstance(value, dict):
        parts = [f"{quoted(k)}: {_dumps(v)}" for k, v in value.items()]
        return "{" + ", ".join(parts) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_dumps, value)) + "]"
    if isinstance(value, str):
        return quoted(value)
    return str(value) if isinstance(value, Decimal) else json.dumps(value)


def pieces(text: str, size: int = PIECE) -> list[str]:
    """Cut a long text between its words, so that nobody is cut in two."""
    if len(text) <= size:
        return [text] if text else []
    found, start = [], 0
    while start < len(text):
        end = start + size
        if end < len(text):
            breaks = [
                text.rfind(mark, start + size // 2, end) for mark in ("\n\n", "\n", ". ", " ")
            ]
            end = next((at + 1 for at in breaks if at > start), end)
        found.append(text[start:end])
        start = end
    return found
