"""Take a picture of a page that comes out the same every time.

The clock is stopped before the page is opened, moved by fixed steps while the page loads, and set
to a fixed moment before the picture is taken: timers, dates and animations then stand still.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.sync_api import Browser, Page
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from greenroom.compare.difference import Shot
from greenroom.compare.naming import Element

START = datetime(2025, 1, 1, 9, tzinfo=UTC)
MAX_SCROLL_PX = 60_000
STYLES = ("color", "background-color", "font-size", "font-weight", "display", "border-top-color")
SEED_RANDOM = "let s = 1; Math.random = () => (s = (s * 16807) % 2147483647) / 2147483647;"
STILL = "*, *::before, *::after { animation: none !important; transition: none !important; }"
SETTLE = """async () => {
  await document.fonts.ready;
  await Promise.all([...document.images].map(image => image.decode().catch(() => null)));
}"""
EAGER = "document.querySelectorAll('img[loading=lazy]').forEach(i => { i.loading = 'eager' })"


@dataclass(frozen=True)
class Viewport:
    """The size of a window in CSS pixels."""

    name: str
    width: int
    height: int


@dataclass(frozen=True)
class Captured:
    """A picture, or in a sentence why there is none."""

    shot: Shot | None
    failure: str = ""


def capture(
    browser: Browser,
    url: str,
    viewport: Viewport,
    *,
    require: str = "",
    timeout_seconds: float = 30,
    cookie: dict[str, str] | None = None,
) -> Captured:
    """Take a picture of a whole page; one that answers wrongly or too late has failed.

    ``cookie`` lets the browser into a closed preview; it is sent to that host alone.
    """
    try:
        context = browser.new_context(
            viewport={"width": viewport.width, "height": viewport.height}, reduced_motion="reduce"
        )
    except PlaywrightError:
        return Captured(None, "The browser has ended.")
    try:
        context.set_default_timeout(timeout_seconds * 1000)
        if cookie is not None:
            context.add_cookies(
                [{"name": cookie["name"], "value": cookie["value"], "url": cookie["url"]}]
            )
        page = context.new_page()
        page.on("dialog", lambda dialog: dialog.dismiss())
        return _shoot(page, url, viewport, require)
    except PlaywrightTimeout:
        return Captured(None, f"The page took more than {timeout_seconds:g} seconds.")
    except PlaywrightError as error:
        return Captured(None, f"The page broke off: {error.message.splitlines()[0]}")
    finally:
        with suppress(PlaywrightError):
            context.close()


def _shoot(page: Page, url: str, viewport: Viewport, require: str) -> Captured:
    page.clock.install(time=START)
    page.clock.pause_at(START + timedelta(seconds=1))
    page.add_init_script(SEED_RANDOM)
    answer = page.goto(url, wait_until="load")
    if answer is None or answer.status >= 400:
        return Captured(None, f"The page answered {answer.status if answer else 'nothing'}.")
    page.add_style_tag(content=STILL)
    page.evaluate(EAGER)
    y = 0
    while y < min(MAX_SCROLL_PX, int(page.evaluate("document.documentElement.scrollHeight"))):
        page.evaluate("y => scrollTo(0, y)", y)
        page.clock.run_for(50)
        y += int(viewport.height * 0.8)
    page.evaluate("scrollTo(0, 0)")
    with suppress(PlaywrightTimeout):
        page.wait_for_load_state("networkidle", timeout=8000)
    page.evaluate(SETTLE)
    page.clock.run_for(1000)
    page.clock.pause_at(START + timedelta(hours=1))
    if require and not page.locator(require).first.is_visible():
        return Captured(None, f"The page never showed {require}.")
    height = int(page.evaluate("document.documentElement.scrollHeight"))
    if height > MAX_SCROLL_PX:
        return Captured(None, f"The page is {height} px tall; {MAX_SCROLL_PX} are allowed.")
    png = page.screenshot(full_page=True, animations="disabled", caret="hide")
    snapshot = page.context.new_cdp_session(page).send(
        "DOMSnapshot.captureSnapshot", {"computedStyles": [*STYLES]}
    )
    return Captured(Shot(png, elements(snapshot), 1.0))


def elements(snapshot: dict[str, Any]) -> tuple[Element, ...]:
    """Read the elements of the main document from the answer of ``DOMSnapshot``."""
    words, document = snapshot["strings"], snapshot["documents"][0]
    nodes, layout = document["nodes"], document["layout"]
    parents, kinds = nodes["parentIndex"], nodes["nodeType"]
    paths: dict[int, str] = {}
    counts: dict[tuple[int, str], int] = {}
    texts: dict[int, list[str]] = {}
    for index, parent in enumerate(parents):
        if kinds[index] == 1:
            tag = words[nodes["nodeName"][index]].lower()
            nth = counts[parent, tag] = counts.get((parent, tag), 0) + 1
            step = f"{tag}:nth-of-type({nth})"
            paths[index] = f"{paths[parent]} > {step}" if parent in paths else tag
        elif kinds[index] == 3 and words[nodes["nodeValue"][index]].strip():
            texts.setdefault(parent, []).append(words[nodes["nodeValue"][index]].strip())
    found = []
    for place, index in enumerate(layout["nodeIndex"]):
        if index in paths:
            pairs = [words[word] for word in nodes["attributes"][index]]
            marks = dict(zip(pairs[::2], pairs[1::2], strict=True))
            styles = [words[word] for word in layout["styles"][place]]
            left, top, width, height = layout["bounds"][place]
            found.append(
                Element(
                    selector=paths[index],
                    text=" ".join(texts.get(index, [])),
                    left=left,
                    top=top,
                    width=width,
                    height=height,
                    styles=dict(zip(STYLES, styles, strict=False)),
                    key=marks.get("data-testid") or marks.get("id", ""),
                )
            )
    return tuple(found)
