"""What Lighthouse said, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ADVICE = {
    "new": "Advice for here that production does not get",
    "gone": "Advice for production that no longer holds here",
    "both": "Advice for both",
}
_CATEGORIES = {
    "performance": "Performance", "accessibility": "Accessibility",
    "best-practices": "Best practices", "seo": "Search engines",
}  # fmt: skip


def score_rows(found: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """Give ``(name, production, here, how sure)`` of each category, 0 to 100."""
    rows = []
    for name, title in _CATEGORIES.items():
        if name in found["scores"]:
            score = found["scores"][name]
            after = "" if score["after"] is None else f"{100 * score['after']:.0f}"
            low, high = 100 * score["low"], 100 * score["high"]
            spread = f"{low:.0f} to {high:.0f} in {found['runs']} runs"
            if after:
                spread = f"differs by {low:+.0f} to {high:+.0f} in {found['runs']} pairs"
            rows.append((title, f"{100 * score['before']:.0f}", after, spread))
    return rows
