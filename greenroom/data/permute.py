"""Keyed functions that a pseudonym is made with: a pseudo-random number, and a permutation.

Sources: BLAKE2 (RFC 7693) with its key; Feistel networks on any domain with cycle walking, Black
and Rogaway, "Ciphers with Arbitrary Finite Domains" (2002).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

ROUNDS = 8
MOST_TRIES = 8
"""Permutations tried for a number that nobody has."""
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


class Permutation:
    """A keyed permutation of ``range(size)``: no two numbers become the same.

    ``salt`` gives others of the same key and size.
    """

    def __init__(self, keyed: Keyed, size: int, salt: int = 0) -> None:
        self._size = size
        bits = max(2, (size - 1).bit_length())
        left_bits = bits // 2
        self._right_bits = bits - left_bits
        self._left_mask, self._right_mask = (1 << left_bits) - 1, (1 << self._right_bits) - 1
        first = salt * ROUNDS
        steps = [keyed.prefixed(f"{size}:{first + step}:") for step in range(ROUNDS)]
        self._pairs = list(zip(steps[::2], steps[1::2], strict=True))
        self._undone = self._pairs[::-1]

    def __call__(self, number: int) -> int:
        """Give another number of the range."""
        return self._walk(self._once, number)

    def inverse(self, number: int) -> int:
        """Give the number that becomes this one."""
        return self._walk(self._back, number)

    def _walk(self, step: Callable[[int], int], number: int) -> int:
        if not 0 <= number < self._size:
            raise ValueError("the number is outside of what is permuted")
        if self._size <= 1:
            return number
        number = step(number)
        while number >= self._size:  # walk the cycle until it is inside again
            number = step(number)
        return number

    def _once(self, number: int) -> int:
        left, right = number >> self._right_bits, number & self._right_mask
        for even, odd in self._pairs:
            left ^= even(str(right)) & self._left_mask
            right ^= odd(str(left)) & self._right_mask
        return left << self._right_bits | right

    def _back(self, number: int) -> int:
        left, right = number >> self._right_bits, number & self._right_mask
        for even, odd in self._undone:
            right ^= odd(str(left)) & self._right_mask
            left ^= even(str(right)) & self._left_mask
        return left << self._right_bits | right


class Apart:
    """Permutes the numbers of a range so that none of some known ones comes out.

    A number whose image is known takes its image by the next of some permutations. It leaves an
    image to another when any of these gives it to another known number, so that two known numbers
    never become the same, whichever of them is asked first.
    """

    def __init__(self, keyed: Keyed, size: int) -> None:
        self._tries = [Permutation(keyed, size, salt) for salt in range(MOST_TRIES)]

    def __call__(self, number: int, is_known: Callable[[int], bool]) -> int | None:
        """Give a number that is not known; None where too many are."""
        made = self._tries[0](number)
        if not is_known(made):
            return made
        for permute in self._tries[1:]:
            made = permute(number)
            if is_known(made):
                continue
            others = (other.inverse(made) for other in self._tries)
            if not any(is_known(other) for other in others if other != number):
                return made
        return None
