"""Canaries: made-up originals, planted in what the proof looks through, one in each form.

"No original was found" says only as much as the eyes that looked. Canaries go the way of every
original, from the list of what is looked for through the reading of a table to the finding: a
proof that misses one has proved nothing.
"""

from __future__ import annotations

import base64
import json
import quopri
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote

from greenroom.data.copy import TablePlan
from greenroom.data.schema import Column, Table
from greenroom.data.source import Connection
from greenroom.data.verify import Leak, Needles, Origin
from greenroom.errors import SyncFailed

if TYPE_CHECKING:
    from greenroom.data.needles import MarkedNeedles

PLACE = "a canary"
FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "JSON escapes": lambda value: "".join(f"\\u{ord(sign):04x}" for sign in value),
    "URL escapes": lambda value: quote(value, safe="").replace("a", "%61"),
    "HTML entities": lambda value: "".join(f"&#{ord(sign)};" for sign in value),
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "hexadecimal": lambda value: value.encode().hex(),
    "quoted-printable": lambda value: quopri.encodestring(value.encode()).decode(),
    "an escape in a code": lambda value: base64.b64encode(
        quote(value, safe="").encode()).decode(),
}  # fmt: skip
"""How a canary is written, in a text."""
TABLE = Table(
    "pg_temp",
    "greenroom_canaries",
    (Column("said", "text", "text"), Column("document", "jsonb", "jsonb"),
     Column("raw", "bytea", "bytea")),
)  # fmt: skip
PLAN = TablePlan(TABLE)


def make() -> dict[str, str]:
    """Make one for each form, and one for each other type of column; nobody has them."""
    made = {form: f"{secrets.token_hex(6)}@kanarie-é.invalid" for form in FORMS}
    made |= {kind: f"{secrets.token_hex(6)}@kanarie.invalid" for kind in ("a document", "octets")}
    made["digits in their layout"] = "".join(str(secrets.randbelow(10)) for _ in range(14))
    return made


def add_to(needles: Needles | MarkedNeedles, canaries: dict[str, str]) -> None:
    """Have them looked for, as originals are."""
    for form, value in canaries.items():
        needles.add(Origin(PLACE, form), [value])


def plant(target: Connection, canaries: dict[str, str]) -> None:
    """Write them to a table of this session, which nobody else sees."""
    columns = ", ".join(f"{column.name} {column.type}" for column in TABLE.columns)
    target.execute(f"create temp table {TABLE.name} ({columns})".encode())
    rows: list[tuple[str | None, str | None, bytes | None]] = []
    for form, write in FORMS.items():
        rows.append((f"Dear {write(canaries[form])} ,", None, None))
    digits = canaries["digits in their layout"]
    rows.append((f"call {digits[:4]}-{digits[4:9]} {digits[9:]}", None, None))
    rows.append((None, json.dumps({"to": [canaries["a document"]]}), None))
    rows.append((None, None, b"\x01" + canaries["octets"].encode("utf-16-le")))
    with target.cursor() as cursor:
        cursor.executemany(f"insert into {TABLE.sql} values (%s, %s, %s)".encode(), rows)


def check(canaries: dict[str, str], leaks: list[Leak]) -> int:
    """Give how many were found.

    Errors: SyncFailed when one was not, naming its form.
    """
    found = {leak.origin.column for leak in leaks if leak.origin.table == PLACE}
    if missed := [form for form in canaries if form not in found]:
        raise SyncFailed(
            f"the proof does not see what was planted for it: {', '.join(missed)}",
            hint="Nothing is proved by it. Please report this; staging stays as it was.",
        )
    return len(found)
