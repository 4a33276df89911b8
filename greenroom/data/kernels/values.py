"""One value, masked: each method's compiled twin of ``greenroom.data.pseudonyms``.

Every function writes at ``out[o:]`` and gives where it ended, or LEFT.
"""

from __future__ import annotations

from typing import Any

from numba import int64, uint8, uint64

from greenroom.data.kernels.codes import (
    is_known,
    put_code,
    put_inet,
    put_ip,
    put_phone,
    put_uuid,
)
from greenroom.data.kernels.hashing import Octets, inner, siphash
from greenroom.data.kernels.letters import (
    CAPITAL,
    LEFT,
    LONGEST,
    LOWER,
    SPACE,
    case_of,
    fold,
    letter_at,
    put_number,
    put_octets,
    put_tag,
    put_word,
)

(ASK, NULL, CONSTANT, EMAIL, USERNAME, FULL_NAME, FIRST_NAME, LAST_NAME, STREET, CITY, CODE, DIGITS,
 PHONE, IP, UUID, URL, JSON, INET) = range(18)  # fmt: skip
"""Methods by number. ASK: the plain function does it. INET: IP, as octets of the binary format."""
OP, IS_UNIQUE, IS_CHECKED, MAX_LENGTH, KEPT, FIRST_OF_CONSTANT, END_OF_CONSTANT, SKIPPED = range(8)
"""What a row of ``ops`` holds."""
GIVEN, FAMILY, PLACES, STREETS = range(4)
"""Lists of words, in ``lists`` by their first word and their number."""
WORDS_CHECKED = 2
"""IS_CHECKED of a fake made of our words: it is nobody's unless some original has one of them."""
MOST_WORDS = 16


@inner
def put_name(
    src: Octets, start: int, end: int, key: Any, which: int, t: Any, work: Octets, out: Octets,
    o: int,
) -> int:  # fmt: skip
    """Write a word of a list for a word, in its case; the model's case is that of what is given."""
    count = fold(src, start, end, work, t.folding)
    if count < 0:
        return LEFT
    low, _ = siphash(key[0], key[1], work, count)
    number = t.lists[which, 0] + int64(low % uint64(t.lists[which, 1]))
    case = case_of(src, start, end, t.kinds)
    return put_word(t.words[number], int64(t.sizes[number]), case, out, o)


@inner
def put_given(
    src: Octets, start: int, end: int, letters: int, has_initials: bool, key: Any, t: Any,
    work: Octets, out: Octets, o: int,
) -> int:  # fmt: skip
    """Write a given name, or an initial for an initial."""
    bare = end
    while bare > start and src[bare - 1] == 46:
        bare -= 1
    if not has_initials or letters - (end - bare) != 1:
        return put_name(src, start, end, key, GIVEN, t, work, out, o)
    if put_name(src, start, bare, key, GIVEN, t, work, out, o) < 0:
        return LEFT
    if out[o] >= 97:
        out[o] -= uint8(32)
    o += 1
    if bare < end:
        out[o] = 46
        o += 1
    return o


@inner
def put_full_name(
    src: Octets, start: int, end: int, keys: Any, t: Any, work: Octets, out: Octets, o: int,
    is_first: bool,
) -> int:  # fmt: skip
    """Write given names and a family name; with ``is_first`` given names alone."""
    words, at = 0, start
    begun: Any = int64(-1)
    letters: Any = int64(0)
    first, last, before = begun, begun, letters  # a word that waits to know whether another follows
    while at <= end:
        size, is_space = 1, True
        if at < end:
            if src[at] == 44 and not is_first:
                return LEFT  # Last, First
            code, size = letter_at(src, at, end)
            if size == 0:
                return LEFT
            is_space = t.folding[code] == SPACE
        if not is_space:
            if begun < 0:
                begun, letters = at, 0
            letters += 1
        elif begun >= 0:
            if words == MOST_WORDS:
                return LEFT
            if words:
                o = put_given(src, first, last, before, True, keys[0], t, work, out, o)
                if o < 0:
                    return LEFT
                out[o] = SPACE
                o += 1
            first, last, before, begun = begun, at, letters, -1
            words += 1
        at += size
    if is_first or words == 1:
        return put_given(src, first, last, before, is_first, keys[0], t, work, out, o)
    return put_name(src, first, last, keys[1], FAMILY, t, work, out, o)


@inner
def put_address(
    src: Octets, start: int, end: int, key: Any, t: Any, work: Octets, out: Octets, o: int,
    is_email: bool,
) -> int:  # fmt: skip
    """Write an e-mail address or a user name."""
    count = fold(src, start, end, work, t.folding)
    if count < 0:
        return LEFT
    low, high = siphash(key[0], key[1], work, count)
    number = t.lists[GIVEN, 0] + int64(low % uint64(t.lists[GIVEN, 1]))
    first = o
    o = put_word(t.words[number], int64(t.sizes[number]), LOWER, out, o)
    if is_email:
        out[o] = 46
        o += 1
    o = put_tag(high, t.tag_letters, out, o)
    while start < end and src[start] < 128 and t.folding[src[start]] == SPACE:
        start += 1
    while end > start and src[end - 1] < 128 and t.folding[src[end - 1]] == SPACE:
        end -= 1
    capitals, at = 0, start
    while at < end:
        code, size = letter_at(src, at, end)
        if code >= 128 and t.folding[code] == SPACE:
            return LEFT
        capitals |= t.kinds[code] & CAPITAL
        at += size
    if capitals:
        work[0], work[1] = 0, 1
        count = put_octets(src, start, end, work, 2)
        bits, _ = siphash(key[0], key[1], work, count)
        for at in range(o - first):
            if (bits >> uint64(at)) & uint64(1) and out[first + at] >= 97:
                out[first + at] -= uint8(32)
    if is_email:
        which = int64((low >> uint64(32)) % uint64(3))
        o = put_octets(t.domains[which], 0, 12, out, o)
    return o


@inner
def put_street(
    src: Octets, start: int, end: int, key: Any, t: Any, work: Octets, out: Octets, o: int
) -> int:
    """Write a number, a place and what streets are called."""
    count = fold(src, start, end, work, t.folding)
    if count < 0:
        return LEFT
    low, high = siphash(key[0], key[1], work, count)
    o = put_number(uint64(1) + (high >> uint64(32)) % uint64(199), out, o)
    for which, chosen in ((PLACES, low), (STREETS, high)):
        number = t.lists[which, 0] + int64(chosen % uint64(t.lists[which, 1]))
        out[o] = SPACE
        o = put_word(t.words[number], int64(t.sizes[number]), 0, out, o + 1)
    return o


@inner
def mask_value(
    src: Octets, start: int, end: int, number: int, t: Any, work: Octets, out: Octets, o: int
) -> int:
    """Mask a value by the function of that number."""
    op, keys, first = t.ops[number, OP], t.keys[number], o
    if op == CONSTANT:
        return put_octets(
            t.constants, t.ops[number, FIRST_OF_CONSTANT], t.ops[number, END_OF_CONSTANT], out, o
        )
    if op == INET:
        return put_inet(src, start, end, keys[0], work, out, o)
    is_blank = True
    for at in range(start, end):
        if src[at] >= 128:
            is_blank = is_blank and fold(src, start, end, work, t.folding) == 2
            break
        if t.folding[src[at]] != SPACE:
            is_blank = False
            break
    if is_blank:
        return put_octets(src, start, end, out, o)
    is_unique = t.ops[number, IS_UNIQUE] != 0
    if op in (EMAIL, USERNAME):
        o = put_address(src, start, end, keys[0], t, work, out, o, op == EMAIL)
    elif op in (FULL_NAME, FIRST_NAME):
        o = put_full_name(src, start, end, keys, t, work, out, o, op == FIRST_NAME)
    elif op == LAST_NAME:
        o = put_name(src, start, end, keys[0], FAMILY, t, work, out, o)
    elif op == STREET:
        o = put_street(src, start, end, keys[0], t, work, out, o)
    elif op == CITY:
        o = put_name(src, start, end, keys[0], PLACES, t, work, out, o)
    elif op in (CODE, DIGITS):
        kept = t.ops[number, KEPT]
        o = put_code(src, start, end, keys[0], kept, op == DIGITS, work, out, o)
    elif op == PHONE:
        o = put_phone(src, start, end, keys, is_unique, t, work, out, o)
    elif op == IP:
        o = put_ip(src, start, end, keys[0], work, out, o)
    elif op == UUID:
        o = put_uuid(src, start, end, keys[0], work, out, o)
    elif op == URL:
        if end - start > LONGEST:
            return LEFT
        work[0] = work[1] = 0
        count = put_octets(src, start, end, work, 2)
        low, _ = siphash(keys[0, 0], keys[0, 1], work, count)
        o = put_octets(t.url, 0, t.url.size, out, o)
        o = put_tag(low, t.tag_letters, out, o)
    else:
        return LEFT
    if o < 0:
        return LEFT
    checked = t.ops[number, IS_CHECKED]
    checks = checked == 1 or (checked == WORDS_CHECKED and t.words_known)
    if checks and is_known(out, first, o, t, work):
        return LEFT
    most = t.ops[number, MAX_LENGTH]
    if most >= 0 and o - first > most:
        return LEFT if is_unique else first + most
    return o
