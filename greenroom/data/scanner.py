"""Presidio's findings at a fraction of its cost: an engine that asks only what can answer.

Every recognizer runs as Presidio would run it, but only on texts, or words of texts, that can hold
what it looks for; the words around a finding are read only where one of them could add to its
score. Plain Presidio stays the oracle: tests and a benchmark hold both against each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import regex
from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerResult
from presidio_analyzer.context_aware_enhancers import LemmaContextAwareEnhancer
from presidio_analyzer.predefined_recognizers import (
    CryptoRecognizer,
    IbanRecognizer,
    IpRecognizer,
    MacAddressRecognizer,
    UsSsnRecognizer,
)

from greenroom.data.asking import ask, distinct, result_of
from greenroom.data.cards import DatabaseCards
from greenroom.data.context import Context
from greenroom.data.identities import SCORE
from greenroom.data.kernels import flags
from greenroom.data.mails import DatabaseMails
from greenroom.data.numbers import is_plain
from greenroom.data.phones import DatabasePhones, Spans
from greenroom.data.strangers import Strangers, find_strangers, sieve_of

MEMORY = 50_000
"""Words whose findings are remembered: addresses and hosts come again and again."""


class _Gate:
    """Tells of most texts that a recognizer has nothing to find in them."""

    def __init__(self, pattern: str) -> None:
        self._plain = re.compile(pattern, re.ASCII).search
        # What a digit is beyond ASCII must be told by the library that Presidio uses.
        self._any = regex.compile(pattern, regex.IGNORECASE).search

    def opens(self, text: str, is_plain: bool) -> bool:
        """Whether the recognizer must be asked."""
        return (self._plain if is_plain else self._any)(text) is not None


_DIGIT = re.compile(r"\d")
_LETTERS = {
    ":": re.compile(r":(?::|[A-Fa-f]{1,4}:)"),
    "-": re.compile(r"-[A-Fa-f]{2}-"),
    ".": re.compile(r"\.[A-Fa-f]{4}(?<=[A-Fa-f]{4}\.[A-Fa-f]{4})\."),
}
"""What a pattern may match without a digit, by what must be there."""
_IN_WORDS: dict[type[EntityRecognizer], _Gate] = {
    DatabaseMails: _Gate("@"),
    IpRecognizer: _Gate(r"::|:[0-9A-Fa-f]{1,4}:|\.\d{1,3}\.\d{1,3}\.\d"),
    MacAddressRecognizer: _Gate(
        r"([:-])[0-9A-Fa-f]{2}\1|\.[0-9A-Fa-f]{4}(?<=[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4})\."
    ),
    CryptoRecognizer: _Gate(r"[13bB](?:(?<=[13])|[cC]1)\w{25}"),
}
"""Recognizers whose patterns hold no space."""
_IN_TEXT: dict[type[EntityRecognizer], tuple[int, _Gate]] = {
    DatabaseCards: (flags.CARD, _Gate(r"[1-6](?<!\w[1-6])\d{3}[ -]?\d{4}[ -]?\d{4}")),
    IbanRecognizer: (flags.IBAN, _Gate(r"[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]{4}){2}")),
    UsSsnRecognizer: (
        flags.LONG, _Gate(r"[0-9](?<!\w[0-9])[0-9]{2}[- .]?[0-9]{2}[- .]?[0-9]{4}\b"),
    ),
}  # fmt: skip
_PATTERNS = flags.EVERY & ~(flags.NAMES | flags.STREETS)
_ANCHOR = re.compile(r"[@:.-](?:(?<=@)|[0-9A-Fa-f:])|[13bB](?:(?<=[13])|[cC]1)\w{25}")
"""What a word has in which one of those without space may find something."""
_NO_TOKENS: Any = None
"""None of the recognizers here asks for tokens."""
_TAIL = re.compile(r"\S*")


class FastEngine(AnalyzerEngine):
    """An engine that finds what its parent finds.

    It knows recognizers without a model: patterns, and ours, which need no tokens.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        enhancer = self.context_aware_enhancer
        assert isinstance(enhancer, LemmaContextAwareEnhancer)
        self._enhancer = enhancer
        self._words: list[tuple[_Gate, EntityRecognizer]] = []
        self._texts: list[tuple[int, _Gate, EntityRecognizer]] = []
        self._phones: list[DatabasePhones] = []
        self._always: list[EntityRecognizer] = []
        self._strangers = False
        for recognizer in self.registry.recognizers:
            if type(recognizer) in _IN_WORDS:
                self._words.append((_IN_WORDS[type(recognizer)], recognizer))
            elif isinstance(recognizer, DatabasePhones):
                self._phones.append(recognizer)
            elif type(recognizer) is Strangers:
                self._strangers = True
            elif type(recognizer) in _IN_TEXT:
                self._texts.append((*_IN_TEXT[type(recognizer)], recognizer))
            else:
                self._always.append(recognizer)
        self._by_id = {recognizer.id: recognizer for recognizer in self.registry.recognizers}
        self._find_in_word = lru_cache(MEMORY)(self._ask_word)

    def find(self, text: str, entities: list[str], context: Sequence[str] = ()
             ) -> list[RecognizerResult]:  # fmt: skip
        """Find what ``analyze`` finds."""
        return self._find(text, entities, context, is_choosing=False)

    def find_to_choose(self, text: str, entities: list[str], context: Sequence[str] = ()
                       ) -> list[RecognizerResult]:  # fmt: skip
        """Find what matters where of findings that overlap the surest one is chosen.

        Names and numbers within one of the database's own people are not weighed: they would lose
        to it.
        """
        return self._find(text, entities, context, is_choosing=True)

    def _find(self, text: str, entities: list[str], context: Sequence[str], *, is_choosing: bool
              ) -> list[RecognizerResult]:  # fmt: skip
        seen, results = _seen(text), list[RecognizerResult]()
        for recognizer in self._always:
            results += recognizer.analyze(text, entities, _NO_TOKENS)
        known = [r for r in results if r.score == SCORE] if is_choosing else []
        spoken, found = None, list[RecognizerResult]()
        if seen & _PATTERNS:
            spoken = Context(text, self.nlp_engine, self._enhancer, context)
            found = self._patterns(text, seen)
        taken = _taken(known, found) if known else []
        if self._strangers and seen & (flags.NAMES | flags.STREETS):
            strangers = find_strangers(text, seen, taken)
            results += [one for one in strangers if one.entity_type in entities]
        if spoken is not None:
            if seen & (flags.CALL | flags.BARE):
                found += self._numbers(text, spoken, taken, seen)
            self._enhance(found, spoken)
            results += found
        return distinct([r for r in results if r.score >= self.default_score_threshold])

    def _patterns(self, text: str, seen: int) -> list[RecognizerResult]:
        found = [
            result_of(self._words[number][1], begin + start, begin + end, score)
            for begin, word in _words(text)
            for number, start, end, score in self._find_in_word(word)
        ] if seen & flags.WORDS else []  # fmt: skip
        plain = is_plain(text)
        for flag, gate, recognizer in self._texts:
            if seen & flag and gate.opens(text, plain):
                found += ask(recognizer, text)
        return found

    def _numbers(
        self, text: str, spoken: Context, taken: Spans, seen: int
    ) -> list[RecognizerResult]:  # fmt: skip
        found: list[RecognizerResult] = []
        for phones in self._phones:
            wanted = phones.context
            if not seen & flags.CALL and not spoken.may_speak(wanted):
                continue
            found += phones.analyze_fast(text, lambda at: spoken.speaks_for(at, wanted), taken)  # noqa: B023
        return found

    def _ask_word(self, word: str) -> tuple[tuple[int, int, int, float], ...]:
        return tuple(
            (number, found.start, found.end, found.score)
            for number, (gate, recognizer) in enumerate(self._words)
            if gate.opens(word, is_plain(word))
            for found in ask(recognizer, word)
        )

    def _enhance(self, results: list[RecognizerResult], spoken: Context) -> None:
        """Add to the score of findings beside words that speak for them."""
        enhancer = self._enhancer
        for result in results:
            key = result.recognition_metadata[RecognizerResult.RECOGNIZER_IDENTIFIER_KEY]
            wanted = self._by_id[key].context
            if not wanted or result.score >= EntityRecognizer.MAX_SCORE:
                continue
            if spoken.speaks_for(result.start, wanted):
                raised = result.score + enhancer.context_similarity_factor
                result.score = min(
                    max(raised, enhancer.min_score_with_context_similarity),
                    EntityRecognizer.MAX_SCORE,
                )


def _seen(text: str) -> int:
    """Give the flags of what could be in a text."""
    sieve = sieve_of(text)
    if sieve is not None:
        return sieve.flags(text)
    if _DIGIT.search(text) is not None:
        return flags.EVERY
    return flags.NAMES | flags.STREETS | (flags.WORDS if _may_match(text) else 0)


def _taken(known: list[RecognizerResult], found: list[RecognizerResult]) -> Spans:
    """Give the places of known people that nothing overlaps: they are sure to be chosen."""
    return [
        (one.start, one.end)
        for one in known
        if not any(
            other is not one and other.start < one.end and one.start < other.end
            for others in (known, found) for other in others
        )
    ]  # fmt: skip


def _may_match(text: str) -> bool:
    """Whether a text without digits may hold anything that a pattern finds."""
    return "@" in text or any(
        mark in text and form.search(text) is not None for mark, form in _LETTERS.items()
    )


def _words(text: str) -> Iterator[tuple[int, str]]:
    """Give the words in which something may be found, each with where it begins."""
    at = 0
    while (anchor := _ANCHOR.search(text, at)) is not None:
        start = anchor.start()
        before = text[text.rfind(" ", at, start) + 1 if " " in text[at:start] else at : start]
        if before and not before[-1].isspace():
            start -= len(before.split()[-1])
        tail = _TAIL.match(text, anchor.start())
        assert tail is not None
        at = tail.end()
        yield start, text[start:at]
