"""Card numbers by their issuers' ranges and their check: Presidio's own miss a quarter of them."""

from __future__ import annotations

import re

from presidio_analyzer import Pattern
from presidio_analyzer.predefined_recognizers import CreditCardRecognizer

_ISSUERS = re.compile(
    r"4(?:\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"
    r"|3[47]\d{13}|(?:6011|64[4-9]\d|65\d\d)\d{12}(?:\d{3})?|35(?:2[89]|[3-8]\d)\d{12}"
    r"|(?:2131|1800)\d{11}|3(?:0[0-5]|[689]\d)\d{11}"
)
"""Source: ISO/IEC 7812 and the ranges that Visa, Mastercard, American Express, Discover, JCB and
Diners Club publish."""
_FORMS = tuple(
    enumerate((
        r"\b[1-6]\d{3}([ -]?)\d{4}\1\d{4}\1\d{4}\b",
        r"\b[1-6]\d{3}([ -]?)\d{4}\1\d{4}\1\d{4}\1\d{3}\b",
        r"\b3\d{3}([ -]?)\d{6}\1\d{4,5}\b", r"\b[1-6]\d{11,18}\b",
    ))
)  # fmt: skip
_MAESTRO = re.compile(r"(?:50|5[6-8]|6\d)\d{10,17}")
"""So wide that a layout must speak for it."""


class DatabaseCards(CreditCardRecognizer):
    """Presidio's recognizer with other ranges."""

    def __init__(self) -> None:
        super().__init__(patterns=[Pattern(f"card {at}", form, 0.3) for at, form in _FORMS])

    def validate_result(self, pattern_text: str) -> bool:
        """Whether issuer, length and check are a card's."""
        digits = re.sub(r"[ -]", "", pattern_text)
        if not digits.isascii():
            return False
        is_laid_out = len(digits) < len(pattern_text)
        if not _ISSUERS.fullmatch(digits) and not (is_laid_out and _MAESTRO.fullmatch(digits)):
            return False
        doubled = (int(d) * (1 + at % 2) for at, d in enumerate(reversed(digits)))
        return sum(number - 9 * (number > 9) for number in doubled) % 10 == 0
