"""Presidio's recognizers by patterns, asked without the explanations that they write each time."""

from __future__ import annotations

from typing import Any

from presidio_analyzer import EntityRecognizer, PatternRecognizer, RecognizerResult
from presidio_analyzer.pattern_recognizer import REGEX_TIMEOUT_SECONDS

FEW = 24
"""Findings that are held against each other one by one."""
_NO_TOKENS: Any = None


def ask(recognizer: EntityRecognizer, text: str) -> list[RecognizerResult]:
    """Find what ``recognizer.analyze`` finds; it must need no tokens."""
    is_plain = type(recognizer).analyze is PatternRecognizer.analyze
    patterns: list[Any] = recognizer.patterns if is_plain else []  # type: ignore[attr-defined]
    if not patterns or any(pattern.compiled_regex is None for pattern in patterns):
        return list(recognizer.analyze(text, [], _NO_TOKENS))
    assert isinstance(recognizer, PatternRecognizer)
    made = []
    for pattern in patterns:
        try:
            for match in pattern.compiled_regex.finditer(text, timeout=REGEX_TIMEOUT_SECONDS):
                score = _score(recognizer, match[0], pattern.score)
                if score > EntityRecognizer.MIN_SCORE:
                    made.append(result_of(recognizer, match.start(), match.end(), score))
        except TimeoutError:
            continue
    return distinct(made)


def _score(recognizer: PatternRecognizer, value: str, score: float) -> float:
    if not value:
        return EntityRecognizer.MIN_SCORE
    is_valid = recognizer.validate_result(value)
    if is_valid is not None:
        score = EntityRecognizer.MAX_SCORE if is_valid else EntityRecognizer.MIN_SCORE
    return EntityRecognizer.MIN_SCORE if recognizer.invalidate_result(value) else score


def result_of(
    recognizer: EntityRecognizer, start: int, end: int, score: float
) -> RecognizerResult:  # fmt: skip
    """Make a finding of a recognizer's first kind, as it would itself."""
    return RecognizerResult(
        recognizer.supported_entities[0], start, end, score,
        recognition_metadata={
            RecognizerResult.RECOGNIZER_NAME_KEY: str(recognizer.name),  # type: ignore[has-type]
            RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: recognizer.id,
        },
    )  # fmt: skip


def distinct(results: list[RecognizerResult]) -> list[RecognizerResult]:
    """Do what ``remove_duplicates`` does, for a few at once without all it makes for many.

    None of them may have a score of zero.
    """
    if len(results) < 2:
        return results
    if len(results) > FEW:
        return EntityRecognizer.remove_duplicates(results)
    kept: list[RecognizerResult] = []
    for one in sorted(results, key=lambda r: (r.entity_type, r.start, -r.end, -r.score)):
        if not any(
            one.entity_type == other.entity_type and one.end <= other.end
            and one.score <= other.score for other in kept
        ):  # fmt: skip
            kept.append(one)
    return kept
