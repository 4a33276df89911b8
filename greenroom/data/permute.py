"""Keyed functions that a pseudonym is made with: a pseudo-random number, and a permutation.

Sources: BLAKE2 (RFC 7693) with its key; Feistel networks on any domain with cycle walking, Black
and Rogaway, "Ciphers with Arbitrary Finite Domains" (2002).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

ROUNDS = 8


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

    def once(number: int) -> int:
        left, right = number >> right_bits, number & right_mask
        for step in range(ROUNDS):
            if step % 2 == 0:
                left ^= keyed.number(f"{size}:{step}:{right}") & left_mask
            else:
                right ^= keyed.number(f"{size}:{step}:{left}") & right_mask
        return left << right_bits | right

    def permute(number: int) -> int:
        if not 0 <= number < size:
            raise ValueError("the number is outside of what is permuted")
        number = once(number)
        while number >= size:  # walk the cycle until it is inside again
            number = once(number)
        return number

    return permute
