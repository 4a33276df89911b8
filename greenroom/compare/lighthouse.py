"""Run Lighthouse CI as a program, in a browser of ours, and read what it says.

The browser is started here and Lighthouse is given its port: the one that Lighthouse starts puts
itself out of reach and outlives it, and could not be given a cookie for one host alone.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from playwright.sync_api import BrowserContext, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from greenroom.compare.apart import end_family
from greenroom.compare.blocking import address_patterns
from greenroom.compare.browser import ARGUMENTS, find_browser
from greenroom.compare.lighthouse_words import MEASURED
from greenroom.compare.visit import Visitor, let_in
from greenroom.errors import PlatformError
from greenroom.settings import ROOT, project_environment

RUN_SECONDS = 120.0
START_SECONDS = 30.0
LEFT_SECONDS = 3600.0
"""No run takes so long: whose folder is older was killed."""
_PREFIX = "greenroom-lighthouse-"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
GOOD_SCORE = 0.9
"""Source: Lighthouse's own colours, green from 90."""
_STORE = "all => { for (const {name, value} of all) localStorage.setItem(name, value); }"
_REASON = re.compile(r'"runtimeError": \{[^}]*"message": "([^"]+)"')
_SETUP = "Run `npm ci` in Greenroom's folder; it needs Node 20 or newer."


@dataclass(frozen=True)
class Advice:
    """Something that Lighthouse would change."""

    id: str
    title: str
    said: str
    """What it would save, in Lighthouse's words."""


@dataclass(frozen=True)
class Report:
    """One run."""

    scores: dict[str, float]
    """0 to 1 of each category."""
    metrics: dict[str, float]
    advice: tuple[Advice, ...]
    machine: float
    """Lighthouse's ``benchmarkIndex`` of this machine."""


def find_program(root: Path = ROOT) -> list[str]:
    """Give the command of Lighthouse CI.

    Errors: PlatformError (Node or Lighthouse CI is missing).
    """
    node = shutil.which("node")
    if node is None:
        raise PlatformError("Node is missing: Lighthouse cannot run.", hint=_SETUP)
    program = root / "node_modules" / "@lhci" / "cli" / "src" / "cli.js"
    if not program.is_file():
        raise PlatformError("Lighthouse CI is not installed.", hint=_SETUP)
    return [node, str(program)]


class Runner:
    """Lighthouse CI and the browser it uses."""

    def __init__(
        self, command: Sequence[str], port: int, folder: Path, blocked: Sequence[str] = ()
    ) -> None:
        self.command, self.port, self.folder = list(command), port, folder
        self.blocked = list(blocked)

    def run(self, url: str, device: str, seconds: float = RUN_SECONDS) -> Report:
        """Run once.

        Errors: PlatformError (it hangs, breaks, or could not load the page).
        """
        shutil.rmtree(self.folder / ".lighthouseci", ignore_errors=True)
        settings: dict[str, Any] = {
            "port": self.port, "disableFullPageScreenshot": True,
            "onlyCategories": list(CATEGORIES),
        }  # fmt: skip
        if self.blocked:
            settings["blockedUrlPatterns"] = self.blocked
        if device == "desktop":
            settings["preset"] = "desktop"
        collect = {"numberOfRuns": 1, "url": [url], "settings": settings}
        config = self.folder / "lighthouserc.json"
        config.write_text(json.dumps({"ci": {"collect": collect}}))
        said = self._collect([*self.command, "collect", f"--config={config}"], seconds)
        found = sorted((self.folder / ".lighthouseci").glob("lhr-*.json"))
        if not found:
            raise PlatformError("Lighthouse gave no report.", hint=_reason(said))
        return read_report(json.loads(found[-1].read_text(encoding="utf-8")))

    def _collect(self, command: list[str], seconds: float) -> str:
        process = subprocess.Popen(
            command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
            env=project_environment(HOME=self.folder, NO_COLOR="1"),
        )  # fmt: skip
        try:
            said, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise PlatformError(
                f"Lighthouse did not end within {seconds:g} seconds.",
                hint="Does the page ever settle?",
            ) from None
        finally:
            end_family(process)
        return said.decode(errors="replace")


def _reason(said: str) -> str:
    """Find Lighthouse's own reason in what it printed. Pure."""
    if told := _REASON.search(said):
        return told[1][:300]
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "It said nothing."


@contextmanager
def runner(visitors: Sequence[Visitor] = (), arguments: Sequence[str] = ()) -> Iterator[Runner]:
    """Have Lighthouse CI and a browser that ``visitors`` are let in by; nothing is left of them.

    ``arguments`` are more of the browser's own.

    Errors: PlatformError.
    """
    command = find_program()
    blocked = address_patterns(visitors[0].rules.block) if visitors else []
    _sweep()
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as made:
        folder = Path(made)
        with sync_playwright() as playwright:
            path = find_browser(Path(playwright.chromium.executable_path))
            with _browser(path, folder / "profile", arguments) as port:
                try:
                    browser = playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}")
                    for visitor in visitors:
                        _enter(browser.contexts[0], visitor)
                    browser.close()
                except PlaywrightError as error:
                    raise PlatformError("Lighthouse's browser broke.") from error
                yield Runner(command, port, folder, blocked)


def _sweep() -> None:
    """Remove what runs that were killed have left: their browsers were let in, and logged in."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > LEFT_SECONDS:
                shutil.rmtree(folder)


def _enter(context: BrowserContext, visitor: Visitor) -> None:
    """Let the browser itself know what lets it in: Lighthouse would send it to every host.

    A password that was once taken is sent again by the browser, to that site alone.
    """
    let_in(context, visitor)
    state = visitor.logged_in or {}
    if state.get("cookies"):
        context.add_cookies(state["cookies"])
    stored = [one for one in state.get("origins", ()) if one.get("localStorage")]
    auth = visitor.rules.basic_auth
    if not (auth or stored):
        return
    page = context.new_page()
    if auth:
        name, password = (quote(visitor.secrets.get(n, ""), "") for n in (auth.user, auth.password))
        scheme, _, rest = visitor.site.partition("://")
        page.goto(f"{scheme}://{name}:{password}@{rest}/", wait_until="commit")
    for one in stored:
        page.goto(one["origin"], wait_until="commit")
        page.evaluate(_STORE, one["localStorage"])
    page.close()


@contextmanager
def _browser(path: str, profile: Path, more: Sequence[str]) -> Iterator[int]:
    """Run a browser for the block; give the port of its protocol."""
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses to be root's with it
    process = subprocess.Popen(
        [path, "--headless=new", *sandbox, *ARGUMENTS, *more, "--remote-debugging-port=0",
         f"--user-data-dir={profile}", "--no-first-run", "about:blank"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield _port(process, profile / "DevToolsActivePort", path)
    finally:
        end_family(process, grace_seconds=2.0)


def _port(process: subprocess.Popen[bytes], file: Path, path: str) -> int:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if file.exists() and (lines := file.read_text().splitlines()):
            return int(lines[0])
        time.sleep(0.05)
    raise PlatformError(f"The browser {path} does not start.", hint="Start it once by hand.")


def read_report(report: Mapping[str, Any]) -> Report:
    """Read Lighthouse's report. Pure.

    Errors: PlatformError (it says itself that it could not load the page).
    """
    if error := report.get("runtimeError"):
        raise PlatformError(f"Lighthouse could not measure: {error.get('message', error)}")
    audits = report["audits"]
    metrics = {name: float(audits["metrics"]["details"]["items"][0].get(name) or 0)
               for name in (*MEASURED, "observedFirstContentfulPaint", "observedLoad")}  # fmt: skip
    for name in ("server-response-time", "total-byte-weight"):
        metrics[name] = float(audits.get(name, {}).get("numericValue") or 0)
    scores, advice = {}, {}
    for name in CATEGORIES:
        category = report["categories"].get(name)
        if category is None:
            continue
        scores[name] = float(category["score"] or 0)
        for reference in category["auditRefs"]:
            audit = audits[reference["id"]]
            told = audit["scoreDisplayMode"] in ("binary", "numeric", "metricSavings")
            is_metric = reference.get("group") in ("metrics", "hidden")
            if told and not is_metric and (audit["score"] or 0) < GOOD_SCORE:
                said = str(audit.get("displayValue", "")).replace("\xa0", " ")
                advice[audit["id"]] = Advice(audit["id"], str(audit["title"]), said)
    machine = float(report.get("environment", {}).get("benchmarkIndex") or 0)
    return Report(scores, metrics, tuple(advice.values()), machine)


def summarize(reports: Mapping[str, Sequence[Report]]) -> dict[str, Any]:
    """Give the medians of ``before`` and ``after``, and the advice that differs. Pure.

    A run on a machine that was half as fast as usual is void, and its partner with it.
    """
    usual = statistics.median(r.machine for side in reports.values() for r in side)
    rounds = list(zip(*reports.values(), strict=True))
    kept = [pair for pair in rounds if min(r.machine for r in pair) >= usual / 2] or rounds
    sides = dict(zip(reports, zip(*kept, strict=True), strict=True))
    before, after = sides["before"], sides.get("after", ())
    return {
        "runs": len(kept), "voided": len(rounds) - len(kept), "failure": "",
        "scores": {name: _medians([r.scores.get(name, 0.0) for r in before],
                                  [r.scores.get(name, 0.0) for r in after])
                   for name in before[0].scores},
        "metrics": {name: _medians([r.metrics[name] for r in before],
                                   [r.metrics[name] for r in after])
                    for name in before[0].metrics},
        "advice": _advice(before, after),
    }  # fmt: skip


def _medians(before: Sequence[float], after: Sequence[float]) -> dict[str, Any]:
    """Give both medians and the range of the pairs' differences: it holds their median often."""
    if not after:
        return {"before": statistics.median(before), "after": None,
                "low": min(before), "high": max(before)}  # fmt: skip
    differences = [b - a for a, b in zip(before, after, strict=True)]
    return {"before": statistics.median(before), "after": statistics.median(after),
            "low": min(differences), "high": max(differences)}  # fmt: skip


def _advice(before: Sequence[Report], after: Sequence[Report]) -> dict[str, list[dict[str, str]]]:
    """Sort the advice that most runs give: new here, gone here, the same on both."""
    one, other = _usual(before), _usual(after)
    return {
        "new": [asdict(a) for key, a in other.items() if key not in one],
        "gone": [asdict(a) for key, a in one.items() if after and key not in other],
        "both": [asdict(a) for key, a in one.items() if not after or key in other],
    }


def _usual(reports: Sequence[Report]) -> dict[str, Advice]:
    counts: dict[str, int] = {}
    last: dict[str, Advice] = {}
    for report in reports:
        for advice in report.advice:
            counts[advice.id] = counts.get(advice.id, 0) + 1
            last[advice.id] = advice
    return {key: advice for key, advice in last.items() if counts[key] * 2 > len(reports)}
