"""A stored comparison in words: for the command line, the console and the page to send."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def count_verdicts(pages: Iterable[dict[str, Any]]) -> str:
    """Say how many pages have which verdict."""
    counts: dict[str, int] = {}
    for page in pages:
        counts[page["verdict"]] = counts.get(page["verdict"], 0) + 1
    return ", ".join(f"{number} {verdict}" for verdict, number in sorted(counts.items()))


def describe_change(change: dict[str, Any]) -> str:
    """Say one change: what it is, with the text and styles that differ."""
    kind, before, after = change["kind"], change["text_before"], change["text_after"]
    styles = "; ".join(f"{name}: {a} → {b}" for name, (a, b) in change["styles"].items())
    if kind == "inserted":
        said = f"added: “{after}”" if after else "added"
    elif kind == "removed":
        said = f"removed: “{before}”" if before else "removed"
    elif before != after:
        said = f"{kind}: “{before}” → “{after}”"
    else:
        said = kind
    return f"{said} ({styles})" if styles else said


def short_selector(selector: str) -> str:
    """Give a selector as people read it: without what is said of every element."""
    plain = selector.replace(":nth-of-type(1)", "").removeprefix("html > ")
    return plain.removeprefix("body > ")
