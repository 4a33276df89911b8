"""The keyed function, compiled. Twin: ``greenroom.data.siphash``."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import uint64

from greenroom.data.kernels import sharing as sharing  # before anything is compiled

Octets = Any
"""An array of ``uint8``."""
njit: Any = numba.njit
_PLAIN: dict[str, Any] = {"nogil": True, "boundscheck": False, "_nrt": False}
"""Nothing is allocated within, so no references are counted: that was most of the time."""
entry: Any = njit(cache=True, **_PLAIN)
"""For what Python calls: compiled once for a home."""
inner: Any = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **_PLAIN)
"""For what compiled code calls."""
inlined: Any = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True, **_PLAIN)
"""For what is a few instructions."""
_A, _B, _C, _D = (
    np.uint64(n)
    for n in (0x736F6D6570736575, 0x646F72616E646F6D ^ 0xEE, 0x6C7967656E657261, 0x7465646279746573)
)
_LAST, _TURN = np.uint64(0xEE), np.uint64(0xDD)


@inlined
def _turned(word: Any, bits: int) -> Any:
    return (word << uint64(bits)) | (word >> uint64(64 - bits))


@inlined
def _round(a: Any, b: Any, c: Any, d: Any) -> Any:
    a += b
    b = _turned(b, 13) ^ a
    a = _turned(a, 32)
    c += d
    d = _turned(d, 16) ^ c
    a += d
    d = _turned(d, 21) ^ a
    c += b
    b = _turned(b, 17) ^ c
    c = _turned(c, 32)
    return a, b, c, d


@inner
def siphash(first: Any, second: Any, octets: Octets, count: int) -> Any:
    """Give the low and the high 64 bits for the first ``count`` octets."""
    a, b, c, d = first ^ _A, second ^ _B, first ^ _C, second ^ _D
    whole = count & ~7
    for at in range(uint64(0), uint64(whole), uint64(8)):
        word = uint64(0)
        for n in range(uint64(8)):
            word |= uint64(octets[at + n]) << (n * uint64(8))
        d ^= word
        a, b, c, d = _round(a, b, c, d)
        a, b, c, d = _round(a, b, c, d)
        a ^= word
    word = uint64(count & 255) << uint64(56)
    for n in range(uint64(count - whole)):
        word |= uint64(octets[uint64(whole) + n]) << (n * uint64(8))
    d ^= word
    a, b, c, d = _round(a, b, c, d)
    a, b, c, d = _round(a, b, c, d)
    a ^= word
    c ^= _LAST
    for _ in range(4):
        a, b, c, d = _round(a, b, c, d)
    low = a ^ b ^ c ^ d
    b ^= _TURN
    for _ in range(4):
        a, b, c, d = _round(a, b, c, d)
    return low, a ^ b ^ c ^ d


@entry
def hashed(first: Any, second: Any, octets: Octets, count: int) -> Any:
    """Give ``siphash`` to Python."""
    return siphash(first, second, octets, count)
