"""Find a browser for taking pictures of pages."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Playwright, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from greenroom.compare.installed import NAMES
from greenroom.errors import PlatformError

ARGUMENTS = ("--disable-gpu", "--hide-scrollbars", "--blink-settings=imageAnimationPolicy=2")
"""The last shows the first picture of moving ones. Source: Chromium's
third_party/blink/public/mojom/webpreferences, ImageAnimationPolicy: 2 allows no animation."""


def find_browser(own: Path, which: Callable[[str], str | None] = shutil.which) -> str:
    """Give the path of Playwright's own browser, else of one on this machine."""
    if own.is_file():
        return str(own)
    for name in NAMES:
        if path := which(name):
            return path
    raise PlatformError(
        "There is no browser to take pictures with.",
        hint="Run 'playwright install chromium', or install Chrome or Chromium.",
    )


def _start(playwright: Playwright, more: Sequence[str]) -> Browser:
    path = find_browser(Path(playwright.chromium.executable_path))
    try:
        return playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS, *more])
    except PlaywrightError as error:
        raise PlatformError(
            f"The browser {path} does not start.", hint="Start it once by hand."
        ) from error


@contextmanager
def started_browser(arguments: Sequence[str] = ()) -> Iterator[Browser]:
    """Run a browser for the block; ``arguments`` are more of its own."""
    with sync_playwright() as playwright:
        browser = _start(playwright, arguments)
        try:
            yield browser
        finally:
            browser.close()
