"""Load a page once in a fresh browser context, and say how long everything took."""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from greenroom.compare.blocking import address_patterns
from greenroom.compare.main_thread import traced
from greenroom.compare.visit import Visitor, entrance, let_in

LOAD_SECONDS = 20.0
SETTLE_MS = 100
"""After the load event: what paints, shifts or blocks that soon still counts."""


@dataclass(frozen=True)
class Device:
    """How a page is visited."""

    name: str
    width: int
    height: int
    scale: float = 1.0
    is_mobile: bool = False
    slowdown: float = 1.0
    """How many times slower the page's own work is made."""


DEVICES = (
    Device("desktop", 1440, 900),
    Device("phone", 390, 844, scale=2.0, is_mobile=True, slowdown=4.0),
)
"""Source of the phone's slowdown: Lighthouse's ``cpuSlowdownMultiplier`` of a mid-tier phone."""


@dataclass(frozen=True)
class Load:
    """One visit: a number for each metric, or in a sentence why there are none."""

    values: dict[str, float]
    failure: str = ""


_NOT_FOUND = "net::ERR_NAME_NOT_RESOLVED"
"""Of a request that was never sent: its host is blocked, or there is none of that name."""
_OBSERVE = """
globalThis.__seen = {lcp: 0, cls: 0};
(() => {
  const seen = globalThis.__seen;
  let total = 0, first = 0, last = 0;
  const observe = (type, take) => {
    try {
      new PerformanceObserver(list => list.getEntries().forEach(take))
        .observe({type, buffered: true});
    } catch { /* a browser that does not know it */ }
  };
  observe('largest-contentful-paint', entry => { seen.lcp = entry.startTime; });
  observe('layout-shift', entry => {
    if (entry.hadRecentInput) return;
    const now = entry.startTime;
    if (now - last > 1000 || now - first > 5000) { total = 0; first = now; }
    last = now;
    total += entry.value;
    seen.cls = Math.max(seen.cls, total);
  });
})();
"""
"""Source of the rules: web.dev/articles/cls (session windows)."""
_READ = """async settle => {
  await new Promise(done => requestAnimationFrame(() => setTimeout(done, settle)));
  const visit = performance.getEntriesByType('navigation')[0];
  const paint = performance.getEntriesByName('first-contentful-paint')[0];
  return {
    ttfb: visit.responseStart, fcp: paint ? paint.startTime : visit.domContentLoadedEventEnd,
    load: visit.loadEventEnd, ...globalThis.__seen,
  };
}"""


def load(
    browser: Browser, visitor: Visitor, path: str, device: Device,
    timeout_seconds: float = LOAD_SECONDS,
) -> Load:  # fmt: skip
    """Visit a page with nothing cached: as a stranger, or as who the project's login lets in."""
    try:
        context = browser.new_context(
            viewport={"width": device.width, "height": device.height},
            device_scale_factor=device.scale, is_mobile=device.is_mobile,
            has_touch=device.is_mobile, **entrance(visitor),
        )  # fmt: skip
    except PlaywrightError:
        return Load({}, "The browser has ended.")
    try:
        context.set_default_timeout(timeout_seconds * 1000)
        let_in(context, visitor)
        page = context.new_page()
        page.on("dialog", lambda dialog: dialog.dismiss())
        page.add_init_script(_OBSERVE)
        with traced(browser) as trace:
            seen = _visit(page, visitor.site + path, device, address_patterns(visitor.rules.block))
            trace.end()
            context.close()  # meanwhile the trace comes
            blocked = trace.blocked_ms()
        if seen.failure:
            return seen
        if blocked is None:
            return Load({}, "The browser did not say what the page's scripts did.")
        return Load(seen.values | {"tbt": round(blocked, 3)})
    except PlaywrightTimeout:
        return Load({}, f"The page took more than {timeout_seconds:g} seconds.")
    except PlaywrightError as error:
        return Load({}, f"The page broke off: {error.message.splitlines()[0]}")
    finally:
        with suppress(PlaywrightError):
            context.close()


def _visit(page: Page, url: str, device: Device, blocked: list[str]) -> Load:
    session = page.context.new_cdp_session(page)
    if device.slowdown > 1:
        session.send("Emulation.setCPUThrottlingRate", {"rate": device.slowdown})
    carried = _count(session)
    if blocked:
        session.send("Network.setBlockedURLs", {"urls": blocked})
    answer = page.goto(url, wait_until="load")
    if answer is None or answer.status >= 400:
        return Load({}, f"The page answered {answer.status if answer else 'nothing'}.")
    seen: dict[str, Any] = page.evaluate(_READ, SETTLE_MS)
    values = {name: round(float(seen[name]), 3) for name in ("ttfb", "fcp", "load", "cls")}
    values["lcp"] = round(max(float(seen["lcp"]), values["fcp"]), 3)
    return Load(values | carried)


def _count(session: CDPSession) -> dict[str, float]:
    """Count requests and bytes as they come: a page is not told what others' hosts send."""
    carried = {"bytes": 0.0, "requests": 0.0}

    def finished(event: dict[str, Any]) -> None:
        carried["bytes"] += max(0.0, float(event["encodedDataLength"]))

    def sent(_: dict[str, Any]) -> None:
        carried["requests"] += 1

    def failed(event: dict[str, Any]) -> None:
        if event.get("blockedReason") or event["errorText"] == _NOT_FOUND:
            carried["requests"] -= 1

    session.on("Network.loadingFinished", finished)
    session.on("Network.loadingFailed", failed)
    session.on("Network.requestWillBeSent", sent)
    session.send("Network.enable")
    return carried


def machine_speed() -> float:
    """Give how fast this machine is now: fixed work in some hundredths of a second, per second."""
    block, begun = b"\0" * 262_144, time.perf_counter()
    for _ in range(100):
        hashlib.sha256(block).digest()
    return 1 / (time.perf_counter() - begun)
