"""In which parts a large file travels, so that its copy has the same ETag. Pure.

Source: Amazon S3 user guide, multipart upload limits; the ETag of one is the MD5 of its parts' MD5s
and their number.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable

MEBIBYTE = 1 << 20
LEAST_PART_BYTES = 5 * MEBIBYTE
PART_BYTES = 8 * MEBIBYTE
"""What the usual clients take; a file of up to this size goes whole."""
MOST_PARTS = 10_000
COPY_MOST_BYTES = 5 * 1024 * MEBIBYTE
"""Largest that a server copies at one stroke."""
_USUAL = (8, 5, 16, 15, 10, 20, 25, 32, 50, 64, 100, 128, 256, 512, 1024)


def part_bytes_for(size_bytes: int, etag: str) -> int:
    """Give the size of parts: the one that the original had, as far as its ETag shows."""
    count = etag.rpartition("-")[2]
    if "-" in etag and count.isdigit() and 0 < int(count) <= MOST_PARTS:
        for size in _USUAL:
            if math.ceil(size_bytes / (size * MEBIBYTE)) == int(count):
                return size * MEBIBYTE
        exact = math.ceil(size_bytes / int(count) / MEBIBYTE) * MEBIBYTE
        if exact >= LEAST_PART_BYTES:
            return exact
    size = PART_BYTES
    while math.ceil(size_bytes / size) > MOST_PARTS:
        size *= 2
    return size


def ranges(size_bytes: int, part_bytes: int) -> list[tuple[int, int, int]]:
    """Give ``(number from 1, start, length)`` of each part."""
    return [
        (n + 1, start, min(part_bytes, size_bytes - start))
        for n, start in enumerate(range(0, size_bytes, part_bytes))
    ]


def etag_of(chunks: Iterable[bytes], like: str) -> str:
    """Give the ETag of octets that come in parts as large as ``like``'s."""
    if "-" not in like:
        whole = hashlib.md5(usedforsecurity=False)
        for chunk in chunks:
            whole.update(chunk)
        return whole.hexdigest()
    digests = [hashlib.md5(chunk, usedforsecurity=False).digest() for chunk in chunks]
    return f"{hashlib.md5(b''.join(digests), usedforsecurity=False).hexdigest()}-{len(digests)}"
