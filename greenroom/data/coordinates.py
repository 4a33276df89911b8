"""Places given in degrees, in texts that are read strictly."""

from __future__ import annotations

import re

from presidio_analyzer import Pattern, PatternRecognizer

from greenroom.data.context import LANGUAGE

KIND, SCORE = "COORDINATES", 0.6
_DEGREES = r"-?\d{1,3}\.\d{3,}\u00b0?\s?"
_PAIR = rf"(?<![\w.])(?:{_DEGREES}[NS]?\s?[,;/ ]\s?{_DEGREES}[EW]?)(?![\w.]*\d)"
_NUMBER = re.compile(r"\d+\.\d+")


class Coordinates(PatternRecognizer):
    """Presidio's recognizer for a latitude and a longitude of three decimals and more."""

    def __init__(self) -> None:
        super().__init__(
            supported_entity=KIND, supported_language=LANGUAGE, name="Coordinates",
            patterns=[Pattern("degrees", _PAIR, SCORE)],
        )  # fmt: skip

    def validate_result(self, pattern_text: str) -> bool | None:
        """Refuse what is on no map."""
        latitude, longitude = map(float, _NUMBER.findall(pattern_text))
        return None if latitude <= 90 and longitude <= 180 else False
