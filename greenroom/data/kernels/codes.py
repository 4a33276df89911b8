"""Numbers and codes, masked: compiled twins of ``greenroom.data.shapes``.

Every function that begins with ``put`` writes at ``out[o:]`` and gives where it ended, or LEFT.
"""

from __future__ import annotations

from typing import Any

from numba import int64, uint8, uint64

from greenroom.data.kernels.hashing import Octets, inner, siphash
from greenroom.data.kernels.letters import (
    LEFT,
    SPACE,
    fold,
    holds,
    is_ascii,
    put_number,
    put_octets,
)

MOST_LETTERS = 2000
ROUNDS = 8
NETWORK = 198 << 24 | 18 << 16
"""198.18.0.0/15: see ``greenroom.data.shapes``."""
HOSTS = (1 << 17) - 2


@inner
def permute(digits: Octets, sizes: Octets, count: int, key: Any, work: Octets) -> None:
    """Permute a string of digits in its place. Twin: ``Permutation``."""
    half = count // 2
    work[0], work[3] = 0, count & 255
    for step in range(ROUNDS):
        first, last, other, other_end = 0, half, half, count
        if step % 2:
            first, last, other, other_end = half, count, 0, half
        work[1] = step
        length = 4
        for at in range(other, other_end):
            work[length] = digits[at]
            length += 1
        low = high = uint64(0)
        for n in range(last - first):
            if n % 16 == 0:
                work[2] = n // 16 & 255
                low, high = siphash(key[0], key[1], work, length)
            word = low if n % 16 < 8 else high
            size = int64(sizes[first + n])
            share = int64((word >> uint64(n % 8 * 8)) & uint64(255)) * size >> 8
            moved = int64(digits[first + n]) + share
            digits[first + n] = moved - size if moved >= size else moved


@inner
def put_code(
    src: Octets, start: int, end: int, key: Any, kept: int, only_digits: bool, work: Octets,
    out: Octets, o: int,
) -> int:  # fmt: skip
    """Write other letters for letters and other digits for digits, but for what is kept."""
    if end - start > MOST_LETTERS or not is_ascii(src, start, end):
        return LEFT
    digits = work[8192:10240]
    sizes = work[10240:12288]
    count = 0
    for at in range(start, end):
        octet = src[at]
        if octet >= 48 and octet <= 57:
            digits[count], sizes[count] = octet - 48, 10
        elif only_digits:
            continue
        elif octet >= 97 and octet <= 122:
            digits[count], sizes[count] = octet - 97, 26
        elif octet >= 65 and octet <= 90:
            digits[count], sizes[count] = octet - 65, 26
        else:
            continue
        count += 1
    permute(digits, sizes, count, key, work)
    count = 0
    for at in range(start, end):
        octet = src[at]
        made = octet
        if octet >= 48 and octet <= 57:
            made = digits[count] + uint8(48)
            count += 1
        elif only_digits:
            pass
        elif octet >= 97 and octet <= 122:
            made = digits[count] + uint8(97)
            count += 1
        elif octet >= 65 and octet <= 90:
            made = digits[count] + uint8(65)
            count += 1
        out[o] = octet if at - start < kept else made
        o += 1
    return o


@inner
def put_phone(
    src: Octets, start: int, end: int, keys: Any, is_unique: bool, t: Any, work: Octets,
    out: Octets, o: int,
) -> int:  # fmt: skip
    """Write a number of the same country and layout."""
    if end - start > MOST_LETTERS or not is_ascii(src, start, end):
        return LEFT
    digits = work[8192:10240]
    count, is_abroad, seen = 0, False, False
    for at in range(start, end):
        octet = src[at]
        if octet >= 48 and octet <= 57:
            digits[count] = octet - 48
            count += 1
        if not seen and t.folding[octet] != SPACE:
            seen, is_abroad = True, octet == 43
    lead = 2 if count >= 2 and digits[0] == 0 and digits[1] == 0 else 0
    if lead == 0 and not is_abroad:
        return put_code(src, start, end, keys[0], 0, True, work, out, o)
    which, code = -1, min(2, count - lead)
    for number in range(t.fiction.shape[0]):
        size = int64(t.fiction[number, 0])
        same = count - lead >= size
        for at in range(size):
            same = same and digits[lead + at] == t.fiction[number, 2 + at]
        if same:
            which, code = number, size
            break
    lead += code
    national = count - lead
    if which >= 0 and not is_unique and national >= t.fiction[which, 1]:
        work[0] = work[1] = 0
        for at in range(count):
            work[2 + at] = digits[at] + uint8(48)
        low, high = siphash(keys[0, 0], keys[0, 1], work, count + 2)
        at = lead
        if which == 0:
            area = int64(uint64(200) + high % uint64(700))
            digits[at], digits[at + 1], digits[at + 2] = area // 100, area // 10 % 10, area % 10
            at += 3
        for n in range(int64(t.fiction[which, 4])):
            digits[at] = t.fiction[which, 5 + n]
            at += 1
        if count - at > 18:
            return LEFT
        rest, unit = low % uint64(10**18), uint64(10**17)
        while at < count:
            digits[at] = rest // unit % uint64(10)
            unit //= uint64(10)
            at += 1
    else:
        sizes = work[10240:12288]
        for at in range(national):
            sizes[at] = 10
        permute(digits[lead:], sizes, national, keys[0], work)
    count = 0
    for at in range(start, end):
        octet = src[at]
        if octet >= 48 and octet <= 57:
            octet = digits[count] + uint8(48)
            count += 1
        out[o] = octet
        o += 1
    return o


@inner
def is_known_number(src: Octets, start: int, end: int, t: Any, work: Octets) -> Any:
    """Whether groups of digits hold the number of an original. Twin: ``numbers_in``."""
    if t.numbers.size <= 1:
        return False
    at = start
    while at < end:
        if src[at] < 48 or src[at] > 57 or (at > start and 48 <= src[at - 1] <= 57):
            at += 1
            continue
        count, layout, place = 0, 0, at  # every group begins what others may go on with
        while place < end and layout <= 3:
            octet = src[place]
            if octet >= 48 and octet <= 57:
                layout = 0
                work[2 + count] = octet
                count += 1
                if count == 64:
                    return True  # it may
                ends = place + 1 == end or src[place + 1] < 48 or src[place + 1] > 57
                if ends and count >= 8:
                    work[0] = work[1] = 0
                    low, _ = siphash(t.known_key[0], t.known_key[1], work, count + 2)
                    if holds(t.numbers, low | uint64(1)) >= 0:
                        return True
            elif octet == 32 or (octet >= 45 and octet <= 47) or octet == 40 or octet == 41:
                layout += 1
            else:
                break
            place += 1
        at += 1
    return False


@inner
def is_known(src: Octets, start: int, end: int, t: Any, work: Octets) -> Any:
    """Whether a fake is somebody's original, or may be."""
    digits = 0
    for at in range(start, end):
        digits += src[at] >= 48 and src[at] <= 57
    if digits >= 8 and is_known_number(src, start, end, t, work):
        return True
    if t.known.size <= 1:
        return False
    count = fold(src, start, end, work, t.folding)
    if count < 0:
        return True
    low, _ = siphash(t.known_key[0], t.known_key[1], work, count)
    return holds(t.known, low | uint64(1)) >= 0


@inner
def put_ip(src: Octets, start: int, end: int, key: Any, work: Octets, out: Octets, o: int) -> int:
    """Write an address of version 4 of the range for benchmarks; a prefix length stays."""
    part, digits, dots, at = 0, 0, 0, start
    work[0] = work[1] = 0
    count = 2
    while at < end and src[at] != 47:
        octet = src[at]
        if octet >= 48 and octet <= 57:
            if digits and part == 0:
                return LEFT
            part, digits = part * 10 + int64(octet) - 48, digits + 1
        elif octet == 46 and digits:
            part, digits, dots = 0, 0, dots + 1
        else:
            return LEFT
        if part > 255 or digits > 3 or count > 20:
            return LEFT
        work[count] = octet
        count += 1
        at += 1
    if dots != 3 or digits == 0:
        return LEFT
    for tail in range(at + 1, end):  # a prefix length, and no other address
        if src[tail] < 48 or src[tail] > 57 or end - at > 4:
            return LEFT
    if at + 1 == end:
        return LEFT
    low, _ = siphash(key[0], key[1], work, count)
    host = NETWORK + int64(low % uint64(HOSTS)) + 1
    for shift in (24, 16, 8, 0):
        o = put_number(host >> shift & 255, out, o)
        if shift:
            out[o] = 46
            o += 1
    return put_octets(src, at, end, out, o)


@inner
def put_inet(src: Octets, start: int, end: int, key: Any, work: Octets, out: Octets, o: int) -> int:
    """Write what ``put_ip`` gives, in the form of COPY's binary format: see ``inet_send``."""
    if end - start != 8 or src[start + 3] != 4:
        return LEFT
    work[0] = work[1] = 0
    count = 2
    for at in range(4):
        count = put_number(src[start + 4 + at], work, count)
        work[count] = 46
        count += 1
    low, _ = siphash(key[0], key[1], work, count - 1)
    host = NETWORK + int64(low % uint64(HOSTS)) + 1
    o = put_octets(src, start, start + 4, out, o)
    for at in range(4):
        out[o + at] = host >> 24 - 8 * at & 255
    return o + 4


@inner
def put_uuid(src: Octets, start: int, end: int, key: Any, work: Octets, out: Octets, o: int) -> int:
    """Write a random UUID's look."""
    if end - start != 36:
        return LEFT
    work[0] = work[1] = 0
    for at in range(36):
        octet = src[start + at]
        if octet >= 128 or octet == 123 or octet == 125:
            return LEFT
        work[2 + at] = octet + uint8(32) if octet >= 65 and octet <= 90 else octet
    low, high = siphash(key[0], key[1], work, 38)
    high = (high & ~uint64(0xF000)) | uint64(0x4000)
    low = (low & ~uint64(3 << 62)) | uint64(2 << 62)
    for at in range(32):
        word = high if at < 16 else low
        digit = int64((word >> uint64(60 - at % 16 * 4)) & uint64(15))
        out[o] = 48 + digit if digit < 10 else 87 + digit
        o += 1
        if at == 7 or at == 11 or at == 15 or at == 19:
            out[o] = 45
            o += 1
    return o
