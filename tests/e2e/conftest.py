"""The demo as people start it, a real Chromium, and a mail server that keeps what it gets."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.flows.platform_ports import PORTS, choose_port

START_SECONDS = 900
STREAMLIT_LOOKS_FOR_ITS_ROOT = re.compile(r"//[^/]+/\w+/_stcore/(health|host-config)$")
"""Opened at a page's address, Streamlit's own script asks below it first, and is told 404."""
PASSWORD = "four quiet harbour geese"


@dataclass
class Demo:
    """A demo that was played from nothing, ended, and was started again over what it left."""

    home: Path
    environment: dict[str, str]
    first: dict[str, Any]
    summary: dict[str, Any]

    @property
    def console(self) -> str:
        return str(self.summary["console"])

    @property
    def preview(self) -> str:
        return str(self.summary["preview"])

    @property
    def production(self) -> str:
        return str(self.summary["production"])

    def run(self, *arguments: str) -> None:
        """Run one of its commands on the machine."""
        subprocess.run(
            [sys.executable, "-m", "greenroom.cli", *arguments],
            env=self.environment, check=True, capture_output=True, timeout=120,
        )  # fmt: skip

    def git(self, *arguments: str, folder: Path | None = None) -> str:
        who = {
            "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@tolmere.example",
            "GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@tolmere.example",
        }  # fmt: skip
        done = subprocess.run(
            ["git", *arguments], cwd=folder or self.home, env={**os.environ, **who},
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        return done.stdout.strip()

    def change_banner(self, words: str, folder: Path) -> str:
        """Commit other words for the shop's banner on the feature branch; give the commit."""
        source = str(self.home / "demo" / "tolmere.git")
        self.git("clone", "--quiet", "--branch", "feature/spring-sale", source, str(folder))
        page = folder / "shop" / "templates" / "base.html"
        text = page.read_text()
        assert "<strong>Spring sale</strong>" in text
        page.write_text(text.replace("<strong>Spring sale</strong>", f"<strong>{words}</strong>"))
        self.git("commit", "--quiet", "--all", "--message", f"Say {words}", folder=folder)
        self.git("push", "--quiet", "origin", "HEAD:refs/heads/banner", "--force", folder=folder)
        return self.git("rev-parse", "HEAD", folder=folder)


def processes_of(home: Path) -> list[str]:
    """Give the command lines of all processes that know of a home."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            mine = str(home) in process.environ().get("GREENROOM_HOME", "")
        except psutil.Error:
            continue
        if process.pid != os.getpid() and (mine or any(str(home) in word for word in words)):
            found.append(" ".join(words))
    return found


def read_summary(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Read the JSON that the demo prints when it is played."""
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if line.rstrip() == "}":
            break
    summary = json.loads(text or "{}")
    assert summary.get("ok"), text or "the demo printed nothing"
    return dict(summary)


@dataclass
class Player:
    """Plays the demo in a home of its own, as people do."""

    home: Path
    environment: dict[str, str]

    @contextmanager
    def play(self, *arguments: str) -> Iterator[dict[str, Any]]:
        """Play it and give what it says; afterwards press Ctrl-C, and nothing of it may run on."""
        log = (self.home / "demo.stderr").open("w+")
        process = subprocess.Popen(
            [sys.executable, "-m", "greenroom.cli", "demo", "--json", *arguments],
            env=self.environment, stdout=subprocess.PIPE, stderr=log, text=True,
            start_new_session=True,
        )  # fmt: skip
        watchdog = threading.Timer(START_SECONDS, process.send_signal, (signal.SIGINT,))
        watchdog.start()
        try:
            try:
                summary = read_summary(process)
            finally:
                watchdog.cancel()
            yield summary
        finally:
            if "--exit" not in arguments:
                process.send_signal(signal.SIGINT)
            process.communicate(timeout=120)
            log.close()
            said = Path(log.name).read_text()
        assert processes_of(self.home) == []
        assert process.returncode == 0, said
        assert said == ""


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    """Play the demo from nothing until it ends, then again, and leave that one running."""
    home = Path(tempfile.mkdtemp(prefix="gre-"))
    home.chmod(0o755)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("GREENROOM_", "PREFECT_"))}
    ports = {f"GREENROOM_{part}_PORT": str(choose_port()) for part in PORTS}
    ports["NO_PROXY"] = "127.0.0.1,localhost"  # stand-ins of the tests
    ports["GREENROOM_EGRESS_GUARD"] = "off"  # its rules would be the whole machine's
    player = Player(home, {**clean, **ports, "GREENROOM_HOME": str(home)})
    try:
        with player.play("--exit") as first:
            pass
        with player.play() as again:
            yield Demo(home, player.environment, first, again)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def chromium(require: Callable[[bool, str, str], None]) -> Iterator[Browser]:
    """Start a real Chromium, which resolves ``*.localhost`` by itself."""
    path = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
    require(path is not None, "Chromium", "scripts/install-system")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@dataclass
class Window:
    """A browser's window; it keeps what pages should not do."""

    context: BrowserContext
    requests: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def page(self) -> Page:
        page = self.context.new_page()
        page.set_default_timeout(60_000)
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("websocket", lambda socket: self.requests.append(socket.url))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("console", lambda m: self._said(m.type, m.text, m.location.get("url", "")))
        page.on("requestfailed", lambda r: self._failed(r.url, r.failure or ""))
        return page

    def _said(self, kind: str, text: str, url: str) -> None:
        if kind == "error" and not STREAMLIT_LOOKS_FOR_ITS_ROOT.search(url):
            self.wrong.append(f"{url}: {text}")

    def _failed(self, url: str, why: str) -> None:
        if "ERR_ABORTED" not in why:  # what a navigation leaves behind
            self.wrong.append(f"{url}: {why}")

    @property
    def foreign(self) -> list[str]:
        """Requests that left this machine."""
        return [url for url in self.requests if not is_here(url)]


def is_here(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    here = host in ("localhost", "127.0.0.1") or host.endswith(".localhost")
    return here or parts.scheme in ("data", "blob")


@pytest.fixture(scope="module")
def session(demo: Demo, chromium: Browser) -> Any:
    """Log in with the one-time password, choose another; give what the browser keeps."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    once = str(demo.first["admin_password"])
    page.goto(demo.console)
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill(once + "x")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("does not fit")
    page.get_by_label("Password").fill(once)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Choose a password")).to_be_visible()
    page.goto(demo.console + "/audit")  # nothing else before it is changed
    expect(page.get_by_role("heading", name="Choose a password")).to_be_visible()
    page.get_by_label("One-time password").fill(once)
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The new one again").fill(PASSWORD)
    page.get_by_role("button", name="Save password").click()
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible(timeout=60_000)
    kept = context.storage_state()
    context.close()
    return kept


@pytest.fixture
def window(chromium: Browser, session: Any, width: int) -> Iterator[Window]:
    """Open a window of the test's width, logged in; nothing in it may go wrong or go abroad."""
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, storage_state=session, reduced_motion="reduce"
    )
    opened = Window(context)
    yield opened
    context.close()
    assert opened.foreign == []
    assert opened.wrong == []
