"""Pseudonyms that keep a value's layout: digits stay digits, letters letters, checks hold."""

from __future__ import annotations

import ipaddress
import re
import struct
from collections.abc import Callable
from functools import cache

from greenroom.data.permute import Apart, Keyed, Permutation
from greenroom.errors import InvalidInput

Kernel = Callable[[str], str]
_DIGIT = re.compile(r"[0-9]")
_TEST_CARDS = "400000"
"""Source: card schemes' test numbers, never issued to anybody."""
_PREFIX_LENGTH = re.compile("[0-9]{1,3}")
_NET4 = ipaddress.ip_network("198.18.0.0/15")
"""Source: RFC 2544, kept for benchmarks."""
_NET6 = ipaddress.ip_network("2001:db8::/32")
"""Source: RFC 3849, kept for documentation."""


class Digits:
    """Permutes the digits of a value where they stand: two values never become the same.

    None becomes somebody's original, as ``is_original`` says of a whole value.
    """

    def __init__(
        self, keyed: Keyed, is_original: Callable[[str], bool] = lambda _: False
    ) -> None:  # fmt: skip
        self._is_original = is_original
        self._of_length = cache(lambda count: Apart(keyed, count))

    def replace(self, digits: str, lay: Callable[[str], str]) -> str:
        """Give as many other digits; ``lay`` makes a whole value of them.

        Errors: InvalidInput where so many of these numbers are originals that none is free.
        """
        count = len(digits)
        if not count:
            return ""
        made = self._of_length(count)(digits, lambda number: self._is_original(lay(number)))
        if made is None:
            raise InvalidInput(f"too many numbers of {count} digits are taken to give others")
        return made

    def __call__(self, value: str) -> str:
        """Replace all digits of a value, its layout kept."""
        found = "".join(_DIGIT.findall(value))
        return lay_out(value, self.replace(found, lambda digits: lay_out(value, digits)))


def lay_out(value: str, digits: str) -> str:
    """Put digits where a value has its own."""
    following = iter(digits)
    return _DIGIT.sub(lambda _: next(following), value)


def letters_and_digits(keyed: Keyed) -> Kernel:
    """Give other letters for letters and other digits for digits, by the whole value.

    A permutation of all values of one layout, so that two never become the same; values with
    letters beyond ASCII are told apart by their length of chance instead.
    """
    of_sizes = cache(lambda sizes: Permutation(keyed, sizes))

    def replace(value: str) -> str:
        if not value.isascii():
            return _by_stream(keyed, value)
        kinds = [(letter, _KINDS[letter]) for letter in value if letter in _KINDS]
        sizes = bytes(size for _, (_, size) in kinds)
        digits = bytes(ord(letter) - first for letter, (first, _) in kinds)
        following = iter(zip(of_sizes(sizes)(digits), kinds, strict=True))
        made = []
        for letter in value:
            if letter not in _KINDS:
                made.append(letter)
                continue
            digit, (_, (first, _)) = next(following)
            made.append(chr(first + digit))
        return "".join(made)

    return replace


_KINDS = {
    chr(first + at): (first, size)
    for first, size in ((48, 10), (97, 26), (65, 26))
    for at in range(size)
}
"""The first of a letter's kind and how many there are; what is not here is layout."""


def _by_stream(keyed: Keyed, value: str) -> str:
    stream = struct.unpack(f">{len(value)}H", keyed.octets(value, len(value) * 2))
    made = []
    for letter, number in zip(value, stream, strict=True):
        kind = _KINDS.get(letter)
        if kind is not None:
            made.append(chr(kind[0] + number % kind[1]))
        else:
            made.append(chr(97 + number % 26) if letter.isalnum() else letter)
    return "".join(made)


def luhn_digit(digits: str) -> str:
    """Give the check digit that completes a number. Source: ISO/IEC 7812-1, annex B."""
    total = 0
    for at, digit in enumerate(reversed(digits)):
        number = int(digit) * (2 if at % 2 == 0 else 1)
        total += number - 9 if number > 9 else number
    return str(-total % 10)


def card(
    keyed: Keyed, *, is_unique: bool, is_original: Callable[[str], bool] = lambda _: False
) -> Kernel:
    """Give a card number with a valid check digit, of a range that no bank issues.

    Where the numbers must stay different, they leave that range.
    """
    digits = Digits(keyed, is_original if is_unique else lambda _: False)

    def replace(value: str) -> str:
        found = "".join(_DIGIT.findall(value))
        if len(found) < 8:
            return digits(value)

        def lay(body: str) -> str:
            return lay_out(value, body + luhn_digit(body))

        body = digits.replace(found[:-1], lay)
        return lay(body if is_unique else _TEST_CARDS + body[len(_TEST_CARDS) :])

    return replace


def iban(keyed: Keyed, is_original: Callable[[str], bool] = lambda _: False) -> Kernel:
    """Give an IBAN of the same country with valid check digits. Source: ISO 13616."""
    other = letters_and_digits(keyed)
    digits = Digits(keyed, is_original)

    def replace(value: str) -> str:
        plain = re.sub(r"\s", "", value).upper()
        if len(plain) < 8 or not plain[:2].isalpha():
            return other(value)
        country, account = plain[:2], plain[4:]

        def lay(made: str) -> str:
            number = "".join(str(int(letter, 36)) for letter in f"{made}{country}00")
            following = iter(f"{country}{98 - int(number) % 97:02d}{made}")
            return "".join(" " if letter.isspace() else next(following) for letter in value)

        return lay(digits.replace(account, lay) if account.isdigit() else other(account))

    return replace


FICTIONAL = {"1": ("55501", 2), "44": ("7700900", 3), "61": ("491570", 3), "33": ("19900", 4)}
"""Country code: prefix kept for fiction, digits left. Sources: NANPA, Ofcom, ACMA, ARCEP."""


def phone(
    keyed: Keyed, *, is_unique: bool, is_original: Callable[[str], bool] = lambda _: False
) -> Kernel:
    """Give a phone number of the same layout and country, of the country's range for fiction.

    Where there is none, it is somebody's original, or the numbers must stay different, the national
    digits are permuted, to a number that is nobody's original.
    """
    digits = Digits(keyed, is_original)

    def replace(value: str) -> str:
        found = "".join(_DIGIT.findall(value))
        start = 2 if found.startswith("00") else 0
        if not start and not value.strip().startswith("+"):
            return digits(value)
        code = next((c for c in FICTIONAL if found[start:].startswith(c)), found[start:][:2])
        lead, national = found[: start + len(code)], found[start + len(code) :]

        def lay(other: str) -> str:
            return lay_out(value, lead + other)

        fiction, left = FICTIONAL.get(code, ("", 0))
        if fiction and not is_unique and len(national) >= len(fiction) + left:
            low, high = keyed.halves(found)
            area = f"{200 + high % 700:03d}" if code == "1" else ""
            other = f"{area}{fiction}{low % 10**18:018d}"[: len(national)]
            if len(other) == len(national) and not is_original(made := lay(other)):
                return made
        return lay(digits.replace(national, lay))

    return replace


def address_of_network(keyed: Keyed, *, is_unique: bool) -> Kernel:
    """Give an IP address of the ranges for documentation; a prefix length stays."""
    first4, count4 = int(_NET4.network_address), _NET4.num_addresses - 2
    first6, count6 = int(_NET6.network_address), _NET6.num_addresses - 2

    def replace(value: str) -> str:
        plain, slash, length = value.partition("/")
        try:
            address = ipaddress.ip_address(plain)
        except ValueError:
            return letters_and_digits(keyed)(value)
        if slash and not _PREFIX_LENGTH.fullmatch(length):
            return letters_and_digits(keyed)(value)  # another address, perhaps
        version = address.version
        low, high = keyed.halves(str(address))
        if version == 4 and not is_unique:
            made: object = ipaddress.IPv4Address(first4 + low % count4 + 1)
        else:
            made = ipaddress.IPv6Address(first6 + (high << 64 | low) % count6 + 1)
            if version == 4:
                slash = length = ""
        return f"{made}{slash}{length}"

    return replace


def mac(keyed: Keyed) -> Kernel:
    """Give a hardware address that is marked as made up locally. Source: IEEE 802, bit U/L."""

    def replace(value: str) -> str:
        made = "02" + keyed.octets(value.lower(), 5).hex()
        separator = "-" if "-" in value else ":"
        return separator.join(made[at : at + 2] for at in range(0, 12, 2))

    return replace


def uuid(keyed: Keyed) -> Kernel:
    """Give a random UUID's look (version 4)."""

    def replace(value: str) -> str:
        number = keyed.number(value.lower().strip("{}"))
        number = number & ~(0xF << 76) | 0x4 << 76
        number = number & ~(0x3 << 62) | 0x2 << 62
        text = f"{number:032x}"
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))

    return replace
