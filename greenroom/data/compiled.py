"""The compiled kernels of one sync: loaded where rows are masked, compiled once.

What numba compiles is kept for the user, or in the home where the user has no folder; apart for
each state of the source. Compiling takes a minute: a small sync that finds nothing compiled does
not wait for it, and its rows go through the plain functions, which give the same.
``python -m greenroom.data.kernels`` compiles it beforehand.
"""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from greenroom.data.compiling import go_plainly, goes_plainly, is_loaded, tell_loaded
from greenroom.data.identities import Identities
from greenroom.data.kernels import places
from greenroom.data.ops import Op
from greenroom.data.policy import DOCUMENT_METHODS, STRICT_METHODS
from greenroom.data.pseudonyms import Pseudonyms
from greenroom.data.rows import Kernel, row_masker

if TYPE_CHECKING:
    from greenroom.data.copy import TablePlan
    from greenroom.data.text import MakeFakes, TextMasker

ROOM = 2 << 20
"""Octets for what becomes of a batch: fakes may be longer than what they stand for."""
_NULL = b"\xff\xff\xff\xff"
_END = b"\xff\xff"
"""Ends the binary format. Source: PostgreSQL documentation, COPY."""
_loading = threading.Lock()


def load(folder: Path, *, is_small: bool = False) -> None:
    """Load the kernels; ``folder`` is of the home. Idempotent. The first time takes a minute.

    What is small is left to the plain functions until something has compiled them.
    """
    if is_loaded():
        return
    with _loading:
        places.keep_in(folder)
        kept = places.folder()
        if is_small and not (kept and any(kept.glob("batches.mask_*.nbi"))):
            go_plainly(True)
            return
        go_plainly(False)
        from greenroom.data.kernels import tables

        tables.arm()
        tell_loaded()


class Kernels:
    """What the kernels need to know of one sync's key and people."""

    def __init__(
        self, pseudonyms: Pseudonyms, people: Identities, masker: TextMasker | None = None
    ) -> None:
        self._pseudonyms, self._people, self._masker = pseudonyms, people, masker
        self._mutex = threading.Lock()
        self._made: dict[tuple[str, bool], Any] = {}

    @cached_property
    def known(self) -> Any:
        """Mark whom the database knows, once."""
        from greenroom.data.kernels.tables import know

        return know(self._people, self._pseudonyms)

    def _tables(self, plan: TablePlan, *, is_binary: bool) -> Any:
        from greenroom.data.kernels.tables import make_tables

        with self._mutex:
            made = self._made.get((plan.table.key, is_binary))
            if made is None:
                methods: Mapping[str, str] = {} if self._masker is None else self._masker.methods
                made = self._made[plan.table.key, is_binary] = make_tables(
                    self._pseudonyms,
                    self.known,
                    list(plan.op_by_column.values()),
                    methods,
                    is_binary=is_binary,
                )
            return made

    def fakes(self, methods: Mapping[str, str]) -> MakeFakes | None:
        """Give what makes fakes of many originals at once, by kind; None where nothing does."""
        if goes_plainly() or not is_loaded():
            return None
        from greenroom.data.kernels.fakes import Fakes

        return Fakes(self._pseudonyms, self.known, methods)

    def _text_of(self, column: str, op: Op | None) -> tuple[Callable[[str, str], str], str] | None:
        """Give what masks the texts of a column's documents, and the column's name."""
        if self._masker is None or op is None or op.method not in DOCUMENT_METHODS:
            return None
        masker = self._masker.strict if op.method in STRICT_METHODS else self._masker
        return masker.text_of, column

    def masker(self, plan: TablePlan, *, is_binary: bool, room: int = ROOM) -> RowMasker:
        """Make a masker of a plan's rows, for one thread."""
        if is_binary:
            types = [plan.table.column(name).base_type for name, _ in plan.masked]
            kernels = plan.named_kernels()
            fields = [_binary_field(k, kind) for k, kind in zip(kernels, types, strict=True)]
            plainly = _tuple_masker(fields, types)
        else:
            lines = plan.field_maskers()
            fields, plainly = [*lines], row_masker(lines)
        if goes_plainly():
            return Plainly(plainly, is_binary=is_binary)
        from greenroom.data.kernels.masking import Masker

        texts = [self._text_of(name, op) for name, op in plan.op_by_column.items()]
        return Masker(
            self._tables(plan, is_binary=is_binary), fields, texts, plainly, is_binary=is_binary,
            room=room,
        )  # fmt: skip


class RowMasker(Protocol):
    """Masks whole rows."""

    plainly: Callable[[bytes], bytes]
    """Masks one row."""

    def __call__(self, buffer: Any, count: int, put: Callable[[Any], None]) -> None:
        """Mask the rows in a buffer's first ``count`` octets; ``put`` is called with octets."""


class Plainly:
    """Masks row by row, by the plain functions."""

    def __init__(self, plainly: Callable[[bytes], bytes], *, is_binary: bool) -> None:
        self.plainly, self._is_binary = plainly, is_binary

    def __call__(self, buffer: Any, count: int, put: Callable[[Any], None]) -> None:
        """Mask the rows in a buffer's first ``count`` octets; ``put`` is called with octets."""
        octets = buffer[:count].tobytes()
        rows = _binary_rows(octets) if self._is_binary else octets.splitlines(keepends=True)
        put(b"".join(row if row == _END else self.plainly(row) for row in rows))


def _binary_rows(octets: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(octets):
        start, fields = at, int.from_bytes(octets[at : at + 2], "big", signed=True)
        at += 2
        for _ in range(fields):
            at += 4 + max(0, int.from_bytes(octets[at : at + 4], "big", signed=True))
        yield octets[start:at]


def _binary_field(kernel: Kernel, base_type: str) -> Callable[[bytes], bytes | None]:
    """Make a kernel work on octets of the binary format; a document's without its version."""

    def mask(octets: bytes) -> bytes | None:
        if base_type == "inet":
            return _inet(kernel(_address(octets)))
        made = kernel(octets.decode())
        return None if made is None else made.encode()

    return mask


def _address(octets: bytes) -> str:
    address = ipaddress.ip_address(octets[4:])
    return str(address) if octets[1] == address.max_prefixlen else f"{address}/{octets[1]}"


def _inet(value: str | None) -> bytes | None:
    """Write an address in the binary format. Source: ``network_send`` of PostgreSQL."""
    if value is None:
        return None
    plain, _, length = value.partition("/")
    address = ipaddress.ip_address(plain)
    packed = address.packed
    bits = int(length) if length else address.max_prefixlen
    return bytes((2 if address.version == 4 else 3, bits, 0, len(packed))) + packed


def _tuple_masker(
    fields: Sequence[Callable[[bytes], bytes | None]], types: Sequence[str]
) -> Callable[[bytes], bytes]:
    """Make a function of rows in the binary format whose first fields are the masked ones."""
    skipped = [1 if kind == "jsonb" else 0 for kind in types]

    def mask(row: bytes) -> bytes:
        made, at = [row[:2]], 2
        for field, skip in zip(fields, skipped, strict=True):
            size = int.from_bytes(row[at : at + 4], "big", signed=True)
            at += 4
            value = None if size < 0 else field(row[at + skip : at + size])
            if value is None:
                made.append(_NULL)
            else:
                value = row[at : at + skip] + value
                made.append(len(value).to_bytes(4, "big") + value)
            at += max(0, size)
        return b"".join((*made, row[at:]))

    return mask


def kernels_of_nobody() -> Kernels:
    """Give kernels without a key, for plans whose columns none of them masks."""
    return Kernels(Pseudonyms(bytes(32)), Identities())
