"""Whole rows of COPY, masked: their first fields by their functions, the rest as it came."""

from __future__ import annotations

from typing import Any

from numba import int64, uint8

from greenroom.data.kernels.documents import (
    CONTEXT,
    CONTEXT_END,
    END,
    FIRST,
    FULL,
    NUMBER,
    PLACE,
    SLOT,
    put_document,
)
from greenroom.data.kernels.hashing import Octets, entry, inlined, inner
from greenroom.data.kernels.letters import LEFT, put_octets
from greenroom.data.kernels.values import ASK, JSON, NULL, OP, SKIPPED, mask_value

MARGIN = 512
"""Octets that a fake is longer than its original at most, documents aside."""


@inner
def put_field(
    src: Octets, start: int, end: int, number: int, t: Any, work: Octets, stack: Any, out: Octets,
    o: int, asks: Any, asked: int, slot: int, is_plain: bool,
) -> Any:  # fmt: skip
    """Write a field that is not NULL, or ask for it; give where it ended, or FULL."""
    if o + (end - start) + MARGIN > out.size or asked + 1 >= asks.shape[0]:
        return FULL, asked
    op = t.ops[number, OP]
    made = LEFT
    if is_plain and op != ASK:
        if op == JSON:
            made, count = put_document(
                src, start, end, number, t, work, stack, out, o, asks, asked, slot
            )
            if made == FULL:
                return FULL, asked
            if made >= 0:
                return made, count
        else:
            made = mask_value(src, start, end, number, t, work, out, o)
    if made >= 0:
        return made, asked
    asks[asked, PLACE], asks[asked, FIRST], asks[asked, END] = o, start, end
    asks[asked, NUMBER], asks[asked, SLOT] = number, slot
    asks[asked, CONTEXT] = asks[asked, CONTEXT_END] = -1
    return int64(o), asked + 1


@entry
def mask_lines(
    src: Octets, at: int, end: int, fields: Any, t: Any, work: Octets, stack: Any, out: Octets,
    asks: Any,
) -> Any:  # fmt: skip
    """Mask rows of the text format; give octets written, questions, and where the rest begins."""
    o, asked = int64(0), int64(0)  # of a literal numba would compile all once more
    while at < end:
        row, row_o, row_asked = at, o, asked
        for number in fields:
            start, is_plain = at, True
            while at < end and src[at] != 9 and src[at] != 10:
                is_plain = is_plain and src[at] != 92
                at += 1
            op = t.ops[number, OP]
            is_null = at - start == 2 and src[start] == 92 and src[start + 1] == 78
            if is_null or op == NULL:
                out[o], out[o + 1] = uint8(92), uint8(78)
                o += 2
            else:
                o, asked = put_field(
                    src, start, at, number, t, work, stack, out, o, asks, asked, int64(-1), is_plain
                )  # fmt: skip
            if o + MARGIN > out.size or o == FULL:
                return row_o, row_asked, row
            if at < end and src[at] == 9:
                out[o] = uint8(9)
                o += 1
                at += 1
        start = at
        while at < end and src[at] != 10:
            at += 1
        at = min(at + 1, end)
        if o + at - start + MARGIN > out.size:
            return row_o, row_asked, row
        o = put_octets(src, start, at, out, o)
    return o, asked, at


@inlined
def int_at(src: Octets, at: int) -> Any:
    """Read a length of the binary format."""
    return (
        int64(src[at]) << 24 | int64(src[at + 1]) << 16 | int64(src[at + 2]) << 8
        | int64(src[at + 3])
    )  # fmt: skip


@inlined
def put_int(number: Any, out: Octets, o: int) -> None:
    """Write a length of the binary format."""
    out[o], out[o + 1] = number >> 24 & 255, number >> 16 & 255
    out[o + 2], out[o + 3] = number >> 8 & 255, number & 255


@entry
def mask_tuples(
    src: Octets, at: int, end: int, fields: Any, t: Any, work: Octets, stack: Any, out: Octets,
    asks: Any,
) -> Any:  # fmt: skip
    """Mask rows of the binary format; give octets written, questions, and where the rest begins."""
    o, asked = int64(0), int64(0)  # of a literal numba would compile all once more
    while at < end:
        row, row_o, row_asked = at, o, asked
        count = int64(src[at]) << 8 | int64(src[at + 1])
        if o + MARGIN > out.size:
            return row_o, row_asked, row
        o = put_octets(src, at, at + 2, out, o)
        at += 2
        if count == 0xFFFF:  # nothing comes after it
            continue
        for number in fields:
            size = int_at(src, at)
            at += 4
            slot = o
            o += 4
            if o + MARGIN > out.size:
                return row_o, row_asked, row
            if size == 0xFFFFFFFF or t.ops[number, OP] == NULL:
                put_int(0xFFFFFFFF, out, slot)
                at += 0 if size == 0xFFFFFFFF else size
                continue
            begun = o
            skipped = t.ops[number, SKIPPED]
            o = put_octets(src, at, at + skipped, out, o)
            o, asked = put_field(
                src, at + skipped, at + size, number, t, work, stack, out, o, asks, asked, slot,
                count >= 0,
            )  # fmt: skip
            if o + MARGIN > out.size or o == FULL:
                return row_o, row_asked, row
            put_int(o - begun, out, slot)
            at += size
        start = at
        for _ in range(count - fields.size):
            size = int_at(src, at)
            at += 4 + (0 if size == 0xFFFFFFFF else size)
        if o + at - start + MARGIN > out.size:
            return row_o, row_asked, row
        o = put_octets(src, start, at, out, o)
    return o, asked, at


@entry
def splice(
    out: Octets, o: int, asks: Any, asked: int, said: Octets, ends: Any, made: Octets
) -> Any:
    """Put the answers where they belong; one that ends at -1 is NULL."""
    first = 0
    for number in range(asked):
        slot, end = asks[number, SLOT], ends[number]
        if end < 0:
            put_int(0xFFFFFFFF, out, slot)
            continue
        if slot >= 0:
            put_int(int_at(out, slot) + end - first, out, slot)
        first = end
    first, read, written = 0, 0, 0
    for number in range(asked):
        place, end = asks[number, PLACE], ends[number]
        written = put_octets(out, read, place, made, written)
        read = place
        if end >= 0:
            written = put_octets(said, first, end, made, written)
            first = end
    return int64(put_octets(out, read, o, made, written))
