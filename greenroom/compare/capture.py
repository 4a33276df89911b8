"""Take a picture of a page that comes out the same every time.

The clock is stopped before the page is opened, moved by fixed steps while the page loads, and set
to a fixed moment before the picture is taken: timers and dates then stand still. A page that needs
a running clock to show what it must show is taken again with one.
"""

from __future__ import annotations

import base64
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from playwright.sync_api import Browser, CDPSession, Page, Request, Response
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from greenroom.compare import pagejs
from greenroom.compare.difference import Box, Shot
from greenroom.compare.snapshot import STYLES, elements
from greenroom.compare.visit import StepFailed, Visitor, is_of, opened, take_steps
from greenroom.compare_rules import Scheme, State, Viewport, matches

START = datetime(2025, 1, 1, 9, tzinfo=UTC)
STEP_MS, SPAN_MS = 20, 2000
"""Each scroll moves the clock by one, and the whole is filled up to the other: the same ticks of
every timer, however tall the page is."""
SETTLE_SECONDS = 8.0
QUIET_SECONDS = 0.12
UNRULY = ("canvas", "video", "audio", "object", "embed")
"""Draw by themselves, whatever the clock says."""
_ENDLESS = ("eventsource", "websocket", "media", "ping")


@dataclass(frozen=True)
class View:
    """What is looked at: a page, perhaps after some steps, at a width."""

    path: str
    viewport: Viewport
    scheme: Scheme = "light"
    state: State | None = None


@dataclass(frozen=True)
class Captured:
    """A picture, or in a sentence why there is none."""

    shot: Shot | None
    failure: str = ""
    status: int = 0
    led_to: str = ""
    """The path that the page was redirected to, if it was."""
    masked: tuple[Box, ...] = ()
    notes: tuple[str, ...] = ()


def capture(
    browser: Browser, visitor: Visitor, view: View, ignored: tuple[str, ...] = ()
) -> Captured:
    """Take a picture of a whole page; one that answers wrongly or too late has failed.

    ``ignored`` are selectors that are covered beside those of the rules.
    """
    found = _attempt(browser, visitor, view, ignored, is_clock_stopped=True)
    if found.failure.startswith("The page never showed"):
        again = _attempt(browser, visitor, view, ignored, is_clock_stopped=False)
        return again if again.shot is None else Captured(
            again.shot, "", again.status, again.led_to, again.masked,
            (*again.notes, "taken with a running clock"),
        )  # fmt: skip
    return found


def _attempt(
    browser: Browser, visitor: Visitor, view: View, ignored: tuple[str, ...], *,
    is_clock_stopped: bool,
) -> Captured:  # fmt: skip
    try:
        with opened(browser, visitor, view.viewport, view.scheme) as page:
            return _Sitting(page, visitor, view, ignored, is_clock_stopped).shoot()
    except StepFailed as error:
        return Captured(None, f"The page did not take {error}.")
    except PlaywrightTimeout:
        seconds = visitor.rules.timeout_seconds
        return Captured(None, f"The page took more than {seconds:g} seconds.")
    except PlaywrightError as error:
        if not browser.is_connected():
            return Captured(None, "The browser has ended.")
        return Captured(None, f"The page broke off: {error.message.splitlines()[0][:200]}")


class _Sitting:
    """One page, from its opening to its picture."""

    def __init__(
        self, page: Page, visitor: Visitor, view: View, ignored: tuple[str, ...], stopped: bool
    ) -> None:
        self.page, self.visitor, self.view, self.ignored = page, visitor, view, ignored
        self.rules, self.stopped = visitor.rules, stopped
        self.notes: list[str] = []
        self.open: set[Request] = set()
        page.on("request", self._begun)
        page.on("requestfinished", self._ended)
        page.on("requestfailed", self._ended)

    def _begun(self, request: Request) -> None:
        if request.resource_type not in _ENDLESS:
            self.open.add(request)

    def _ended(self, request: Request) -> None:
        self.open.discard(request)

    def shoot(self) -> Captured:
        if self.stopped:
            self.page.clock.install(time=START)
            self.page.clock.pause_at(START + timedelta(seconds=1))
        self.page.add_init_script(pagejs.BEFORE)
        answer = self._go()
        if answer is None or answer.status >= 400:
            status = answer.status if answer else 0
            return Captured(None, f"The page answered {status or 'nothing'}.", status)
        if not is_of(self.page.url, self.visitor.site):
            return Captured(None, f"The page led away, to {urlsplit(self.page.url).netloc}.")
        led_to = urlsplit(self.page.url).path
        take_steps(self.page, self.rules.before, self.visitor.secrets)
        if self.rules.hide:
            self.page.evaluate(pagejs.HIDE, list(self.rules.hide))
        self._scroll()
        self._settle()
        self._run(SPAN_MS // 2)
        if self.view.state is not None:
            take_steps(self.page, self.view.state.steps, self.visitor.secrets)
            self.page.evaluate("window.__greenroomKeepFocus = true")
            self._run(SPAN_MS // 2)
        self._settle()
        missing, deadline = self._missing(), time.monotonic() + SETTLE_SECONDS
        while missing and not self.stopped and time.monotonic() < deadline:
            self.page.wait_for_timeout(100)
            missing = self._missing()
        if missing:
            return Captured(None, f"The page never showed {missing}.", answer.status)
        return self._picture(answer.status, led_to if led_to != self.view.path else "")

    def _go(self) -> Response | None:
        answer = self.page.goto(self.visitor.site + self.view.path, wait_until="commit")
        try:
            self.page.wait_for_load_state("load", timeout=self.rules.timeout_seconds * 500)
        except PlaywrightTimeout:
            self.notes.append("it never finished loading")
            self.page.wait_for_load_state("domcontentloaded", timeout=1000)
        return answer

    def _run(self, milliseconds: int) -> None:
        if self.stopped:
            self.page.clock.run_for(milliseconds)
        else:
            self.page.wait_for_timeout(milliseconds)

    def _scroll(self) -> None:
        """Show every part once, so that what waits for being seen is loaded."""
        self.page.evaluate(pagejs.EAGER)
        y, steps, height = 0, 0, 1
        while y < min(self.rules.max_height, height):
            height = int(self.page.evaluate(pagejs.SCROLL, y))
            self._run(STEP_MS)
            y, steps = y + int(self.view.viewport.height * 0.8), steps + 1
        self.page.evaluate(pagejs.SCROLL, 0)
        if self.stopped:
            self._run(SPAN_MS - steps * STEP_MS % SPAN_MS)

    def _settle(self) -> None:
        """Wait, by the real clock, for the network, the fonts and the pictures."""
        began, quiet_since = time.monotonic(), 0.0
        while time.monotonic() - began < SETTLE_SECONDS:
            is_ready = not self.open and bool(self.page.evaluate(pagejs.READY))
            if not is_ready:
                quiet_since = 0.0
            elif not quiet_since:
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since >= QUIET_SECONDS and self.page.evaluate(
                pagejs.DECODE
            ):
                return
            self.page.wait_for_timeout(30)
        self.notes.append("it never came to rest")

    def _missing(self) -> str:
        for need in self.rules.require:
            if not matches(need.page, self.view.path):
                continue
            if need.selector and not self.page.locator(need.selector).first.is_visible():
                return need.selector
            if need.text and need.text not in self.page.evaluate(pagejs.TEXT):
                return f"“{need.text}”"
        return ""

    def _picture(self, status: int, led_to: str) -> Captured:
        page, viewport = self.page, self.view.viewport
        if page.evaluate(pagejs.STILL):
            self._run(STEP_MS)
            page.evaluate(pagejs.STILL)
        if self.stopped:
            page.clock.pause_at(START + timedelta(hours=1))
            page.evaluate(pagejs.STILL)
        height = max(int(page.evaluate(pagejs.HEIGHT)), viewport.height)
        if height > self.rules.max_height:
            self.notes.append(f"{height} px tall; compared down to {self.rules.max_height} px")
            height = self.rules.max_height
        devtools = page.context.new_cdp_session(page)
        if self.view.state is not None:
            _hold_hover(devtools)
        seen = devtools.send("DOMSnapshot.captureSnapshot", {"computedStyles": [*STYLES]})
        selectors = [*UNRULY, *self.rules.mask, *self.ignored]
        covered = page.evaluate(pagejs.COVER, selectors)
        clip = {"x": 0, "y": 0, "width": viewport.width, "height": height, "scale": 1}
        taken = devtools.send(
            "Page.captureScreenshot",
            {
                "format": "png",
                "captureBeyondViewport": True,
                "optimizeForSpeed": True,
                "clip": clip,
            },
        )
        scale = viewport.scale
        masked = tuple(Box(*(round(number * scale) for number in box)) for box in covered)
        with suppress(PlaywrightError):
            devtools.detach()
        shot = Shot(base64.b64decode(taken["data"]), elements(seen), scale)
        return Captured(shot, "", status, led_to, masked, tuple(self.notes))


def _hold_hover(devtools: CDPSession) -> None:
    """Keep what lies under the mouse looking so: a picture of the whole page is taken unscrolled.

    The mouse then lies over something else, and sooner or later the browser notices.
    """
    devtools.send("DOM.enable")
    devtools.send("CSS.enable")
    root = devtools.send("DOM.getDocument", {"depth": 0})["root"]["nodeId"]
    found = devtools.send("DOM.querySelectorAll", {"nodeId": root, "selector": ":hover"})
    for node in found["nodeIds"]:
        forced = {"nodeId": node, "forcedPseudoClasses": ["hover"]}
        devtools.send("CSS.forcePseudoState", forced)
