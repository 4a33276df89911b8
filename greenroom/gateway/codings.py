"""Content codings of a body, undone and done again piece by piece."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any, Protocol

import brotli
import zstandard

GZIP_BITS, ZLIB_BITS, RAW_BITS = 31, 15, -15
"""Source: zlib manual, inflateInit2 and deflateInit2, windowBits."""
PIECE = 1024
"""Octets that are undone at once: a few may stand for many."""
MOST = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"


class Broken(Exception):
    """The body is not what its coding says."""


class Coding(Protocol):
    """One body's coding."""

    def undo(self, data: bytes) -> Iterator[bytes]:
        """Give the plain octets of some coded ones. Errors: Broken."""

    def do(self, data: bytes) -> bytes:
        """Give the coded octets of some plain ones."""

    def flush(self) -> bytes:
        """Give what is held back, for a reader who waits."""

    def end(self) -> bytes:
        """Give the end of the coded body."""


class Identity:
    """No coding."""

    def undo(self, data: bytes) -> Iterator[bytes]:
        """Give the octets as they are."""
        yield data

    def do(self, data: bytes) -> bytes:
        """Give the octets as they are."""
        return data

    def flush(self) -> bytes:
        """Hold nothing back."""
        return b""

    def end(self) -> bytes:
        """Add nothing."""
        return b""


class Deflated:
    """``gzip`` and ``deflate``; the latter with zlib's frame or, as some servers send it, bare."""

    def __init__(self, bits: int) -> None:
        self._bits, self._is_begun = bits, False
        self._reader = zlib.decompressobj(bits)
        self._writer: Any = None

    def undo(self, data: bytes) -> Iterator[bytes]:
        """Inflate; several gzip members in a row are one body."""
        while data:
            try:
                plain = self._reader.decompress(data, MOST)
            except zlib.error as error:
                if self._is_begun or self._bits != ZLIB_BITS:
                    raise Broken from error
                self._bits = RAW_BITS
                self._reader = zlib.decompressobj(RAW_BITS)
                continue
            self._is_begun = True
            if plain:
                yield plain
            data = self._reader.unconsumed_tail
            if self._reader.eof:
                data = self._reader.unused_data
                if not data.startswith(GZIP_MAGIC):
                    return
                self._reader = zlib.decompressobj(self._bits)

    def do(self, data: bytes) -> bytes:
        """Deflate, in the same frame."""
        if self._writer is None:
            self._writer = zlib.compressobj(4, zlib.DEFLATED, self._bits)
        coded: bytes = self._writer.compress(data)
        return coded

    def flush(self) -> bytes:
        """End the block."""
        coded: bytes = b"" if self._writer is None else self._writer.flush(zlib.Z_SYNC_FLUSH)
        return coded

    def end(self) -> bytes:
        """Write the trailer."""
        coded: bytes = self.do(b"") + self._writer.flush()
        return coded


class Brotli:
    """``br``."""

    def __init__(self) -> None:
        self._reader, self._writer = brotli.Decompressor(), brotli.Compressor(quality=4)

    def undo(self, data: bytes) -> Iterator[bytes]:
        """Decode."""
        try:
            for at in range(0, len(data), PIECE):
                yield self._reader.process(data[at : at + PIECE])
        except brotli.error as error:
            raise Broken from error

    def do(self, data: bytes) -> bytes:
        """Encode."""
        coded: bytes = self._writer.process(data)
        return coded

    def flush(self) -> bytes:
        """End the block."""
        coded: bytes = self._writer.flush()
        return coded

    def end(self) -> bytes:
        """Write the last block."""
        coded: bytes = self._writer.finish()
        return coded


class Zstandard:
    """``zstd``."""

    def __init__(self) -> None:
        self._reader = zstandard.ZstdDecompressor().decompressobj()
        self._writer = zstandard.ZstdCompressor(level=3).compressobj()

    def undo(self, data: bytes) -> Iterator[bytes]:
        """Decode the first frame; what follows it is padding."""
        try:
            for at in range(0, len(data), PIECE):
                if self._reader.eof:
                    return
                yield self._reader.decompress(data[at : at + PIECE])
        except zstandard.ZstdError as error:
            raise Broken from error

    def do(self, data: bytes) -> bytes:
        """Encode."""
        return self._writer.compress(data)

    def flush(self) -> bytes:
        """End the block."""
        return self._writer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)

    def end(self) -> bytes:
        """End the frame."""
        return self._writer.flush()


def coding_of(name: str) -> Coding | None:
    """Give the coding that ``Content-Encoding`` names, None for one that we do not speak."""
    match name.strip().lower():
        case "" | "identity":
            return Identity()
        case "gzip" | "x-gzip":
            return Deflated(GZIP_BITS)
        case "deflate":
            return Deflated(ZLIB_BITS)
        case "br":
            return Brotli()
        case "zstd":
            return Zstandard()
    return None
