"""What documents hold, by the paths of their keys: evidence for a column of JSON. Pure."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from greenroom.data import evidence, hints
from greenroom.data.hints import Vote

MOST_PATHS = 5
OFTEN = 0.2
"""Share of the documents that must have a path for its keys to be words of the schema."""
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")
_SOMEBODYS = re.compile(r"[^@\s]+@[^@\s]+\.\w{2,}|\+?\d[\d ()./-]{7,}")


def by_documents(values: Sequence[str]) -> Vote:
    """Say where in the documents people are, by names of keys and shapes of values.

    Only keys that many documents share are named: others may be somebody's name.
    """
    seen: Counter[str] = Counter()
    texts: dict[str, list[str]] = defaultdict(list)
    count, has_people_as_keys = 0, False
    for value in values:
        try:
            document = json.loads(value)
        except (ValueError, RecursionError):
            continue  # cut off, or not a document
        count += 1
        paths: set[str] = set()
        for path, key, text in _walk(document, ()):
            has_people_as_keys |= _SOMEBODYS.fullmatch(key) is not None
            if all(_KEY.fullmatch(part) for part in path):
                paths.add(".".join(path))
                if text is not None:
                    texts[".".join(path)].append(text)
        seen.update(paths)
    if has_people_as_keys:
        return Vote(
            "json", 0.3, "some keys look like addresses or numbers of people: json leaves keys as"
            " they are; null is safer",
        )  # fmt: skip
    often = [path for path in seen if seen[path] >= max(3, count * OFTEN)]
    where = [f"{path} ({what})" for path in sorted(often) if (what := _what(path, texts[path]))]
    more = f" and {len(where) - MOST_PATHS} more" if len(where) > MOST_PATHS else ""
    if where:
        return Vote("json", 0.95, f"people in {', '.join(where[:MOST_PATHS])}{more}")
    why = "a document: every text in it is read for people"
    return Vote("json", 0.9 if count else 0.8, why)


def _walk(
    node: object, path: tuple[str, ...], depth: int = 0
) -> Iterator[tuple[tuple[str, ...], str, str | None]]:
    if depth > 12:
        return
    if isinstance(node, dict):
        for key, value in node.items():
            yield (*path, key), key, value if isinstance(value, str) else None
            yield from _walk(value, (*path, key), depth + 1)
    elif isinstance(node, list):
        for item in node[:20]:
            if isinstance(item, str) and path:
                yield path, "", item
            yield from _walk(item, path, depth + 1)


def _what(path: str, texts: Sequence[str]) -> str:
    """Say what stands at a path; empty when it is nothing of somebody's."""
    *before, name = path.split(".")
    vote = hints.by_key(before[-1] if before else "", name) if texts else None
    found = evidence.by_values(texts[:60])
    chosen = found or vote
    return "" if chosen is None or chosen.method == "text" else chosen.method.replace("_", " ")
