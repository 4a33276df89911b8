"""The model at work: names, addresses and places in a text, each with where it stands."""

from __future__ import annotations

import hashlib
import zlib
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from greenroom.data.ner.features import TOKEN, best_path, compiled, numbers_of, rows_of
from greenroom.data.ner.lists import lists_of

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
        self._weights, self._scale, self._transitions = weights, scale, transitions
        self._words = frozenset(words.tolist())
        self._numbers = lru_cache(MEMORY)(self._read)
        self._decode, self._add = compiled(best_path), compiled(_add)

    def is_word(self, word: str) -> bool:
        """Whether a word is one of the language, as far as the model knows."""
        return zlib.crc32(word.lower().encode()) in self._words

    def _read(self, word: str) -> tuple[int, ...]:
        return numbers_of(word, lists_of(word, self.is_word(word)))

    def find(self, text: str) -> list[tuple[str, int, int]]:
        """Give kind, start and end of everything found, in order."""
        tokens = [(match.group(), match.start(), match.end()) for match in TOKEN.finditer(text)]
        if not tokens:
            return []
        numbers = np.array([self._numbers(word) for word, _, _ in tokens], dtype=np.uint64)
        emissions = self._add(self._weights, rows_of(numbers)) * self._scale
        path = self._decode(emissions, self._transitions)
        found: list[tuple[str, int, int]] = []
        for label, (word, start, end) in zip(path.tolist(), tokens, strict=True):
            if not label:
                continue
            kind = KINDS[(label - 1) // 2]
            if label % 2 or not found or found[-1][0] != kind or word.startswith("\n\n"):
                found.append((kind, start, end))
            else:
                found[-1] = (kind, found[-1][1], end)
        return found


def _add(weights: Any, rows: Any) -> Any:
    """Add up the weights of every word's rows. Shapes: (ROWS, l), (n, f), to (n, l)."""
    count, features = rows.shape
    labels = weights.shape[1]
    made = np.zeros((count, labels), dtype=np.float32)
    for at in range(count):
        for feature in range(features):
            row = rows[at, feature]
            for label in range(labels):
                made[at, label] += weights[row, label]
    return made


@cache
def load_tagger() -> Tagger:
    """Load the model that Greenroom ships."""
    with np.load(MODEL, allow_pickle=False) as kept:
        return Tagger(kept["weights"], kept["scale"], kept["transitions"], kept["words"])


@cache
def model_hash() -> str:
    """Give the hash of the model's file: it goes into each report."""
    return hashlib.sha256(MODEL.read_bytes()).hexdigest()
