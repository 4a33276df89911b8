"""What a compiled kernel needs to know of a column, decided without loading any kernel. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from greenroom.data.rows import Kernel, escape
from greenroom.data.schema import Column, Table

PURPOSES: dict[str, tuple[str, ...]] = {
    "email": ("email",), "username": ("username",), "full_name": ("given name", "family name"),
    "first_name": ("given name",), "last_name": ("family name",), "street": ("street",),
    "city": ("city",), "country_subdivision": ("city",), "postcode": ("postcode",),
    "token": ("token",), "digits": ("digits",), "national_id": ("national id",),
    "phone": ("phone",), "ip": ("ip",), "uuid": ("uuid",), "url": ("url",),
    "json": (), "json_strict": (), "null": (), "empty": (), "constant": (),
}  # fmt: skip
"""Methods that have a kernel, and what their keys are for."""
LONGEST_CONSTANT = 400
"""Octets that the kernels have room for beside any original: see ``batches.MARGIN``."""
_ONLY_SHARED = frozenset(
    {"full_name", "first_name", "last_name", "street", "city", "country_subdivision", "ip"}
)
"""Methods whose kernels do not keep the values of a unique column apart."""
_TEXTS = frozenset({"text", "varchar", "bpchar", "citext", "json", "jsonb"})
"""Types whose binary form is their text (``jsonb``: after its version)."""
_BINARY = _TEXTS | {
    "bool", "int2", "int4", "int8", "float4", "float8", "numeric", "date", "time", "timetz",
    "timestamp", "timestamptz", "interval", "uuid", "bytea", "inet", "cidr", "macaddr",
}  # fmt: skip
"""Types of every server whose binary form is the same from 13 to 18 and names no object's id."""


@dataclass(frozen=True)
class Op:
    """What a kernel needs to know of a column's method."""

    method: str
    is_unique: bool = False
    max_length: int | None = None
    kept: int = 0
    """Characters of the original that stay."""
    constant: str = ""
    base_type: str = "text"


def op_of(method: str, column: Column, options: Mapping[str, Any], kernel: Kernel) -> Op | None:
    """Decide how a kernel masks a column; None where the plain function must do it."""
    if method not in PURPOSES or options.get("generalise"):
        return None
    if column.base_type.startswith("_") or (column.is_unique and method in _ONLY_SHARED):
        return None
    kept = options.get("keep", 0) if method == "postcode" else 0
    constant = str(kernel("")) if method in ("empty", "constant") else ""
    if len(escape(constant)) > LONGEST_CONSTANT:
        return None
    return Op(method, column.is_unique, column.max_length, kept, constant, column.base_type)


def travels_binary(table: Table, masked: Mapping[str, Op | None]) -> bool:
    """Whether a table's rows are copied in the binary format: it costs the target less."""
    for column in table.columns:
        if column.is_generated:
            continue
        kind = column.base_type
        if column.name not in masked:
            if kind.removeprefix("_") not in _BINARY:
                return False
            continue
        op = masked[column.name]
        if kind == "jsonb" and op is None:
            return False  # a kernel alone knows of the version before its text
        if kind in _TEXTS or (op is not None and op.method == "null" and kind in _BINARY):
            continue
        if kind != "inet" or op is None or op.method != "ip":
            return False
    return True


def constant_octets(op: Op, *, is_binary: bool) -> bytes:
    """Give a constant as COPY has it."""
    return op.constant.encode() if is_binary else escape(op.constant)


def names(kinds: Collection[str], methods: Mapping[str, str]) -> list[Op | None]:
    """Give the kernels for kinds of identities, as they are masked in texts."""
    column = Column("text", "text", "text")
    return [op_of(methods[k], column, {}, str) if k in methods else None for k in kinds]
