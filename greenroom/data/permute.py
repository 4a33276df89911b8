"""Keyed functions that a pseudonym is made with: a pseudo-random number, and a permutation.

Sources: BLAKE2 (RFC 7693) with its key; Feistel networks on any domain with cycle walking, Black
and Rogaway, "Ciphers with Arbitrary Finite Domains" (2002).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

ROUNDS = 8
_NO_SALT = b"\0\0"


class Keyed:
    """Pseudo-random numbers of values, told apart by what they are for."""

    def __init__(self, key: bytes, purpose: str) -> None:
        if len(key) < 16:
            raise ValueError("a key has at least 16 octets")
        self._base = hashlib.blake2b(
            purpose.encode()[:64], key=hashlib.blake2b(key, digest_size=32).digest(), digest_size=16
        )

    def number(self, value: str, salt: int = 0) -> int:
        """Give 128 bits for a value; ``salt`` gives others."""
        digest = self._base.copy()
        digest.update(salt.to_bytes(2, "big") + value.encode("utf-8", "surrogatepass"))
        return int.from_bytes(digest.digest(), "big")

    def prefixed(self, prefix: str) -> Callable[[str], int]:
        """Give ``number`` for values that begin alike: the beginning is hashed once."""
        base = self._base.copy()
        base.update(_NO_SALT + prefix.encode("utf-8", "surrogatepass"))

        def number(rest: str) -> int:
            digest = base.copy()
            digest.update(rest.encode("utf-8", "surrogatepass"))
            return int.from_bytes(digest.digest(), "big")

        return number

    def octets(self, value: str, count: int) -> bytes:
        """Give as many octets as are asked for."""
        made = b""
        while len(made) < count:
            made += self.number(value, 1 + len(made) // 16).to_bytes(16, "big")
        return made[:count]


def permutation(keyed: Keyed, size: int) -> Callable[[int], int]:
    """Give a keyed permutation of ``range(size)``: no two numbers become the same."""
    if size <= 1:
        return lambda number: number
    bits = max(2, (size - 1).bit_length())
    left_bits = bits // 2
    right_bits = bits - left_bits
    left_mask, right_mask = (1 << left_bits) - 1, (1 << right_bits) - 1

    steps = [keyed.prefixed(f"{size}:{step}:") for step in range(ROUNDS)]
    pairs = list(zip(steps[::2], steps[1::2], strict=True))

    def once(number: int) -> int:
        left, right = number >> right_bits, number & right_mask
        for even, odd in pairs:
            left ^= even(str(right)) & left_mask
            right ^= odd(str(left)) & right_mask
        return left << right_bits | right

    def permute(number: int) -> int:
        if not 0 <= number < size:
            raise ValueError("the number is outside of what is permuted")
        number = once(number)
        while number >= size:  # walk the cycle until it is inside again
            number = once(number)
        return number

    return permute
