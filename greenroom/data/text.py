"""Free text: whoever is found in it becomes the same somebody else as in the columns."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from presidio_analyzer import RecognizerResult

from greenroom.data.context import LANGUAGE
from greenroom.data.halves import HALF, quoted
from greenroom.data.identities import SCORE, Identities
from greenroom.data.models import Models
from greenroom.data.pseudonyms import Pseudonyms
from greenroom.data.recognizers import analyzer
from greenroom.data.schema import Column
from greenroom.data.strangers import find_strangers

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
_METHODS = {
    "PERSON": "full_name", "EMAIL_ADDRESS": "email", "PHONE_NUMBER": "phone",
    "USERNAME": "username", "ADDRESS": "street", "ORGANIZATION": "company", "IBAN_CODE": "iban",
    "CREDIT_CARD": "card", "IP_ADDRESS": "ip", "MAC_ADDRESS": "mac", "US_SSN": "national_id",
    "NATIONAL_ID": "national_id", "CRYPTO": "token",
}  # fmt: skip
"""What Presidio finds, and what becomes of it."""
KINDS = list(_METHODS)


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
        self, pseudonyms: Pseudonyms, identities: Identities, models: Models | None = None
    ) -> None:
        self.models = models
        self._engine = analyzer(identities, models.recognizers if models else ())
        self._identities = identities
        self._remembered = lru_cache(MEMORY)(self._mask)
        column = Column("text", "text", "text")
        self._replace: dict[str, Callable[[str], str | None]] = {
            kind: pseudonyms.for_column(method, column, {}) for kind, method in _METHODS.items()
        }

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

    methods = _METHODS
    """What becomes of each kind that is found."""

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

    def find(self, text: str, context: str = "") -> list[RecognizerResult]:
        """Find people in one piece, none within another."""
        if _ID.fullmatch(text):
            return choose([*self._known(text), *find_strangers(text)])
        whole = self._known(text) if len(text) <= SHORT else []
        if len(whole) == 1 and whole[0].end - whole[0].start == len(text):
            return whole  # a field that holds one of the database's people and nothing else
        if _is_address(text):
            return [RecognizerResult("IP_ADDRESS", 0, len(text), SCORE)]
        return choose(self._engine.find_to_choose(text, KINDS, context.replace("_", " ").split()))

    def _known(self, text: str) -> list[RecognizerResult]:
        """Find the database's own people."""
        return [
            RecognizerResult(match.kind, match.start, match.end, SCORE)
            for match in self._identities.find(text)
        ]

    def find_all(self, text: str, context: str = "") -> list[RecognizerResult]:
        """Find people by plain Presidio: the slow way, to hold the other against."""
        words = context.replace("_", " ").split() or None
        results = self._engine.analyze(text, language=LANGUAGE, entities=KINDS, context=words)
        return choose(results)

    def _rewrite(self, text: str, found: list[RecognizerResult]) -> str:
        for result in reversed(found):
            original = text[result.start : result.end]
            fake = self._replace[result.entity_type](original)
            text = text[: result.start] + (fake or "") + text[result.end :]
        return text


def choose(results: list[RecognizerResult]) -> list[RecognizerResult]:
    """Give the surest of what overlaps, in the text's order."""
    chosen: list[RecognizerResult] = []
    for result in sorted(results, key=lambda r: (-r.score, r.start - r.end, r.start)):
        if all(result.end <= other.start or result.start >= other.end for other in chosen):
            chosen.append(result)
    return sorted(chosen, key=lambda r: r.start)


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
