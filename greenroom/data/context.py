"""The words before a finding, read as Presidio's enhancer reads them, but only where they count.

A word that speaks for a finding (``call`` before digits) is rare. Where none is in the text at all
nothing is read; else only the words close by, cut by spaCy, each once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import spacy
from presidio_analyzer.context_aware_enhancers import LemmaContextAwareEnhancer

LANGUAGE = "en"
NEAR_CHARACTERS, AFTER_CHARACTERS = (80, 300), 40
"""Characters that are read before a place, first and where that was too little, and behind it."""
MEMORY = 50_000
MOST_WORDS = 300_000
"""Words that one tokenizer may have seen: spaCy keeps every one of them for ever."""
_SPACE = re.compile(r"\s")
_PARTS = re.compile(r"\s+|\S+")
_PLAIN = re.compile(r"([A-Za-zÀ-ÖØ-öø-ž]+|[0-9]+)((?<=[a-z])[.,!?:])?")

Token = tuple[int, int, str, bool]
"""Where a word begins, its length, the word in lower case, and whether it never counts."""


class _Tokenizer:
    """Cuts words between spaces as spaCy does, without keeping all it ever saw."""

    def __init__(self) -> None:
        self._nlp = spacy.blank(LANGUAGE)
        self._exceptions: Any = self._nlp.tokenizer.rules  # type: ignore[union-attr]
        self._stops = self._nlp.Defaults.stop_words
        self._never_plain = {word.lower() for word in self._exceptions} | self._stops | {"be"}
        self.cut = lru_cache(MEMORY)(self._cut)

    def is_plain(self, word: str) -> bool:
        """Whether a word, in lower case, is one token that counts, in whatever case it came."""
        return word.isascii() and word.isalpha() and word not in self._never_plain

    def is_stop(self, word: str) -> bool:
        """Whether a word is one token that never counts."""
        return word in self._stops and word not in self._exceptions

    def _cut(self, word: str) -> tuple[Token, ...]:
        plain = _PLAIN.fullmatch(word)
        if plain and word not in self._exceptions and plain[1] not in self._exceptions:
            lower = plain[1].lower()
            first = (0, len(lower), lower, lower in self._stops)
            return (first, (len(lower), 1, plain[2], True)) if plain[2] else (first,)
        if len(self._nlp.vocab.strings) > MOST_WORDS:
            self._nlp = spacy.blank(LANGUAGE)
        return tuple(
            (token.idx, len(token), token.lower_, token.is_stop or token.is_punct)
            for token in self._nlp.make_doc(word)
        )


_TOKENIZERS: list[_Tokenizer] = []


def _tokenizer() -> _Tokenizer:
    if not _TOKENIZERS:
        _TOKENIZERS.append(_Tokenizer())
    return _TOKENIZERS[0]


@lru_cache(100)
def _apart(wanted: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Tell words that count from those that never do by themselves."""
    is_stop = _tokenizer().is_stop
    return tuple(w for w in wanted if not is_stop(w)), tuple(filter(is_stop, wanted))


class Context:
    """What speaks for the findings of one text."""

    def __init__(
        self, text: str, engine: Any, enhancer: LemmaContextAwareEnhancer, others: Sequence[str]
    ) -> None:
        self._text, self._engine, self._enhancer = text, engine, enhancer
        self._others = [word.lower() for word in others]
        self._lower = ""
        self._all: Any = None

    def speaks_for(self, start: int, wanted: Sequence[str]) -> bool:
        """Whether a wanted word is near a place, or among the words that came with the text."""
        if self._others and self._supports(self._others, wanted):
            return True
        wanted = self._that_count(wanted)
        if not any(word in self._lower for word in wanted):
            return False
        near = self._is_near(start, wanted)
        return self._supports(self._words_near(start), wanted) if near is None else near

    def may_speak(self, wanted: Sequence[str]) -> bool:
        """Whether a wanted word is in the text at all, or among those that came with it."""
        if self._others:
            return True
        wanted = self._that_count(wanted)
        return any(word in self._lower for word in wanted)

    def _that_count(self, wanted: Sequence[str]) -> Sequence[str]:
        """Leave out the words that never count in this text: spaCy takes ``call`` for a filler."""
        self._lower = self._lower or self._text.lower()
        counting, never = _apart(tuple(wanted))
        if ":" in self._lower and any(
            f":{word}" in self._lower or f"{word}:" in self._lower for word in never
        ):
            return wanted  # a part of another word does
        return counting

    def _is_near(self, start: int, wanted: Sequence[str]) -> bool | None:
        """Whether a wanted word is so near that it counts; None where words must be cut to tell."""
        end = start + AFTER_CHARACTERS
        if ":" in self._lower[start:end] or any(word in self._lower[start:end] for word in wanted):
            return None
        if not self._lower[start].isdigit() and not self._lower[start + 1 : start + 2].isdigit():
            return None
        last = max(self._lower.rfind(word, 0, start) for word in wanted)
        if last < 0:
            return False
        first, *between = self._lower[last:start].split()
        tokenizer, most = _tokenizer(), self._enhancer.context_prefix_count
        if sum(map(tokenizer.is_plain, between[:-1])) > most:
            return False
        begins = last == 0 or self._lower[last - 1].isspace()
        if not begins or self._lower[last:start] != " ".join([first, *between, ""]):
            return None
        spoken = first.rstrip(".,:")
        between = [word.rstrip(".,:") for word in between]
        count = sum(map(tokenizer.is_plain, between))
        if count + sum(map(tokenizer.is_stop, between)) < len(between) or count > most - 1:
            return None
        return True if spoken in wanted and tokenizer.is_plain(spoken) else None

    def _supports(self, words: list[str], wanted: Sequence[str]) -> bool:
        enhancer = self._enhancer
        found = enhancer._find_supportive_word_in_context(
            words, list(wanted), enhancer.context_matching_mode
        )
        return bool(found)

    def _words_near(self, start: int) -> list[str]:
        if self._all is None:
            for characters in NEAR_CHARACTERS:
                near = self._read_near(start, characters)
                if near is not None:
                    return near
            self._all = self._engine.process_text(self._text, LANGUAGE)
        words: list[str] = self._enhancer._extract_surrounding_words(
            nlp_artifacts=self._all, word="", start=start
        )
        return words

    def _read_near(self, start: int, characters: int) -> list[str] | None:
        """Read the words close by; None where the whole text must be read."""
        first = max(0, start - characters)
        space = _SPACE.search(self._text, first) if first else None
        first = space.end() if space else 0
        space = _SPACE.search(self._text, start + AFTER_CHARACTERS)
        last = space.start() if space else len(self._text)
        tokens = list(self._cut(first, last))
        here = next((i for i, t in enumerate(tokens) if start < t[0] + t[1]), None)
        if here is None or (":" in self._text and any(map(self._may_be_part, tokens))):
            return None
        counted = [(i, t[2]) for i, t in enumerate(tokens) if not t[3] and _counts(t[2])]
        before = [word for i, word in counted if i <= here]
        after = [word for i, word in counted if i >= here]
        most = self._enhancer.context_prefix_count + 1
        if (first and len(before) < most) or (last < len(self._text) and not after):
            return None
        return before[-most:] + after[:1]  # the enhancer always takes one word after as well

    def _cut(self, first: int, last: int) -> Iterator[Token]:
        cut = _tokenizer().cut
        for match in _PARTS.finditer(self._text, first, last):
            part, at = match.group(), match.start()
            if not part.isspace():
                for start, length, lower, is_filler in cut(part):
                    yield at + start, length, lower, is_filler
                continue
            skipped = int(at > first and part[0] == " ")  # one blank belongs to the word before
            if len(part) > skipped:
                yield at + skipped, len(part) - skipped, part[skipped:], False

    def _may_be_part(self, token: Token) -> bool:
        """Whether a word that does not count may do so as a part of another, as in ``call:3``."""
        word = token[2]
        return (token[3] or not _counts(word)) and (
            f":{word}" in self._lower or f"{word}:" in self._lower
        )


def _counts(word: str) -> bool:
    return ":" not in word and word != "be"
