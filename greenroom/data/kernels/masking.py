"""Batches of rows through the kernels; what they leave is asked of the plain functions."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from greenroom.data.halves import quoted
from greenroom.data.kernels.batches import mask_lines, mask_tuples, splice
from greenroom.data.kernels.documents import (
    CONTEXT,
    CONTEXT_END,
    END,
    FIRST,
    NUMBER,
    SHORT,
    mark_text,
)
from greenroom.data.kernels.letters import holds_at
from greenroom.data.kernels.tables import MEMO_OCTETS, MEMO_PLACES, WORK, with_own_memo
from greenroom.data.rows import escape

Field = Callable[[bytes], bytes | None]
"""The plain function of a field's octets; None for NULL in the binary format."""
Text = Callable[[str, str], str]
"""The plain function of a document's text, under a key."""
MOST_ASKS = 16_384
_ASK_WIDTH = 7


class Masker:
    """Masks batches of one plan's rows. For one thread."""

    def __init__(
        self, tables: Any, fields: Sequence[Field], texts: Sequence[tuple[Text, str] | None],
        plainly: Callable[[bytes], bytes], *, is_binary: bool, room: int,
    ) -> None:  # fmt: skip
        self._t, self._fields, self._texts = with_own_memo(tables), fields, texts
        self.plainly, self._is_binary = plainly, is_binary
        self._mask = mask_tuples if is_binary else mask_lines
        self._numbers = np.arange(len(fields), dtype=np.int64)
        self._work = np.zeros(WORK, np.uint8)
        self._stack = np.zeros((64, 3), np.int64)
        self._out, self._made = np.zeros(room, np.uint8), np.zeros(room, np.uint8)
        self._asks = np.zeros((MOST_ASKS, _ASK_WIDTH), np.int64)
        self._remembered, self._answer_end = 0, 0

    def __call__(self, buffer: Any, count: int, put: Callable[[Any], None]) -> None:
        """Mask the rows in a buffer's first ``count`` octets; ``put`` is called with octets."""
        if not buffer.flags.writeable:  # another type for numba: all would be compiled again
            buffer = np.array(buffer)
        at = 0
        while at < count:
            written, asked, rest = self._mask(
                buffer, at, count, self._numbers, self._t, self._work, self._stack, self._out,
                self._asks,
            )  # fmt: skip
            if rest == at:
                end = self._end_of_row(buffer, at, count)
                put(self.plainly(buffer[at:end].tobytes()))
                at = end
                continue
            if asked:
                put(self._answered(buffer, int(written), int(asked)))
            else:
                put(self._out[:written].data)
            at = rest

    def _end_of_row(self, buffer: Any, at: int, count: int) -> int:
        if not self._is_binary:
            return int(buffer[at:count].tobytes().index(b"\n")) + at + 1
        octets = buffer[at:count].tobytes()
        (fields,) = struct.unpack_from(">H", octets)
        end = 2
        for _ in range(fields):
            (size,) = struct.unpack_from(">i", octets, end)
            end += 4 + max(0, size)
        return at + end

    def _answered(self, buffer: Any, written: int, asked: int) -> Any:
        said, ends = bytearray(), np.zeros(asked, np.int64)
        for number in range(asked):
            ask = self._asks[number]
            which = int(ask[NUMBER])
            octets = buffer[ask[FIRST] : ask[END]].tobytes()
            if which >= 0:
                answer = self._fields[which](octets)
            else:
                answer = self._text(buffer, ask, -1 - which, octets)
            if answer is not None:
                said += answer
            ends[number] = -1 if answer is None else len(said)
        octets_needed = written + len(said)
        made = self._made if octets_needed <= self._made.size else np.zeros(octets_needed, np.uint8)
        answers = np.frombuffer(said or bytearray(1), np.uint8)
        size = splice(self._out, written, self._asks, asked, answers, ends, made)
        return made[:size].data

    def _text(self, buffer: Any, ask: Any, which: int, octets: bytes) -> bytes:
        known = self._texts[which]
        assert known is not None
        mask, column = known
        context, context_end = int(ask[CONTEXT]), int(ask[CONTEXT_END])
        name = column if context < 0 else buffer[context:context_end].tobytes().decode()
        text = json.loads(b'"' + octets + b'"', strict=False)
        answer = quoted(mask(text, name))[1:-1].encode()
        if not self._is_binary:
            answer = escape(answer.decode())
        if len(octets) <= SHORT and b"\\" not in octets:
            self._remember(buffer, ask, which, answer)
        return answer

    def _remember(self, buffer: Any, ask: Any, which: int, answer: bytes) -> None:
        t = self._t
        if self._remembered * 2 >= MEMO_PLACES or self._answer_end + len(answer) > MEMO_OCTETS:
            t.memo[:] = 0
            self._remembered = self._answer_end = 0
        mark = np.uint64(
            mark_text(
                buffer, ask[FIRST], ask[END], ask[CONTEXT], ask[CONTEXT_END], which, t, self._work
            )
        )
        place = int(holds_at(t.memo, mark))
        if place < 0:
            return
        end = self._answer_end + len(answer)
        t.memo[place], t.answer_at[place] = mark, (self._answer_end, end)
        t.answers[self._answer_end : end] = np.frombuffer(answer, np.uint8)
        self._remembered, self._answer_end = self._remembered + 1, end
