"""Fakes of what was found in a text, all in one call: each by itself costs more in Python."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numba import int64

from greenroom.data.kernels.batches import MARGIN
from greenroom.data.kernels.hashing import Octets, entry
from greenroom.data.kernels.letters import LEFT
from greenroom.data.kernels.tables import WORK, Known, make_tables
from greenroom.data.kernels.values import mask_value
from greenroom.data.ops import names
from greenroom.data.pseudonyms import Pseudonyms

ROOM, MOST = 1 << 16, 256
"""Octets of what is asked for at once, and how many; what is more is left."""


@entry
def make_fakes(
    src: Octets, asks: Any, count: int, t: Any, work: Octets, out: Octets, ends: Any
) -> None:
    """Write a fake for each original; ``asks`` says where it ends, and by which function.

    ``ends`` gets where each fake ends, or LEFT.
    """
    start, o = int64(0), int64(0)
    for number in range(count):
        end, which = asks[number, 0], asks[number, 1]
        made = int64(LEFT)
        if which >= 0 and o + (end - start) + MARGIN < out.size:
            made = int64(mask_value(src, start, end, which, t, work, out, o))
        ends[number] = made
        o = max(o, made)
        start = end


class Fakes:
    """Makes fakes by kind of what was found."""

    def __init__(self, pseudonyms: Pseudonyms, known: Known, methods: Mapping[str, str]) -> None:
        ops = names(list(methods), methods)
        has_kernel = dict(zip(methods, (op is not None for op in ops), strict=True))
        self._which = {kind: at if has_kernel[kind] else -1 for at, kind in enumerate(methods)}
        self._tables = make_tables(pseudonyms, known, ops, {}, is_binary=False)
        self._rooms = threading.local()

    def __call__(self, originals: Sequence[tuple[str, str]]) -> list[str | None]:
        """Give a fake for each kind and original; None for what is left to the plain functions."""
        octets = [original.encode("utf-8", "surrogatepass") for _, original in originals]
        count, size = len(octets), sum(map(len, octets))
        if not 0 < count <= MOST or size > ROOM // 2:
            return [None] * count
        source, asks, work, out, ends = self._room()
        source[:size] = np.frombuffer(b"".join(octets), np.uint8)
        asks[:count, 0] = list(accumulate(map(len, octets)))
        asks[:count, 1] = [self._which.get(kind, -1) for kind, _ in originals]
        make_fakes(source, asks, count, self._tables, work, out, ends)
        made, last = list[str | None](), 0
        for stop in ends[:count].tolist():
            if stop < 0:
                made.append(None)
                continue
            made.append(out[last:stop].tobytes().decode())
            last = stop
        return made

    def _room(self) -> tuple[Any, Any, Any, Any, Any]:
        if not hasattr(self._rooms, "made"):
            self._rooms.made = (
                np.zeros(ROOM, np.uint8), np.zeros((MOST, 2), np.int64), np.zeros(WORK, np.uint8),
                np.zeros(2 * ROOM, np.uint8), np.zeros(MOST, np.int64),
            )  # fmt: skip
        made: tuple[Any, Any, Any, Any, Any] = self._rooms.made
        return made
