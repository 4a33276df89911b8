"""Sealed files: what is too long to be encrypted as one value, in parts.

The construction is STREAM: each part has its number and whether it is the last in its nonce, so
that none can be left out, put elsewhere or cut off unnoticed.
Source: Hoang, Reyhanitabar, Rogaway, Vizár, "Online Authenticated-Encryption and its Nonce-Reuse
Misuse-Resistance" (2015), section 7.
"""

from __future__ import annotations

import secrets as _random
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag

from greenroom.errors import SecretsError
from greenroom.secrets import cipher

MAGIC = b"GRSEAL1\n"
PART_OCTETS = 1 << 20
TAG_OCTETS = 16
"""Source: NIST SP 800-38D section 5.2.1.2, tags of 128 bits."""
_PREFIX_OCTETS = 7


def _nonce(prefix: bytes, number: int, is_last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + bytes([is_last])


def seal_stream(source: Iterable[bytes], key: str, purpose: str) -> Iterator[bytes]:
    """Encrypt octets as they come. Pure but for its random prefix.

    Shapes: parts of a megabyte and their tags, behind a header; 4 PiB at most.
    """
    prefix = _random.token_bytes(_PREFIX_OCTETS)
    yield MAGIC + prefix
    lock, waiting, number = cipher(key, purpose), bytearray(), 0
    for octets in source:
        waiting += octets
        while len(waiting) > PART_OCTETS:  # the last part is never empty but for an empty source
            part = bytes(waiting[:PART_OCTETS])
            yield lock.encrypt(_nonce(prefix, number, False), part, MAGIC)
            del waiting[:PART_OCTETS]
            number += 1
    yield lock.encrypt(_nonce(prefix, number, True), bytes(waiting), MAGIC)


def open_stream(file: BinaryIO, key: str, purpose: str) -> Iterator[bytes]:
    """Undo :func:`seal_stream`, part by part.

    Errors: SecretsError when it was cut, altered, or sealed with another key or for something else.
    """
    header = file.read(len(MAGIC) + _PREFIX_OCTETS)
    if len(header) != len(MAGIC) + _PREFIX_OCTETS or not header.startswith(MAGIC):
        raise SecretsError("this is no sealed file of Greenroom's")
    prefix, lock, number = header[len(MAGIC) :], cipher(key, purpose), 0
    part = file.read(PART_OCTETS + TAG_OCTETS)
    while True:
        following = file.read(PART_OCTETS + TAG_OCTETS)
        try:
            yield lock.decrypt(_nonce(prefix, number, not following), part, MAGIC)
        except (InvalidTag, ValueError) as error:
            raise SecretsError(
                "a sealed file does not open",
                hint="It was cut or altered, or the secret key is another than when it was made.",
            ) from error
        if not following:
            return
        part, number = following, number + 1
