"""Numbers that tell who somebody is, in any layout: calls, cards, accounts, insurances."""

from __future__ import annotations

import re
from collections.abc import Iterator

FEWEST_DIGITS = 8
"""Digits of a number that is looked for without its layout."""
LAYOUT = b" -./()\xc2\xa0"
_ODD = re.compile(r"[^\0-\u017e\u0180-\u024f\u2010-\u2026\u20ac]")
_NOT_DIGITS = re.compile(r"[^0-9]+")
_EACH_DIGIT = b"0123456789"
_DIGITS = re.compile(rb"[0-9]+")
_NUMBERS = re.compile(rb"[0-9](?:[ \-./()\xc2\xa0]{0,3}[0-9]){7,}")
"""Runs of eight digits and more, as they are laid out."""


def is_plain(text: str) -> bool:
    """Whether a text has no digits but those of ASCII, nor letters whose lower case is ASCII's.

    Not every text that has none is told to be plain: one beyond Latin letters is looked at closely.
    """
    return text.isascii() or _ODD.search(text) is None


def number_of(value: str) -> str:
    """Give a value's digits where it is a number for the most part; nothing where it is none."""
    digits = _NOT_DIGITS.sub("", value)
    return digits if len(digits) >= FEWEST_DIGITS and len(digits) * 2 >= len(value) else ""


def numbers_in(text: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Give every number that groups of digits make with nothing but layout between them.

    Each with where it begins and ends; longer ones hold shorter ones.
    """
    if len(text) - len(text.translate(None, _EACH_DIGIT)) < FEWEST_DIGITS:
        return
    for window in _NUMBERS.finditer(text):
        groups = [(g.start(), g.end()) for g in _DIGITS.finditer(text, *window.span())]
        for first, (start, _) in enumerate(groups):
            number = b""
            for begun, end in groups[first:]:
                number += text[begun:end]
                if len(number) >= FEWEST_DIGITS:
                    yield number, start, end
