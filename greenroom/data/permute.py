"""Keyed functions that a pseudonym is made with: a pseudo-random number, and a permutation.

Sources: SipHash (``greenroom.data.siphash``), its key made by BLAKE2 (RFC 7693); Feistel networks
on strings of digits, as in FF3-1 of NIST SP 800-38G: one half moves by what the other's hash says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from greenroom.data.siphash import siphash

ROUNDS = 8
"""Source: FF3-1."""
MOST_TRIES = 8
"""Permutations tried for a number that nobody has."""
DIGIT = 48
"""Code of the digit 0."""


class Keyed:
    """Pseudo-random numbers of values, told apart by what they are for."""

    def __init__(self, key: bytes, purpose: str) -> None:
        if len(key) < 16:
            raise ValueError("a key has at least 16 octets")
        key = hashlib.blake2b(key, digest_size=32).digest()
        made = hashlib.blake2b(purpose.encode()[:64], key=key, digest_size=16).digest()
        self.first, self.second = (int.from_bytes(half, "little") for half in (made[:8], made[8:]))

    def halves(self, value: str, salt: int = 0) -> tuple[int, int]:
        """Give two numbers of 64 bits for a value; ``salt`` gives others."""
        octets = salt.to_bytes(2, "big") + value.encode("utf-8", "surrogatepass")
        return siphash(self.first, self.second, octets)

    def number(self, value: str, salt: int = 0) -> int:
        """Give 128 bits for a value."""
        low, high = self.halves(value, salt)
        return high << 64 | low

    def octets(self, value: str, count: int) -> bytes:
        """Give as many octets as are asked for."""
        made = b""
        while len(made) < count:
            made += self.number(value, 1 + len(made) // 16).to_bytes(16, "little")
        return made[:count]


class Permutation:
    """A keyed permutation of strings of digits: no two of the same layout become the same.

    ``sizes`` says how many digits there are at each place; a string has the digits as octets.
    ``salt`` gives other permutations of the same key and layout.
    """

    def __init__(self, keyed: Keyed, sizes: bytes, salt: int = 0) -> None:
        self._keyed, self._sizes, self._salt = keyed, sizes, salt
        half = len(sizes) // 2
        self._halves = (range(half), range(half, len(sizes)))

    def __call__(self, digits: bytes) -> bytes:
        """Give another string of the layout."""
        return self._through(digits, range(ROUNDS), 1)

    def inverse(self, digits: bytes) -> bytes:
        """Give the string that becomes this one."""
        return self._through(digits, range(ROUNDS - 1, -1, -1), -1)

    def _through(self, digits: bytes, steps: range, sign: int) -> bytes:
        made = bytearray(digits)
        for step in steps:
            moved, still = self._halves if step % 2 == 0 else self._halves[::-1]
            said = bytes(made[at] for at in still)
            for count, at in enumerate(moved):
                if count % 16 == 0:
                    about = bytes((self._salt, step, count // 16 & 255, len(digits) & 255))
                    low, high = siphash(self._keyed.first, self._keyed.second, about + said)
                    stream = high << 64 | low
                share = (stream >> count % 16 * 8 & 255) * self._sizes[at] >> 8
                made[at] = (made[at] + sign * share) % self._sizes[at]
        return bytes(made)


class Apart:
    """Permutes numbers of some digits so that none of some known ones comes out.

    A number whose image is known takes its image by the next of some permutations. It leaves an
    image to another when any of these gives it to another known number, so that two known numbers
    never become the same, whichever of them is asked first.
    """

    def __init__(self, keyed: Keyed, count: int) -> None:
        self._tries = [Permutation(keyed, bytes([10]) * count, salt) for salt in range(MOST_TRIES)]

    def __call__(self, number: str, is_known: Callable[[str], bool]) -> str | None:
        """Give a number that is not known; None where too many are."""
        digits = bytes(ord(digit) - DIGIT for digit in number)
        made = self._tries[0](digits)
        if not is_known(_written(made)):
            return _written(made)
        for permute in self._tries[1:]:
            made = permute(digits)
            if is_known(_written(made)):
                continue
            others = (other.inverse(made) for other in self._tries)
            if not any(is_known(_written(other)) for other in others if other != digits):
                return _written(made)
        return None


def _written(digits: bytes) -> str:
    return "".join(chr(DIGIT + digit) for digit in digits)
