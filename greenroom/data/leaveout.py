"""How many people in texts are found who stand in no column: estimated without any labels.

A fifth of those whom the database knows is hidden; what the other means still find of their
occurrences says how strangers fare. Values are held in memory only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

from greenroom.data.identities import Identities, fold
from greenroom.data.models import Models
from greenroom.data.policy import TEXT_METHODS, Policy
from greenroom.data.pseudonyms import Pseudonyms
from greenroom.data.schema import Schema, quote
from greenroom.data.source import Connection
from greenroom.data.text import TextMasker

TEXTS, LETTERS = 400, 2000
HIDDEN_OF = 5
"""One of so many is hidden, always the same ones."""
ENOUGH = 0.5
"""Share of an occurrence that must be covered."""


def leave_out(
    people: Identities, texts: Iterable[str], models: Models | None = None
) -> dict[str, Any]:
    """Estimate the recall of everything but the database's own people."""
    others = TextMasker(Pseudonyms(bytes(32)), Identities(), models)
    occurrences = found = 0
    for text in texts:
        hidden = [
            (match.start, match.end)
            for match in people.find(text)
            if _is_hidden(text[match.start : match.end])
        ]
        if not hidden:
            continue
        spans = [(f.start, f.end) for f in others.find(text)]
        occurrences += len(hidden)
        found += sum(_covered(span, spans) >= ENOUGH for span in hidden)
    recall = found / occurrences if occurrences else None
    by = f"; by {models.words}" if models else ""
    return {"occurrences": occurrences, "found": found, "recall": recall,
            "words": _words(occurrences, recall) + by}  # fmt: skip


def _is_hidden(text: str) -> bool:
    return hashlib.blake2b(fold(text).encode(), digest_size=2).digest()[0] % HIDDEN_OF == 0


def _covered(span: tuple[int, int], others: Iterable[tuple[int, int]]) -> float:
    start, end = span
    return max(((min(end, b) - max(start, a)) / (end - start) for a, b in others), default=0.0)


def _words(occurrences: int, recall: float | None) -> str:
    if recall is None:
        return "no text of the sample names anybody whom the database knows"
    return (
        f"of {occurrences:,} places in a sample of texts where somebody stands whom we pretended"
        f" not to know, {recall:.0%} were found by other means: so it goes with strangers"
    )


def sample_texts(source: Connection, schema: Schema, policy: Policy) -> Iterator[str]:
    """Give some texts of every column that is read for people."""
    columns = [
        (table, column)
        for table in schema.tables
        for column in table.columns
        if (decision := policy.decision(table, column)) is not None
        and decision.method in TEXT_METHODS
    ]
    for table, column in columns:
        name = quote(column.name)
        rows = source.execute(
            f"select left({name}::text, {LETTERS}) from only {table.sql} where {name} is not null"
            f" limit {max(20, TEXTS // len(columns))}".encode()
        ).fetchall()
        for (text,) in rows:
            yield str(text)
