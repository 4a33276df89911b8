"""What the kernels look things up in: keys, words, known originals, methods."""

from __future__ import annotations

import re
import secrets
from collections import namedtuple
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from greenroom.data import siphash as plain
from greenroom.data import words
from greenroom.data.identities import Identities
from greenroom.data.index import IdentityIndex
from greenroom.data.kernels import values as v
from greenroom.data.kernels.hashing import hashed
from greenroom.data.kernels.letters import (
    any_word_known,
    fill,
    folding,
    kinds_of_letters,
    lowering,
    marks_of,
)
from greenroom.data.ops import PURPOSES, Op, constant_octets, names
from greenroom.data.permute import Keyed
from greenroom.data.policy import DOCUMENT_METHODS
from greenroom.data.pseudonyms import MAIL_DOMAINS, TAG_LETTERS, Pseudonyms
from greenroom.data.shapes import FICTIONAL

WORK = 16_384
MEMO_PLACES, MEMO_OCTETS = 1 << 16, 4 << 20
_LONGEST_WORD = 24
_NUMBERS = {
    "email": v.EMAIL, "username": v.USERNAME, "full_name": v.FULL_NAME,
    "first_name": v.FIRST_NAME, "last_name": v.LAST_NAME, "street": v.STREET, "city": v.CITY,
    "country_subdivision": v.CITY, "postcode": v.CODE, "token": v.CODE, "digits": v.DIGITS,
    "national_id": v.DIGITS, "phone": v.PHONE, "ip": v.IP, "uuid": v.UUID, "url": v.URL,
    "json": v.JSON, "json_strict": v.JSON, "null": v.NULL, "empty": v.CONSTANT,
    "constant": v.CONSTANT,
}  # fmt: skip
_MADE_OF_WORDS = {v.EMAIL, v.FULL_NAME, v.FIRST_NAME, v.LAST_NAME, v.STREET, v.CITY}
_CHECKED_ALWAYS = {"phone", "national_id"}

Tables = namedtuple(
    "Tables",
    "ops keys folding lowering kinds words sizes lists words_known tag_letters domains fiction url"
    " constants known_key known known_kinds numbers op_of_kind hex_known memo answer_at answers",
)  # fmt: skip


@dataclass(frozen=True)
class Known:
    """The database's own people as the kernels know them; one for all of a sync's plans."""

    key: Any
    table: Any
    kinds: Any
    numbers: Any
    words_known: bool
    hex_known: bool
    kind_names: tuple[str, ...]
    lists: tuple[Any, Any, Any]
    """The words that fakes are made of, their lengths, and where each list begins."""


def arm() -> None:
    """Let the plain functions hash by the compiled one, too."""

    def by_octets(first: int, second: int, octets: bytes) -> tuple[int, int]:
        low, high = hashed(
            np.uint64(first), np.uint64(second), np.frombuffer(octets or b"\0", np.uint8),
            len(octets),
        )  # fmt: skip
        return int(low), int(high)

    plain.choose(by_octets)


def know(people: Identities, pseudonyms: Pseudonyms) -> Known:
    """Mark whom the database knows, unless they are marked already."""
    if isinstance(people, IdentityIndex):
        return people.known(_matrix((*pseudonyms.words(), words.street_kinds())))
    key = np.array([secrets.randbits(64), secrets.randbits(64)], np.uint64)
    work = np.zeros(WORK, np.uint8)
    patterns = people.patterns()
    names = tuple(dict.fromkeys(patterns.values()))
    number_of = {name: number for number, name in enumerate(names)}
    kinds = np.fromiter(map(number_of.__getitem__, patterns.values()), np.uint8, len(patterns))
    lines = "\n".join(patterns).encode("utf-8", "surrogatepass")
    apart = np.frombuffer(lines or b"\n", np.uint8)
    octets, ends = laid_out(lines)
    marks = marks_of(octets, ends, key[0], key[1], work)
    lists = pseudonyms.words()
    ours = "\n".join(word for some in lists for word in some).lower().encode()
    word_table, _ = table_of(marks_of(*laid_out(ours), key[0], key[1], work))
    digits, digit_ends = laid_out(b"\n".join(people.numbers()))
    return Known(
        key, *table_of(marks, kinds),
        table_of(marks_of(digits, digit_ends, key[0], key[1], work))[0],
        bool(any_word_known(apart, 0, apart.size, word_table, key[0], key[1], work)),
        any(map(_HEXADECIMAL.fullmatch, patterns)), names,
        _matrix((*lists, words.street_kinds())),
    )  # fmt: skip


_HEXADECIMAL = re.compile("[0-9a-f-]*")


def laid_out(lines: bytes) -> tuple[Any, Any]:
    """Give texts, of which none has an end of line, one after another, and where each ends."""
    octets = np.frombuffer(lines, np.uint8)
    if not lines:
        return np.zeros(0, np.uint8), np.zeros(0, np.int64)
    breaks = np.flatnonzero(octets == ord("\n"))
    ends = np.append(breaks, octets.size) - np.arange(breaks.size + 1)
    return octets[octets != ord("\n")], ends


def table_of(marks: Any, kinds: Any = None) -> tuple[Any, Any]:
    """Give a table of marks, at most half full, and the kind of each where kinds are told."""
    size = 1 << (2 * len(marks)).bit_length() if len(marks) else 1
    table, found = np.zeros(size, np.uint64), np.zeros(size, np.uint8)
    fill(table, found, marks, np.zeros(len(marks), np.uint8) if kinds is None else kinds)
    return table, found


def make_tables(
    pseudonyms: Pseudonyms, known: Known, ops: Sequence[Op | None], methods: Mapping[str, str],
    *, is_binary: bool,
) -> Any:  # fmt: skip
    """Make the tables for one plan's columns; ``methods`` says what becomes of kinds in texts."""
    of_kinds = names(known.kind_names, methods)
    rows = [*ops, *of_kinds]
    made, keys, constants = np.zeros((len(rows) or 1, 8), np.int64), _keys(len(rows)), bytearray()
    for number, op in enumerate(rows):
        if op is None:
            continue
        which, constant = _NUMBERS[op.method], constant_octets(op, is_binary=is_binary)
        is_inet = is_binary and which == v.IP and op.base_type == "inet"
        made[number] = (
            v.INET if is_inet else which, op.is_unique,
            _checked(which, op), -1 if op.max_length is None else op.max_length, op.kept,
            len(constants), len(constants) + len(constant),
            is_binary and op.base_type == "jsonb",
        )  # fmt: skip
        constants += constant
        for at, purpose in enumerate(PURPOSES[op.method]):
            keyed: Keyed = pseudonyms.keyed(purpose)
            keys[number, at] = keyed.first, keyed.second
    matrix, sizes, starts = known.lists
    has_memo = any(op is not None and op.method in DOCUMENT_METHODS for op in ops)
    places = MEMO_PLACES if has_memo else 1
    return Tables(
        made, keys, folding(), lowering(), kinds_of_letters(), matrix, sizes, starts,
        known.words_known, np.frombuffer(TAG_LETTERS.encode(), np.uint8),
        np.array([list(f"@{domain}".encode()) for domain in MAIL_DOMAINS], np.uint8), _fiction(),
        np.frombuffer(b"https://example.com/", np.uint8),
        np.frombuffer(bytes(constants) or b"\0", np.uint8), known.key, known.table, known.kinds,
        known.numbers,
        np.array([len(ops) + n if op else -1 for n, op in enumerate(of_kinds)] or [-1], np.int64),
        known.hex_known, np.zeros(places, np.uint64), np.zeros((places, 2), np.int64),
        np.zeros(MEMO_OCTETS if has_memo else 1, np.uint8),
    )  # fmt: skip


def with_own_memo(tables: Any) -> Any:
    """Give tables that share all but what is remembered of texts: that is one masker's alone."""
    return tables._replace(
        memo=np.zeros_like(tables.memo), answer_at=np.zeros_like(tables.answer_at),
        answers=np.zeros_like(tables.answers),
    )  # fmt: skip


def _keys(count: int) -> Any:
    return np.zeros((count or 1, 2, 2), np.uint64)


def _checked(which: int, op: Op) -> int:
    if op.is_unique and op.method not in _CHECKED_ALWAYS:
        return 0
    return v.WORDS_CHECKED if which in _MADE_OF_WORDS else 1


def _matrix(lists: Sequence[Sequence[str]]) -> tuple[Any, Any, Any]:
    every = np.array([word.encode() for some in lists for word in some], f"S{_LONGEST_WORD}")
    matrix, sizes = every.view(np.uint8).reshape(-1, _LONGEST_WORD), np.char.str_len(every)
    firsts = np.cumsum([0, *(len(some) for some in lists)])
    starts = np.array([[first, len(some)] for first, some in zip(firsts, lists, strict=False)])
    return matrix, sizes.astype(np.uint8), starts.astype(np.int64)


def _fiction() -> Any:
    table = np.zeros((len(FICTIONAL), 16), np.uint8)
    for number, (code, (prefix, left)) in enumerate(FICTIONAL.items()):
        table[number, :2] = len(code), len(prefix) + left
        table[number, 2 : 2 + len(code)] = [int(digit) for digit in code]
        table[number, 4] = len(prefix)
        table[number, 5 : 5 + len(prefix)] = [int(digit) for digit in prefix]
    return table
