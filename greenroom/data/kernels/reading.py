"""Rows from libpq, many at a time: it hands out one for each call, and a call of Python's is dear.

libpq's own functions are called by the compiled loop, without Python's lock. Source: PostgreSQL
documentation, "Functions Associated with the COPY Command".
"""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import psycopg  # noqa: F401 - before its binary part
from llvmlite import binding
from numba import njit, types

from greenroom.data.kernels.hashing import Octets

COUNT, ADDRESS, ROWS, STATUS = range(4)
"""What ``state`` holds: octets in the buffer, a row that had no room, rows, the last answer."""
_get: Any = types.ExternalFunction(
    "greenroom_get_copy_data", types.intc(types.intp, types.intp, types.intc)
)
_free: Any = types.ExternalFunction("greenroom_free_memory", types.void(types.intp))
_copy: Any = types.ExternalFunction("memcpy", types.intp(types.intp, types.intp, types.uintp))


@njit(cache=True, nogil=True)
def read_batch(connection: Any, buffer: Octets, enough: Any, state: Any, slot: Any) -> None:
    """Read rows into a buffer until there are ``enough`` octets, or one that has no room."""
    count = rows = 0
    status: Any = np.int32(0)
    while count < enough:
        status = _get(connection, slot.ctypes.data, np.int32(0))
        if status <= 0:
            break
        rows += 1
        if count + status > buffer.size:
            state[ADDRESS] = slot[0]
            break
        _copy(buffer.ctypes.data + count, slot[0], np.uint64(status))
        _free(slot[0])
        count += status
    state[COUNT], state[ROWS], state[STATUS] = count, rows, status


@cache
def libpq() -> Any:
    """Show compiled code the libpq that psycopg has loaded; None where it is not found."""
    try:
        import psycopg_binary
    except ImportError:
        return None
    folder = Path(psycopg_binary.__file__).parent
    found = [*folder.parent.glob("psycopg_binary.libs/libpq*"), *folder.glob(".dylibs/libpq*")]
    if len(found) != 1:
        return None
    library = ctypes.CDLL(str(found[0]))
    for name, symbol in (("PQgetCopyData", "get_copy_data"), ("PQfreemem", "free_memory")):
        address = ctypes.cast(getattr(library, name), ctypes.c_void_p).value
        binding.add_symbol(f"greenroom_{symbol}", address)
    return library


def take_large(state: Any) -> bytes:
    """Give the row that had no room."""
    address, size = int(state[ADDRESS]), int(state[STATUS])
    try:
        return ctypes.string_at(address, size)
    finally:
        state[ADDRESS] = 0
        libpq().PQfreemem(ctypes.c_void_p(address))


def new_state() -> tuple[Any, Any]:
    """Give what ``read_batch`` writes to."""
    return np.zeros(4, np.int64), np.zeros(1, np.intp)
