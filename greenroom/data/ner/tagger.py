"""The model at work: names, addresses and places in a text, each with where it stands."""

from __future__ import annotations

import hashlib
import zlib
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from greenroom.data.ner.features import COLUMNS, TOKEN, best_path, compiled, numbers_of, scores_of
from greenroom.data.ner.lists import lists_of
from greenroom.data.ner.reader import Reader, new_reader

KINDS = (
    "PERSON", "ADDRESS", "LOCATION", "ORGANIZATION", "DATE_TIME", "AGE", "NATIONALITY", "TITLE",
    "PHONE_NUMBER", "URL",
)  # fmt: skip
LABELS = ("O", *(f"{way}-{kind}" for kind in KINDS for way in "BI"))
MODEL = Path(__file__).with_name("model.npz")
MEMORY = 200_000


class Tagger:
    """Labels the words of texts."""

    def __init__(self, weights: Any, scale: Any, transitions: Any, words: Any) -> None:
        self.weights, self.scale, self._transitions = weights, scale, transitions
        self._words = frozenset(words.tolist())
        self._numbers = lru_cache(MEMORY)(self._read)
        self._decode, self._score = compiled(best_path), compiled(scores_of)
        self._reader: Reader | None = new_reader(weights, scale, transitions, self._numbers_of)

    def is_word(self, word: str) -> bool:
        """Whether a word is one of the language, as far as the model knows."""
        return zlib.crc32(word.lower().encode()) in self._words

    def _numbers_of(self, word: str) -> tuple[int, ...]:
        return numbers_of(word, lists_of(word, self.is_word(word)))

    def _read(self, word: str) -> bytes:
        return np.array(self._numbers_of(word), dtype=np.uint64).tobytes()

    def find(self, text: str) -> list[tuple[str, int, int]]:
        """Give kind, start and end of everything found, in order."""
        reader = self._reader
        made = reader.find(text) if reader is not None and reader.takes(text) else None
        if made is None:
            return self.find_plainly(text)
        return [(KINDS[kind], start, end) for kind, start, end in made]

    def find_plainly(self, text: str) -> list[tuple[str, int, int]]:
        """Find the same in any text."""
        tokens = list(TOKEN.finditer(text))
        if not tokens:
            return []
        octets = b"".join([self._numbers(token[0]) for token in tokens])
        numbers = np.frombuffer(octets, dtype=np.uint64).reshape(-1, COLUMNS)
        scores = self._score(numbers, self.weights, self.scale)
        path = self._decode(scores, self._transitions)
        found: list[tuple[str, int, int]] = []
        for at in np.flatnonzero(path).tolist():
            label, (start, end) = int(path[at]), tokens[at].span()
            kind = KINDS[(label - 1) // 2]
            is_break = text.startswith("\n\n", start)
            if label % 2 or not found or found[-1][0] != kind or is_break:
                found.append((kind, start, end))
            else:
                found[-1] = (kind, found[-1][1], end)
        return found


@cache
def load_tagger() -> Tagger:
    """Load the model that Greenroom ships."""
    with np.load(MODEL, allow_pickle=False) as kept:
        return Tagger(kept["weights"], kept["scale"], kept["transitions"], kept["words"])


@cache
def model_hash() -> str:
    """Give the hash of the model's file: it goes into each report."""
    return hashlib.sha256(MODEL.read_bytes()).hexdigest()
