"""Numbers that may be called, in a text of ASCII: for the sieve.

Twin: ``greenroom.data.phones``, which finds none where this tells of none.
"""

from __future__ import annotations

from typing import Any

from greenroom.data.kernels.flags import BARE, CALL
from greenroom.data.kernels.hashing import Octets, inlined, inner

CALL_DIGITS = 4
"""Digits of the shortest number."""
_LONGEST_GROUP = 20
"""Digits that phonenumbers takes for one group."""
_LEAD_OCTETS = 10
"""Octets before a number in which a bracket or a plus may begin it."""


@inlined
def _is_layout(octet: Any) -> bool:
    """Whether phonenumbers takes a sign, or an x, between the digits of one number."""
    return (
        octet == 32 or octet == 45 or octet == 46 or octet == 47 or octet == 40 or octet == 41
        or octet == 91 or octet == 93 or octet == 126 or octet | 32 == 120
    )  # fmt: skip


@inner
def _may_join(octets: Octets, start: int, end: int) -> bool:
    """Whether what stands between two groups of digits leaves them one number, or an extension."""
    is_layout, is_blank, has_sign, has_n, has_t = True, True, False, False, False
    for at in range(start, end):
        octet = octets[at]
        small = octet | 32
        is_layout = is_layout and _is_layout(octet)
        is_blank = is_blank and (octet == 32 or octet == 45)
        has_sign = has_sign or small == 120 or octet == 35 or octet == 126
        has_n, has_t = has_n or small == 110, has_t or small == 116
    return is_blank or (is_layout and end - start <= 4) or has_sign or (has_n and has_t)


@inner
def _has_lead(octets: Octets, start: int) -> bool:
    """Whether a bracket or a plus may begin the number before its first digit."""
    at = start - 1
    while at >= 0 and start - at <= _LEAD_OCTETS:
        if octets[at] == 40 or octets[at] == 91 or octets[at] == 43:
            return True
        if not _is_layout(octets[at]):
            return False
        at -= 1
    return at >= 0


@inner
def _is_date_or_part(octets: Octets, start: int, end: int, digits: int, groups: int) -> bool:
    """Whether groups of digits are a date, a decimal, or part of a longer name, as in A-12-345."""
    dashes = 0
    if digits > _LONGEST_GROUP:
        return False
    for at in range(start, end):
        dashes += octets[at] == 45
    is_dashed = dashes == groups - 1 and end - start == digits + dashes
    if is_dashed and start > 1 and octets[start - 1] == 45:
        letter = octets[start - 2] | 32
        if letter >= 97 and letter <= 122 and letter != 120:
            return True
    if is_dashed and groups == 3 and digits == 8 and end - start == 10:
        return octets[start + 4] == 45 and octets[start + 7] == 45
    if groups != 2 or end - start != digits + 1:
        return False
    for at in range(start, min(start + 4, end)):
        if octets[at] == 46:
            return end - at <= 4
    return False


@inner
def _call_of(octets: Octets, start: int, end: int, digits: int, groups: int) -> int:
    if digits < CALL_DIGITS:
        return 0
    if _has_lead(octets, start):
        return CALL
    if groups == 1:
        return BARE
    return 0 if _is_date_or_part(octets, start, end, digits, groups) else CALL


@inner
def calls_in(octets: Octets) -> int:
    """Tell whether numbers are there that may be called: CALL, and BARE of such without layout."""
    flags = at = groups = digits = start = end = 0
    count = octets.size
    while at < count:
        if octets[at] < 48 or octets[at] > 57:
            at += 1
            continue
        first = at
        while at < count and octets[at] >= 48 and octets[at] <= 57:
            at += 1
        if groups == 0 or not _may_join(octets, end, first):
            flags |= _call_of(octets, start, end, digits, groups)
            start, digits, groups = first, 0, 0
        groups, digits, end = groups + 1, digits + at - first, at
    return flags | _call_of(octets, start, end, digits, groups)
