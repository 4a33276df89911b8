"""Which part of which table is copied in one transaction. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from greenroom.data.schema import Table

PAGES = 4096
"""Pages of 8 KiB in one chunk: 32 MiB, some seconds of work to lose at most."""
RANGES_SINCE = 140000
"""Server version with Tid Range Scan; an older one would read the whole table for each chunk."""


@dataclass(frozen=True)
class Chunk:
    """Rows of one table, by where they lie."""

    table: str
    """The table's ``key``."""
    number: int
    first_page: int = 0
    end_page: int | None = None
    """None: to the end, wherever that is by then."""

    @property
    def condition(self) -> str:
        """What SQL's WHERE says of it; empty for the whole table."""
        parts = []
        if self.first_page:
            parts.append(f"ctid >= '({self.first_page},0)'")
        if self.end_page is not None:
            parts.append(f"ctid < '({self.end_page},0)'")
        return " and ".join(parts)


def plan_chunks(table: Table, server_version: int, pages: int = PAGES) -> list[Chunk]:
    """Cut a table into chunks that together hold each row once."""
    if server_version < RANGES_SINCE or table.pages <= pages:
        return [Chunk(table.key, 0)]
    starts = range(0, table.pages, pages)
    return [
        Chunk(table.key, number, first, None if number == len(starts) - 1 else first + pages)
        for number, first in enumerate(starts)
    ]


def biggest_first(chunks: list[Chunk], tables: dict[str, Table]) -> list[Chunk]:
    """Order chunks so that the last one to end is a small one."""
    return sorted(chunks, key=lambda c: (-tables[c.table].size_bytes, c.table, c.number))
