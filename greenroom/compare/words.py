"""A stored comparison in words: for the command line, the console and the page to send."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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


def describe_ignored(rule: Mapping[str, Any]) -> str:
    """Say what of which pages does not count."""
    left, top, width, height = rule.get("box") or (0, 0, 0, 0)
    what = rule.get("selector") or f"{width} by {height} px at {left}, {top}"
    pages = "every page" if rule.get("page") == "*" else str(rule.get("page"))
    return f"{what} on {pages}" + (f", {rule['viewport']}" if rule.get("viewport") else "")


def describe_view(page: Mapping[str, Any]) -> str:
    """Say how a page was looked at: its width, and state and colours where they are not usual."""
    more = [page.get("state"), "dark" if page.get("scheme") == "dark" else ""]
    return ", ".join([str(page["viewport"]), *filter(None, more)])


def short_selector(selector: str) -> str:
    """Give a selector as people read it: without what is said of every element."""
    plain = selector.replace(":nth-of-type(1)", "").removeprefix("html > ")
    return plain.removeprefix("body > ")


def as_viewed(
    page: dict[str, Any], url: Callable[[dict[str, Any], str], str]
) -> dict[str, Any]:  # fmt: skip
    """Give a page as the viewer takes it; ``url(side, "url" or "thumb")`` gives addresses."""
    sides = {
        side: {
            "url": url(kept, "url"), "thumb": url(kept, "thumb"),
            "width": kept["width"], "height": kept["height"],
        }
        if isinstance(kept := page.get(side), dict) else None
        for side in ("before", "after")
    }  # fmt: skip
    changes = [
        {
            "kind": change["kind"], "told": describe_change(change), "said": change.get("said", ""),
            "where": short_selector(change["selector"])[-80:], "selector": change["selector"],
            "signature": change["signature"], "before": change["before"], "after": change["after"],
        }
        for change in page["changes"]
    ]  # fmt: skip
    kept = {name: page.get(name, "") for name in ("path", "state", "viewport", "scheme", "verdict",
                                                  "failure")}  # fmt: skip
    rest = {name: page.get(name) or [] for name in ("notes", "rows")}
    return {
        **kept, **rest, **sides, "changes": changes, "left_out": page.get("left_out", 0),
        "masked": page.get("masked") or {},
    }  # fmt: skip
