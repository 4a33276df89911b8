"""Values of COPY, one a line, looked up whole among what is sought."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import uint8, uint64

from greenroom.data.kernels.hashing import Octets, entry
from greenroom.data.kernels.letters import holds

SHORTEST = 8
"""Octets of a value that can be one: see ``greenroom.data.verify``."""
BASIS, PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
"""Source: FNV-1a of 64 bits. No secret is kept by it: what it finds is looked up in full."""


@entry
def scan_lines(octets: Octets, count: int, table: Any, found: Any) -> Any:
    """Mark every line up to its first stroke, without case; give lines, and how many are found.

    ``found`` gets where those stand that ``table`` has.
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
        if at - start >= SHORTEST and holds(table, mark) >= 0:
            found[hits, 0], found[hits, 1] = start, at
            hits += 1
        lines += 1
        start, mark, is_open = at + 1, BASIS, True
    return lines, hits


class Lines:
    """Finds the lines that may be one of some values, by a table of their marks."""

    def __init__(self, table: Any) -> None:
        self._table = table
        self._room = np.zeros((1, 2), np.int64)

    def __call__(self, block: bytes) -> tuple[int, list[bytes]]:
        """Count the lines of a block; give those that may be one of the values."""
        most = len(block) // SHORTEST + 1
        if len(self._room) < most:
            self._room = np.zeros((most, 2), np.int64)
        octets = np.frombuffer(block, np.uint8)
        lines, hits = scan_lines(octets, octets.size, self._table, self._room)
        return int(lines), [block[start:end] for start, end in self._room[:hits].tolist()]
