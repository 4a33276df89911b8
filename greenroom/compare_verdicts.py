"""What becomes of a comparison's changes by what people said of them. Pure.

A decision is about one change: its page and its fingerprint. It holds wherever the project shows
that change again, and says nothing of any other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

APPROVED, REJECTED = "approved", "rejected"
ORDER = ("failed", REJECTED, "changed", "new", "gone", APPROVED, "unchanged")
Key = tuple[str, str]
"""A page's path and a change's fingerprint."""
Said = Mapping[Key, str]


def signatures(page: Mapping[str, Any]) -> list[str]:
    """Give the fingerprints of what people are asked about a page; one of a page as a whole."""
    if page["verdict"] in ("new", "gone"):
        shot = page["after"] or page["before"]
        looks = shot["picture"] if isinstance(shot, dict) else ""
        whole = f"{page['verdict']} {page['viewport']} {looks}"
        return [hashlib.sha256(whole.encode()).hexdigest()[:32]]
    if page["verdict"] != "changed":
        return []
    asked = [change["signature"] for change in page["changes"]]
    if page.get("left_out"):
        asked.append(page.get("left_signature") or f"{page['left_out']} more")
    return asked


def said_of(page: Mapping[str, Any], said: Said) -> list[str]:
    """Give what was said of each change of a page; empty where nothing was."""
    return [said.get((page["path"], one), "") for one in signatures(page)]


def verdict_of(page: Mapping[str, Any], said: Said) -> str:
    """Give a page's verdict after what people said: all approved is approved, one no is no."""
    words = said_of(page, said)
    if REJECTED in words:
        return REJECTED
    return APPROVED if words and set(words) == {APPROVED} else str(page["verdict"])


def decided(pages: Iterable[Mapping[str, Any]], said: Said) -> list[dict[str, Any]]:
    """Give pages with the verdicts after what people said, and what was said of each change."""
    found = []
    for page in pages:
        words = said_of(page, said)
        changes = [dict(change, said=word)
                   for change, word in zip(page["changes"], words, strict=False)]  # fmt: skip
        left = {"changes": changes} if page["verdict"] == "changed" else {}
        found.append({**page, **left, "verdict": verdict_of(page, said)})
    return found


def worst(pages: Iterable[Mapping[str, Any]]) -> str:
    """Give the verdict of a whole comparison: the worst of its pages'."""
    verdicts = {str(page["verdict"]) for page in pages}
    return next((one for one in ORDER if one in verdicts), "unchanged")


def chosen(
    pages: Sequence[Mapping[str, Any]], path: str = "", signature: str = ""
) -> Iterator[Key]:
    """Give the changes that a decision is about: of a run, a page, or one wherever it shows."""
    for page in pages:
        for one in signatures(page):
            if (not path or page["path"] == path) and (not signature or one == signature):
                yield page["path"], one
