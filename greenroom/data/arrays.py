"""Arrays in Postgres' text form, element by element.

Source: PostgreSQL documentation, "Array Input and Output Syntax".
"""

from __future__ import annotations

import re

from greenroom.data.rows import Kernel


def elementwise(kernel: Kernel) -> Kernel:
    """Make a kernel work on each element of an array in Postgres' text form.

    Source: PostgreSQL documentation, "Array Input and Output Syntax".
    """

    def run(value: str) -> str:
        return _ELEMENT.sub(lambda found: _element(found, kernel), value)

    return run


_ELEMENT = re.compile(
    r'"((?:[^"\\]|\\.)*)"|(?<=[{,])([^{}", \t\n\r\v\f][^{},]*)(?=[},])', re.DOTALL
)
"""Postgres quotes an element for the space of ASCII alone: another's may begin with any other."""


def _element(found: re.Match[str], kernel: Kernel) -> str:
    quoted, plain = found.groups()
    if plain is not None and plain.upper() == "NULL":
        return plain
    original = re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL) if quoted is not None else plain
    made = kernel(original)
    if made is None:
        return "NULL"
    escaped = made.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
