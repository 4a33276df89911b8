"""Texts of ASCII through the compiled model, and the table of the words that it has read."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from greenroom.data.ner.features import COLUMNS

MOST_TOKENS = 8192
"""Octets of a text that is taken: each may be a word."""
MOST_ROUNDS = 4
"""Times that a text is read: again after words have been learnt, or others have displaced them."""
FIRST_PLACES, MOST_PLACES = 1 << 13, 1 << 18
"""Places of the table at first, and at most; half of them are filled."""


class Reader:
    """Finds in texts what the model finds; words come into the table as they are first seen."""

    def __init__(
        self, kernels: Any, weights: Any, scale: Any, transitions: Any,
        numbers_of: Callable[[str], tuple[int, ...]],
    ) -> None:  # fmt: skip
        self._kernels, self._numbers_of = kernels, numbers_of
        steps = np.zeros((len(transitions), kernels.LANES), np.float32)
        steps[:, : len(transitions)] = transitions
        self._model = (kernels.packed(weights), float(scale), steps, kernels.reach_of(steps))
        self._room = kernels.new_room(MOST_TOKENS, len(steps))
        self._nothing = np.zeros((0, COLUMNS), np.uint64)
        self._mutex = threading.Lock()
        self._clear(FIRST_PLACES)

    def _clear(self, places: int) -> None:
        self._table = (
            np.zeros((places, self._kernels.KEY_WORDS), np.uint64),
            np.zeros((places, COLUMNS), np.uint32),
        )
        self._count = 0

    def takes(self, text: str) -> bool:
        """Whether a text can be read here."""
        return len(text) <= MOST_TOKENS and text.isascii()

    def find(self, text: str) -> list[tuple[int, int, int]] | None:
        """Give the number of the kind, start and end of everything found, in order.

        None for a text whose words the table cannot hold together.
        """
        octets = np.frombuffer(text.encode(), np.uint8)
        found = np.empty((len(text), 3), np.int32)
        longs = self._nothing
        for _ in range(MOST_ROUNDS):
            count, unknown = self._kernels.find(
                octets, *self._table, longs, self._model, self._room, found
            )
            if not unknown:
                return [tuple(row) for row in found[:count].tolist()] if count else []
            longs = self._learn(text, octets, found[:unknown])
        return None

    def _learn(self, text: str, octets: Any, missing: Any) -> Any:
        """Put words into the table; give the numbers of those that are too long for it."""
        spans = missing.tolist()
        made = [self._numbers_of(text[start:end]) for _, start, end in spans]
        numbers = np.array(made, np.uint64)
        with self._mutex:
            while 2 * (self._count + len(made)) >= len(self._table[0]):
                if not self._grow():
                    break
            if 2 * (self._count + len(made)) < len(self._table[0]):
                self._count += self._kernels.put(octets, missing, numbers, *self._table)
        longs = [place for place, (is_long, _, _) in enumerate(spans) if is_long]
        return numbers[longs] if longs else self._nothing

    def _grow(self) -> bool:
        """Make more places, or begin anew; whether there is room for more now."""
        if len(self._table[0]) >= MOST_PLACES:
            is_full = self._count > 0
            self._clear(len(self._table[0]))
            return is_full
        old, count = self._table, self._count
        self._clear(len(old[0]) * 4)
        self._kernels.move(*old, *self._table)
        self._count = count
        return True


def new_reader(
    weights: Any, scale: Any, transitions: Any, numbers_of: Callable[[str], tuple[int, ...]]
) -> Reader | None:
    """Give one; None where there is no numba, or nowhere to keep what it compiles."""
    try:
        from greenroom.data.kernels import tagging
    except (ImportError, RuntimeError):
        return None
    return Reader(tagging, weights, scale, transitions, numbers_of)
