"""How long a page kept its visitor's input waiting: the long tasks of its main thread.

They are read from the browser's trace. A page's own ``PerformanceObserver`` never hears of a task
in which it was itself made: of the script in a document's first bytes, now and then.
Source: web.dev/articles/tbt (what is beyond 50 ms), and where Lighthouse reads it from.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from playwright.sync_api import Browser, CDPSession
from playwright.sync_api import Error as PlaywrightError

LONG_MS = 50.0
_CONFIG = {
    "includedCategories": ["disabled-by-default-devtools.timeline", "blink.user_timing"],
    "excludedCategories": ["*"],
}
_TASK, _START = "RunTask", "navigationStart"
_END_SECONDS, _POLL_SECONDS = 5.0, 0.002

Event = dict[str, Any]
"""As in Chrome's trace event format: ``ts`` and ``dur`` are microseconds."""


class Trace:
    """What a browser did during one visit; a browser keeps one trace at a time."""

    def __init__(self, session: CDPSession) -> None:
        self._session, self.events, self._is_whole = session, list[Event](), False
        session.on("Tracing.dataCollected", lambda part: self.events.extend(part["value"]))
        session.on("Tracing.tracingComplete", self._completed)
        session.send("Tracing.start", {"transferMode": "ReportEvents", "traceConfig": _CONFIG})

    def _completed(self, _: dict[str, Any]) -> None:
        self._is_whole = True

    def end(self) -> None:
        """Let the browser record no more and hand out what it has."""
        self._session.send("Tracing.end")

    def blocked_ms(self) -> float | None:
        """Wait for what was recorded, and add up what its long tasks had beyond 50 ms.

        None where the browser did not hand it out.
        """
        deadline = time.monotonic() + _END_SECONDS
        while not self._is_whole and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
            self._session.send("Browser.getVersion")  # events come along with answers
        return blocked_ms(self.events) if self._is_whole else None


@contextmanager
def traced(browser: Browser) -> Iterator[Trace]:
    """Record what the browser does during the block."""
    session = browser.new_browser_cdp_session()
    try:
        yield Trace(session)
    finally:
        with suppress(PlaywrightError):
            session.detach()  # which ends a trace, too


def blocked_ms(events: list[Event]) -> float | None:
    """Add up the long tasks of the thread that loaded the outermost document, since it began.

    None where nothing was loaded.
    """
    starts = [
        one for one in events
        if one["name"] == _START and one["args"]["data"].get("isOutermostMainFrame")
        and one["args"]["data"].get("documentLoaderURL")
    ]  # fmt: skip
    if not starts:
        return None
    start = max(starts, key=lambda one: float(one["ts"]))
    tasks = sorted(
        (one["ts"], one.get("dur", 0)) for one in events
        if one["name"] == _TASK and one["tid"] == start["tid"] and one["pid"] == start["pid"]
        and one["ts"] >= start["ts"]
    )  # fmt: skip
    total, ended = 0.0, 0
    for begun, took in tasks:
        if begun >= ended:  # else it ran within the one before
            total += max(0.0, took / 1000 - LONG_MS)
            ended = begun + took
    return total
