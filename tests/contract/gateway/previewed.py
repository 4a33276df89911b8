"""A site behind a gateway process, closed to strangers; a phone, and a browser."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from greenroom import previews
from greenroom.store import comments, environments, links, projects
from greenroom.store.models import Deployment, Instance, Release
from greenroom.store.states import PreviewAccess
from greenroom.store.work import unit_of_work
from tests.conftest import free_port

OPEN_SHADOWS = """{ const attach = Element.prototype.attachShadow;
Element.prototype.attachShadow = function (how) {
  return attach.call(this, {...how, mode: "open"}); }; }"""
CARDS = "".join(
    f"<article><h2>{name}</h2><p>From {price} euros.</p><button>Add to cart</button></article>"
    for name, price in (("Kettle", 30), ("Bell Jar", 12), ("Lamp", 80))
)
PLAIN = f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title>
<meta name="viewport" content="width=device-width"></head>
<body><h1>Everything for the house, and more</h1><main>{CARDS}</main></body></html>"""
HOSTILE = "<img src=x onerror=\"document.title='owned'\">"


@dataclass
class Site:
    """The application, the gateway before it, and a link."""

    pages: dict[str, tuple[dict[str, str], bytes]] = field(default_factory=dict)
    host: str = ""
    origin: str = ""
    port: int = 0

    def put(self, path: str, text: str, **headers: str) -> None:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = ({"Content-Type": "text/html; charset=utf-8", **told}, text.encode())

    def link(self, label: str = "Anna", **more: Any) -> str:
        with unit_of_work() as work:
            found = environments.get_environment(work, "shop/cart")
            _, token = links.create_link(work, found, label, by="ada", **more)
        return previews.link_url(self.origin, token)

    def threads(self) -> list[Any]:
        with unit_of_work() as work:
            found = environments.get_environment(work, "shop/cart")
            listed = comments.list_threads(work, found.id)
            return [(t.number, t.state, t.page, [c.text for c in t.comments]) for t in listed]


@pytest.fixture
def site(store_url: str, home: Path) -> Iterator[Site]:
    """Serve pages through a gateway process of its own, closed to strangers."""
    made = Site(port=free_port())

    class Application(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers, body = made.pages.get(self.path.partition("?")[0], ({}, b"no such page"))
            self.send_response(200 if self.path.partition("?")[0] in made.pages else 404)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    application = ThreadingHTTPServer(("127.0.0.1", 0), Application)
    threading.Thread(target=application.serve_forever, daemon=True).start()
    with unit_of_work() as work:
        project = projects.add_project(work, "shop", "/srv/git/shop", actor="ada")
        projects.set_preview_access(work, project, PreviewAccess.CLOSED, actor="ada")
        found = environments.ensure_environment(work, project, "cart", actor="ada")
        release = Release(
            project_id=project.id, commit_hash="c" * 40, runtime="process", artifact="sha256:c",
            location="/x", manifest={}, manifest_digest="c",
        )  # fmt: skip
        work.add(release)
        work.flush()
        deployment = Deployment(
            environment_id=found.id, number=1, ref="cart", commit_hash="c" * 40,
            release_id=release.id, status="live", deployed_by="ada",
        )  # fmt: skip
        work.add(deployment)
        work.flush()
        work.add(
            Instance(
                environment_id=found.id,
                deployment_id=deployment.id,
                release_id=release.id,
                runtime="process",
                name="cart-1",
                state="serving",
                address=f"http://127.0.0.1:{application.server_port}",
            )
        )
        found.release_id, found.status = release.id, "active"
        made.host, made.origin = found.host, f"http://{found.host}:{made.port}"
        found.url = made.origin
    environment = {
        **os.environ, "GREENROOM_DATABASE_URL": store_url, "GREENROOM_HOME": str(home),
        "GREENROOM_GATEWAY_PORT": str(made.port),
    }  # fmt: skip
    process = subprocess.Popen([sys.executable, "-m", "greenroom.gateway"], env=environment)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{made.port}/healthz", timeout=2).close()
                break
            except OSError:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield made
    finally:
        process.terminate()
        process.wait(20)
        application.shutdown()
        application.server_close()


@pytest.fixture(scope="module")
def chromium(require: Any) -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
    require(path is not None, "Chromium", "scripts/install-system")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def phone(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, locale="en-GB"
    )
    context.add_init_script(OPEN_SHADOWS)
    context.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    yield context
    context.close()


def comment(page: Page, selector: str, text: str) -> None:
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.get_by_text(re.compile("(Tap|Click) what you mean"))).to_be_visible()
    page.locator(selector).click()
    page.get_by_role("textbox").fill(text)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("textbox")).to_have_count(0)
