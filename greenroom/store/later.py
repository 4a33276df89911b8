"""When to try again what a service did not take. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

DELAYS_SECONDS = (60, 300, 1800, 7200, 21600)
"""Between attempts; after the last one it is given up."""


def next_attempt(moment: datetime, attempts: int) -> datetime | None:
    """Give when to try again after ``attempts`` and the one under way; None: not again."""
    if attempts >= len(DELAYS_SECONDS):
        return None
    return moment + timedelta(seconds=DELAYS_SECONDS[attempts])
