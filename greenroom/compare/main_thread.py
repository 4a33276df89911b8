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
_END_SECONDS, _POLL_SECONDS = 30.0, 0.002

Event = dict[str, Any]
"""As in Chrome's trace event format: ``ts`` and ``dur`` are microseconds."""


class Trace:
    """What a browser did during one visit; a browser keeps one trace at a time."""

    def __init__(self, session: CDPSession) -> None:
        self._session, self.events = session, list[Event]()
        self._is_whole: bool | None = None
        session.on("Tracing.dataCollected", lambda part: self.events.extend(part["value"]))
        session.on("Tracing.tracingComplete", self._completed)
        session.send("Tracing.start", {"transferMode": "ReportEvents", "traceConfig": _CONFIG})

    def _completed(self, said: dict[str, Any]) -> None:
        self._is_whole = not said.get("dataLossOccurred")

    def end(self) -> None:
        """Let the browser record no more and hand out what it has."""
        self._session.send("Tracing.end")

    def blocked_ms(self) -> float | None:
        """Wait for what was recorded, and add up what its long tasks had beyond 50 ms.

        None where the browser did not hand it out, or not all of it.
        """
        deadline = time.monotonic() + _END_SECONDS
        while self._is_whole is None and time.monotonic() < deadline:
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
    starts = sorted((one for one in events if _is_start(one)), key=lambda one: float(one["ts"]))
    if not starts:
        return None
    frame = starts[0]["args"].get("frame")  # a window that the page opens has another
    start = [one for one in starts if one["args"].get("frame") == frame][-1]
    tasks = sorted(
        (one["ts"], -one.get("dur", 0)) for one in events  # the outer of two comes first
        if one["name"] == _TASK and one["ph"] == "X" and one["ts"] >= start["ts"]
        and one["tid"] == start["tid"] and one["pid"] == start["pid"]
    )  # fmt: skip
    total, ended = 0.0, 0
    for begun, less in tasks:
        if begun >= ended:  # else it ran within the one before
            total += max(0.0, -less / 1000 - LONG_MS)
            ended = begun - less
    return total


def _is_start(event: Event) -> bool:
    """Whether an outermost document began to load; a page's own marks may have that name, too."""
    data = event.get("args", {}).get("data")
    if event["name"] != _START or not isinstance(data, dict):
        return False
    return bool(data.get("isOutermostMainFrame") and data.get("documentLoaderURL"))
