"""Values of COPY, one a line, looked up whole among what is sought."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import uint8, uint64

from greenroom.data.kernels.hashing import Octets, entry
from greenroom.data.kernels.letters import fill, holds

SHORTEST = 8
"""Octets of a value that can be one: see ``greenroom.data.verify``."""
BASIS, PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
"""Source: FNV-1a of 64 bits. No secret is kept by it: what it finds is looked up in full."""


@entry
def scan_lines(octets: Octets, count: int, table: Any, marks: Any, found: Any) -> Any:
    """Mark every line up to its first stroke, without case; give lines, and how many are found.

    ``marks``, where it has room, gets each line's; ``found`` where those stand that ``table`` has.
    """
    lines = hits = start = 0
    mark, is_open = BASIS, True
    for at in range(count):
        octet = octets[at]
        if octet != 10:
            is_open = is_open and octet != 47
            if is_open:
                if octet >= 65 and octet <= 90:
                    octet += uint8(32)
                mark = (mark ^ uint64(octet)) * PRIME
            continue
        mark |= uint64(1)
        if lines < marks.size:
            marks[lines] = mark
        if at - start >= SHORTEST and table.size > 1 and holds(table, mark) >= 0:
            found[hits, 0], found[hits, 1] = start, at
            hits += 1
        lines += 1
        start, mark, is_open = at + 1, BASIS, True
    return lines, hits


class Lines:
    """Finds the lines that may be one of some values."""

    def __init__(self, values: list[bytes]) -> None:
        nothing = np.zeros(1, np.uint64)
        marks = np.zeros(len(values), np.uint64)
        octets = np.frombuffer(b"\n".join(values) + b"\n", np.uint8)
        self._room = np.zeros((1, 2), np.int64)
        if values:
            scan_lines(octets, octets.size, nothing, marks, self._room)
        self._table = np.zeros(1 << (2 * len(values)).bit_length() if values else 1, np.uint64)
        fill(self._table, np.zeros(self._table.size, np.uint8), marks,
             np.zeros(marks.size, np.uint8))  # fmt: skip

    @classmethod
    def of_marks(cls, table: Any) -> Lines:
        """Give one for values that are marked already."""
        made = cls([])
        made._table = table
        return made

    def __call__(self, block: bytes) -> tuple[int, list[bytes]]:
        """Count the lines of a block; give those that may be one of the values."""
        most = len(block) // SHORTEST + 1
        if len(self._room) < most:
            self._room = np.zeros((most, 2), np.int64)
        octets = np.frombuffer(block, np.uint8)
        lines, hits = scan_lines(
            octets, octets.size, self._table, np.zeros(0, np.uint64), self._room
        )
        return int(lines), [block[start:end] for start, end in self._room[:hits].tolist()]
