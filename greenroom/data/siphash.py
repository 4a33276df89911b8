"""SipHash-2-4 with 128 bits: the keyed function that every pseudonym is drawn by.

Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), and its reference code for
the form with 128 bits. This is the plain twin of ``greenroom.data.kernels.hashing``, which takes
its place where the kernels are loaded.
"""

from __future__ import annotations

from collections.abc import Callable

MASK = (1 << 64) - 1


def siphash_plainly(first: int, second: int, octets: bytes) -> tuple[int, int]:
    """Give the low and the high 64 bits for some octets; the key is in two halves."""
    a, b = first ^ 0x736F6D6570736575, second ^ 0x646F72616E646F6D ^ 0xEE
    c, d = first ^ 0x6C7967656E657261, second ^ 0x7465646279746573
    whole = len(octets) & ~7
    last = int.from_bytes(octets[whole:], "little") | (len(octets) & 255) << 56
    words = [int.from_bytes(octets[at : at + 8], "little") for at in range(0, whole, 8)]
    for word in (*words, last):
        a, b, c, d = _round(*_round(a, b, c, d ^ word))
        a ^= word
    c ^= 0xEE
    for _ in range(4):
        a, b, c, d = _round(a, b, c, d)
    low = a ^ b ^ c ^ d
    b ^= 0xDD
    for _ in range(4):
        a, b, c, d = _round(a, b, c, d)
    return low, a ^ b ^ c ^ d


def _round(a: int, b: int, c: int, d: int) -> tuple[int, int, int, int]:
    a = a + b & MASK
    b = (b << 13 | b >> 51) & MASK ^ a
    a = (a << 32 | a >> 32) & MASK
    c = c + d & MASK
    d = (d << 16 | d >> 48) & MASK ^ c
    a = a + d & MASK
    d = (d << 21 | d >> 43) & MASK ^ a
    c = c + b & MASK
    b = (b << 17 | b >> 47) & MASK ^ c
    c = (c << 32 | c >> 32) & MASK
    return a, b, c, d


Hash = Callable[[int, int, bytes], tuple[int, int]]
_chosen: list[Hash] = [siphash_plainly]


def choose(function: Hash) -> None:
    """Put another function of the same values in place: the compiled one."""
    _chosen[0] = function


def siphash(first: int, second: int, octets: bytes) -> tuple[int, int]:
    """Give the low and the high 64 bits for some octets, by the fastest function there is."""
    return _chosen[0](first, second, octets)
