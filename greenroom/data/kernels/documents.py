"""Documents of JSON, masked where they stand: their texts change, every other octet stays.

Twin: ``TextMasker.json_kernel``. A text that is one of the database's own people is replaced here;
what has been asked before is remembered; the rest is asked.
"""

from __future__ import annotations

from typing import Any

from numba import int64, uint8, uint64

from greenroom.data.kernels.codes import is_known_number
from greenroom.data.kernels.hashing import Octets, entry, inner, siphash
from greenroom.data.kernels.letters import LEFT, fold_each, holds, put_octets
from greenroom.data.kernels.values import mask_value

FULL = -2
"""Says that there is no room for the answer."""
DEEPEST = 60
SHORT = 200
"""Octets of a text that may be an identity as a whole, or is remembered."""
PLACE, FIRST, END, NUMBER, CONTEXT, CONTEXT_END, SLOT = range(7)
"""What a row of ``asks`` holds: where the answer goes, what is asked, by which function, the key
above it (-1: the column's name), and where the length stands that the answer adds to."""
OBJECT, ARRAY = 123, 91


@inner
def is_id(src: Octets, start: int, end: int) -> bool:
    """Whether a text is a hexadecimal digest or a UUID with a letter. Twin: ``text._ID``."""
    size = end - start
    has_letter, dashes = False, 0
    for at in range(start, end):
        octet = src[at]
        if octet >= 97 and octet <= 102:
            has_letter = True
        elif octet == 45:
            dashes += 1
            n = at - start
            if size != 36 or (n != 8 and n != 13 and n != 18 and n != 23):
                return False
        elif octet < 48 or octet > 57:
            return False
    return has_letter and (dashes == 4 if size == 36 and dashes else 16 <= size <= 128)


@inner
def put_text(
    src: Octets, start: int, end: int, context: int, context_end: int, number: int, t: Any,
    work: Octets, out: Octets, o: int,
) -> int:  # fmt: skip
    """Write what a text of a document becomes; LEFT to ask."""
    if end == start:
        return o
    if end - start > SHORT:
        return LEFT
    if t.known.size > 1:
        count = fold_each(src, start, end, work, t.lowering)
        if count >= 0:
            low, _ = siphash(t.known_key[0], t.known_key[1], work, count)
            place = holds(t.known, low | uint64(1))
            if place >= 0:
                which = t.op_of_kind[t.known_kinds[place]]
                return mask_value(src, start, end, which, t, work, out, o) if which >= 0 else LEFT
        else:
            return LEFT
    is_nobodys = not t.hex_known and is_id(src, start, end)
    if is_nobodys and not is_known_number(src, start, end, t, work):
        return put_octets(src, start, end, out, o)
    mark = mark_of(src, start, end, context, context_end, number, t, work)
    place = holds(t.memo, mark)
    if place < 0:
        return LEFT
    return put_octets(t.answers, t.answer_at[place, 0], t.answer_at[place, 1], out, o)


@inner
def mark_of(
    src: Octets, start: int, end: int, context: int, context_end: int, number: int, t: Any,
    work: Octets,
) -> Any:  # fmt: skip
    """Give the mark of a text under a key, by which its answer is remembered."""
    work[0], work[1] = 255, number
    count = 2
    if context >= 0:
        count = put_octets(src, context, min(context_end, context + 1000), work, count)
    work[count] = 255
    count = put_octets(src, start, end, work, count + 1)
    low, _ = siphash(t.known_key[0], t.known_key[1], work, count)
    return low | uint64(1)


@inner
def put_document(
    src: Octets, start: int, end: int, number: int, t: Any, work: Octets, stack: Any, out: Octets,
    o: int, asks: Any, asked: int, slot: int,
) -> Any:  # fmt: skip
    """Write a document; give where it ended, or LEFT or FULL, and how many texts are to ask."""
    depth = 0
    context: Any = int64(-1)
    context_end: Any = int64(-1)
    is_key, at = False, start
    while at < end:
        octet = src[at]
        if octet != 34:
            if octet in (OBJECT, ARRAY):
                if depth == DEEPEST:
                    return LEFT, asked
                stack[depth, 0], stack[depth, 1], stack[depth, 2] = octet, context, context_end
                depth += 1
                is_key = octet == OBJECT
            elif octet == 125 or octet == 93:
                depth -= 1
                if depth < 0:
                    return LEFT, asked
                context, context_end = stack[depth, 1], stack[depth, 2]
                is_key = False
            elif octet == 44:
                is_key = depth > 0 and stack[depth - 1, 0] == OBJECT
            out[o] = octet
            o += 1
            at += 1
            continue
        begun, has_escape = at + 1, False
        at = begun
        while at < end and src[at] != 34:
            if src[at] == 92:
                has_escape = True
                at += 1
            at += 1
        if at >= end:
            return LEFT, asked
        out[o] = uint8(34)
        o += 1
        if is_key:
            if has_escape:
                return LEFT, asked
            context, context_end, is_key = begun, at, False
            o = put_octets(src, begun, at, out, o)
        else:
            if o + (end - begun) + 8 * (at - begun) + 512 > out.size or asked + 1 >= asks.shape[0]:
                return FULL, asked
            made = LEFT
            if not has_escape:
                made = put_text(
                    src, begun, at, context, context_end, number, t, work, out, o
                )  # fmt: skip
            if made >= 0:
                o = made
            else:
                asks[asked, PLACE], asks[asked, FIRST], asks[asked, END] = o, begun, at
                asks[asked, NUMBER], asks[asked, SLOT] = -1 - number, slot
                asks[asked, CONTEXT], asks[asked, CONTEXT_END] = context, context_end
                asked += 1
        out[o] = uint8(34)
        o += 1
        at += 1
    return int64(o), asked


@entry
def mark_text(
    src: Octets, start: int, end: int, context: int, context_end: int, number: int, t: Any,
    work: Octets,
) -> Any:  # fmt: skip
    """Give ``mark_of`` to Python."""
    return mark_of(src, start, end, context, context_end, number, t, work)
