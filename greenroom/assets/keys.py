"""Object keys as file names and back: nothing leaves the folder, no two keys meet. Pure.

A key's segments become file names as they are, but for what a file name cannot be: those octets are
written ``%XX``. ``%.`` at a name's end says that the file's own name was taken by a folder.
"""

from __future__ import annotations

import re

from greenroom.errors import NoFileName

NAME_OCTETS = 255
"""Longest file name. Source: NAME_MAX, linux/limits.h."""
KEY_OCTETS = 1024
"""Longest key. Source: Amazon S3 user guide, naming objects."""
EMPTY = "%-"
"""The name of a segment without a letter: ``a//b``, ``a/``."""
BESIDE = "%."
"""At the end of a file's name: a folder has the name itself."""
OURS = ".greenroom-part."
"""How names of files begin that are being written."""
MARK = ".greenroom-place.json"
"""Says whose a place of staging's is; it is no file of the site."""
_WRONG = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]|%(?=[0-9A-F]{2})|%(?=[-.]$)")
_WRONG_OR_INEXACT = re.compile(_WRONG.pattern + r"|[^\x20-\x40\x5b-\x7e]")
"""Also what a file system that confuses cases, or forms of one letter, may confuse."""
_ESCAPED = re.compile(r"%([0-9A-F]{2})")


def name_of_segment(segment: str, *, is_exact: bool = True) -> str:
    """Give the file name of one segment of a key.

    ``is_exact`` says that the file system keeps ``A``, ``a`` and every form of ``é`` apart.

    Errors: NoFileName when it is too long.
    """
    if not segment:
        return EMPTY
    name = (_WRONG if is_exact else _WRONG_OR_INEXACT).sub(_escape, segment)
    if segment in (".", "..") or segment.startswith(OURS):
        name = "%2E" + name[1:]
    if not is_exact and name[-1] in ". ":
        name = name[:-1] + _escape_text(name[-1])
    if len(name.encode()) > NAME_OCTETS - len(BESIDE):
        raise NoFileName(
            f"a part of the key is longer than a file name may be: {segment[:60]!r}…",
            hint="Keep it in a bucket, or leave it out by a pattern.",
        )
    return name


def path_of_key(key: str, *, is_exact: bool = True) -> tuple[str, ...]:
    """Give the file names, from the folder down, of a key.

    Errors: NoFileName.
    """
    if not key or "\x00" in key:
        raise NoFileName(f"{key[:60]!r} cannot be a file's name")
    try:
        too_long = len(key.encode()) > KEY_OCTETS
    except UnicodeEncodeError as error:
        raise NoFileName(f"{key[:60]!r} is no text in UTF-8") from error
    if too_long:
        raise NoFileName(f"the key {key[:60]!r}… has more than {KEY_OCTETS} octets")
    return tuple(name_of_segment(part, is_exact=is_exact) for part in key.split("/"))


def segment_of_name(name: str) -> str:
    """Give the segment that a file name stands for.

    Errors: NoFileName for a name that no key has.
    """
    name = name.removesuffix(BESIDE)
    if name == EMPTY:
        return ""
    octets = b""
    last = 0
    for found in _ESCAPED.finditer(name):
        octets += name[last : found.start()].encode() + bytes([int(found[1], 16)])
        last = found.end()
    try:
        return (octets + name[last:].encode()).decode()
    except UnicodeError as error:
        raise NoFileName(f"{name!r} is no text in UTF-8") from error


def printable(name: str) -> str:
    r"""Write a name that is no text in UTF-8 so that it can be told, as ``caf\xe9``. Pure."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _escape(found: re.Match[str]) -> str:
    return _escape_text(found[0])


def _escape_text(text: str) -> str:
    return "".join(f"%{octet:02X}" for octet in text.encode("utf-8", "surrogatepass"))
