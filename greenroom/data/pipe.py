"""Rows through libpq: from one server's COPY to another's, in bounded memory."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import pq
from psycopg.errors import error_from_result

from greenroom.data.compiling import goes_plainly, is_loaded
from greenroom.data.refusals import PRODUCTION, STAGING, lost, refused
from greenroom.data.source import Connection

if TYPE_CHECKING:
    from greenroom.data.compiled import RowMasker

BATCH_OCTETS, LARGE_OCTETS = 256 * 1024, 1 << 20
_HEAD = 19
"""Octets before the first row of the binary format, without extensions of it."""


@dataclass(frozen=True)
class Copied:
    """What one chunk brought."""

    rows: int
    octets: int


class Refused(Exception):
    """A server ended a COPY."""

    def __init__(self, error: psycopg.Error, side: str) -> None:
        self.error, self.side = error, side
        super().__init__(side)


class Pace:
    """Holds readers back to so many octets a second, all of a process together; 0 for no limit."""

    def __init__(self, octets_per_second: float) -> None:
        self._rate, self._free_at, self._mutex = octets_per_second, 0.0, threading.Lock()

    def wait(self, octets: int) -> None:
        """Wait until as many octets may have been read."""
        if not self._rate:
            return
        with self._mutex:
            now = time.monotonic()
            begun = max(now, self._free_at)
            self._free_at = begun + octets / self._rate
        if begun > now:
            time.sleep(begun - now)


def pipe(
    source: Connection, reading: str, target: Connection, writing: str, masker: RowMasker | None, *,
    is_binary: bool, pace: Pace,
) -> Copied:  # fmt: skip
    """Pass rows from one COPY to the other.

    Rows are read by compiled code where libpq is at hand: a call of Python's for each costs more
    than the masking. The target's socket is written to before more is read: whoever is slower
    holds the other back.
    """
    reader, writer = source.pgconn, target.pgconn
    _begin(reader, reading, pq.ExecStatus.COPY_OUT, PRODUCTION)
    try:
        _begin(writer, writing, pq.ExecStatus.COPY_IN, STAGING)
    except BaseException:
        _cancel(source)
        raise
    octets = 0
    is_first = is_binary
    try:
        for buffer, count in _batches(reader):
            octets += count
            pace.wait(count)
            at = 0
            if is_first:
                at = _HEAD + int.from_bytes(bytes(buffer[_HEAD - 4 : _HEAD]), "big")
                _put(writer, memoryview(buffer[:at]))
                is_first = False
            if masker is None:
                _put(writer, memoryview(buffer[at:count]))
            elif count > LARGE_OCTETS + BATCH_OCTETS:
                _put(writer, masker.plainly(bytes(buffer[at:count])))
            else:
                masker(buffer[at:], count - at, lambda made: _put(writer, made))
        _end(reader, PRODUCTION)
    except BaseException:
        with contextlib.suppress(psycopg.Error):
            _abandon(writer)
        _cancel(source)
        raise
    writer.put_copy_end()
    return Copied(_end(writer, STAGING), octets)


def _batches(reader: pq.abc.PGconn) -> Iterator[tuple[Any, int]]:
    """Give rows, many in a buffer that is used again, or one that is larger than that."""
    if goes_plainly():
        yield from _batches_plainly(reader)
        return
    import numpy as np

    from greenroom.data.kernels import reading

    if reading.libpq() is None:
        yield from _batches_plainly(reader)
        return
    buffer = np.zeros(LARGE_OCTETS + BATCH_OCTETS, np.uint8)
    state, slot = reading.new_state()
    address = np.intp(getattr(reader, "pgconn_ptr"))  # noqa: B009
    while True:
        reading.read_batch(address, buffer, BATCH_OCTETS, state, slot)
        count, status = int(state[reading.COUNT]), int(state[reading.STATUS])
        if count:
            yield buffer, count
        if state[reading.ADDRESS]:
            large = np.frombuffer(reading.take_large(state), np.uint8)
            yield large, large.size
        elif status <= 0:
            return


def _batches_plainly(reader: pq.abc.PGconn) -> Iterator[tuple[Any, int]]:
    import numpy as np

    batch, size = list[bytes](), 0
    while True:
        count, data = reader.get_copy_data(0)
        is_large = count > LARGE_OCTETS
        if batch and (count <= 0 or is_large or size >= BATCH_OCTETS):
            yield np.frombuffer(b"".join(batch), np.uint8), size
            batch, size = [], 0
        if count <= 0:
            return
        if is_large:
            yield np.frombuffer(bytes(data), np.uint8), count
        else:
            batch.append(bytes(data))
            size += count


def _put(writer: pq.abc.PGconn, octets: bytes | memoryview) -> None:
    """Send octets piece by piece: libpq makes room for all that it is given at once."""
    view = memoryview(octets)
    for start in range(0, len(view), LARGE_OCTETS):
        writer.put_copy_data(view[start : start + LARGE_OCTETS])


def read_blocks(
    connection: Connection, command: str, key: str, side: str = PRODUCTION
) -> Iterator[bytes]:
    """Give the rows of a COPY out, many at a time, each with its end of line.

    Errors: SourceUnavailable, DatabaseUnavailable, SyncFailed.
    """
    reader = connection.pgconn
    is_through = False
    try:
        _begin(reader, command, pq.ExecStatus.COPY_OUT, side)
        for buffer, count in _batches(reader) if is_loaded() else _batches_plainly(reader):
            yield buffer[:count].tobytes()
        _end(reader, side)
        is_through = True
    except Refused as why:
        raise refused(why.error, side, key) from None
    except psycopg.Error:
        raise lost(side, key) from None
    finally:
        if not is_through:
            _cancel(connection)


def _begin(connection: pq.abc.PGconn, command: str, wanted: pq.ExecStatus, side: str) -> None:
    connection.nonblocking = 0
    result = connection.exec_(command.encode())
    if result.status != wanted:
        raise Refused(error_from_result(result), side)


def _end(connection: pq.abc.PGconn, side: str) -> int:
    """Read what a COPY came to; give its rows."""
    failed: psycopg.Error | None = None
    rows = 0
    while (result := connection.get_result()) is not None:
        rows += result.command_tuples or 0
        if result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
            failed = failed or error_from_result(result)
    if failed is not None:
        raise Refused(failed, side)
    return rows


def _abandon(connection: pq.abc.PGconn) -> None:
    if connection.status == pq.ConnStatus.OK:
        connection.put_copy_end(b"abandoned")
        while connection.get_result() is not None:
            pass


def _cancel(connection: Connection) -> None:
    """End a COPY OUT that nobody reads any more."""
    if connection.pgconn.status != pq.ConnStatus.OK:
        return
    with contextlib.suppress(psycopg.Error):  # it may have ended by itself
        connection.cancel_safe()
        while connection.pgconn.get_copy_data(0)[0] > 0:
            pass
    with contextlib.suppress(psycopg.Error):
        while connection.pgconn.get_result() is not None:
            pass
