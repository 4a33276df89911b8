"""Which browsers a machine may have; loads none of what drives them."""

from __future__ import annotations

import shutil
from pathlib import Path

NAMES = (
    "chromium-headless-shell", "google-chrome", "google-chrome-stable", "chrome", "chromium",
    "chromium-browser",
)  # fmt: skip
"""The shell first: the same pixels for three fifths of the work."""


def has_browser() -> bool:
    """Whether pictures can be taken here."""
    if any(map(shutil.which, NAMES)):
        return True
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return Path(playwright.chromium.executable_path).is_file()
