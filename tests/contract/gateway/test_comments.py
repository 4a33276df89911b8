"""A client's journey on a phone in a real Chromium, and the overlay on difficult pages."""

from __future__ import annotations

import gzip
import json
import os
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
from greenroom.store.crypto import ensure_secret_key
from greenroom.store.models import Deployment, Instance, Release
from greenroom.store.states import PreviewAccess
from greenroom.store.work import unit_of_work
from tests.conftest import free_port

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres, pytest.mark.needs_browser]
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
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
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
    context.set_default_timeout(20_000)
    yield context
    context.close()


def comment(page: Page, selector: str, text: str) -> None:
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.get_by_text("Tap what you mean")).to_be_visible()
    page.locator(selector).click()
    page.get_by_role("textbox").fill(text)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("textbox")).to_have_count(0)


def test_a_client_opens_comments_and_decides_on_a_phone(site: Site, phone: BrowserContext) -> None:
    site.put("/", PLAIN)
    page = phone.new_page()
    page.goto(site.origin)
    expect(page.get_by_text("This preview is private")).to_be_visible()
    url = site.link(password="let me in", may_approve=True)
    page.goto(url)
    page.get_by_label("Password").fill("wrong one")
    page.get_by_role("button", name="Open the preview").click()
    expect(page.get_by_role("alert")).to_have_text("This password is not right. Please try again.")
    page.get_by_label("Password").fill("let me in")
    page.get_by_role("button", name="Open the preview").click()
    expect(page.get_by_role("heading", name="Everything for the house")).to_be_visible()
    comment(page, "article:nth-of-type(2) button", f"too small {HOSTILE}")
    pin = page.get_by_role("button", name="Comment 1")
    expect(pin).to_be_visible()
    assert site.threads() == [(1, "open", "/", [f"too small {HOSTILE}"])]
    page.reload()
    expect(pin).to_be_visible()
    over = pin.bounding_box()
    under = page.locator("article:nth-of-type(2) button").bounding_box()
    assert over is not None
    assert under is not None
    assert abs(over["x"] - under["x"]) < 4
    assert abs(over["y"] + 14 - under["y"]) < 4
    pin.click()
    expect(page.get_by_text("too small <img")).to_be_visible()
    assert page.title() == "Shop"  # the text stayed text
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Approve…").click()
    expect(page.get_by_role("heading", name="What do you think?")).to_be_visible()
    assert page.url.startswith(f"http://gateway.localhost:{site.port}/review?pass=")
    page.get_by_role("button", name="Ask for changes").click()
    expect(page.get_by_role("alert")).to_contain_text("what shall change")
    page.get_by_label("Note").fill("fine for me")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("status")).to_contain_text("You approved this version")
    page.get_by_role("link", name="Back to the preview").click()
    expect(pin).to_be_visible()


def test_what_one_writes_everybody_sees_at_once_and_a_lost_place_is_told(
    site: Site, phone: BrowserContext, chromium: Browser
) -> None:
    site.put("/", PLAIN)
    anna = phone.new_page()
    anna.goto(site.link())
    desk = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="de-DE")
    desk.add_init_script(OPEN_SHADOWS)
    bert = desk.new_page()
    bert.goto(site.link("Bert"))
    expect(bert.get_by_role("button", name="Kommentar", exact=True)).to_be_visible()
    comment(anna, "article:nth-of-type(3) h2", "brighter")
    bert.get_by_role("button", name="Kommentar 1").click()
    expect(bert.get_by_text("brighter")).to_be_visible()
    bert.get_by_role("textbox").fill("wird gemacht")
    bert.get_by_role("button", name="Senden").click()
    expect(bert.get_by_text("wird gemacht")).to_be_visible()
    anna.get_by_role("button", name="Comment 1").click()
    expect(anna.get_by_text("wird gemacht")).to_be_visible()
    site.put("/", PLAIN.replace(CARDS[CARDS.index("<article><h2>Lamp") :], ""))
    anna.reload()
    anna.get_by_role("button", name="All comments").click()
    expect(anna.get_by_text("its place is gone")).to_be_visible()
    deadline = time.monotonic() + 10
    while site.threads()[0][1] != "detached" and time.monotonic() < deadline:
        time.sleep(0.1)
    assert site.threads()[0][1] == "detached"
    anna.get_by_role("button", name="#1").click()
    anna.get_by_role("button", name="Resolve").click()
    expect(anna.get_by_role("dialog")).to_have_count(0)
    assert site.threads()[0][1] == "resolved"
    desk.close()


STRICT = {
    "default-none": {"Content_Security_Policy": "default-src 'none'; style-src 'unsafe-inline'"},
    "nonce": {
        "Content_Security_Policy": "script-src 'nonce-abc' 'strict-dynamic'; connect-src 'none'"
    },
    "unsafe-inline": {"Content_Security_Policy": "script-src 'unsafe-inline'; default-src 'none'"},
    "trusted-types": {"Content_Security_Policy": "require-trusted-types-for 'script'"},
    "framed": {"X_Frame_Options": "DENY", "Cross_Origin_Embedder_Policy": "require-corp",
               "Cross_Origin_Opener_Policy": "same-origin"},
}  # fmt: skip


def test_the_overlay_works_on_strict_pages_and_their_policies_stay(
    site: Site, phone: BrowserContext
) -> None:
    for name, headers in STRICT.items():
        site.put(f"/{name}", PLAIN, **headers)
    meta = "<head><meta http-equiv='Content-Security-Policy' content=\"default-src 'self'\">"
    site.put("/meta", PLAIN.replace("<head>", meta))
    site.put("/packed", PLAIN, Content_Encoding="gzip")
    site.pages["/packed"] = (site.pages["/packed"][0], gzip.compress(PLAIN.encode()))
    site.put("/big", PLAIN.replace("</main>", "<p>more</p>" * 100_000 + "</main>"))
    page = phone.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if "Security Policy" in m.text else None)
    page.goto(site.link(start="/meta"))
    for number, name in enumerate(["meta", "packed", "big", *STRICT], 1):
        answer = page.goto(f"{site.origin}/{name}")
        assert answer is not None
        comment(page, "h1", f"about {name}")
        expect(page.get_by_role("button", name=f"Comment {number}", exact=True)).to_be_visible()
        policy = answer.headers.get("content-security-policy", "")
        if name == "unsafe-inline":
            assert "nonce" not in policy  # it would end what unsafe-inline allows
        if name == "default-none":
            assert "default-src 'none'" in policy
    assert complaints == []


def test_the_overlay_is_closed_small_and_goes_nowhere_else(site: Site, chromium: Browser) -> None:
    site.put("/", PLAIN)
    site.put("/fragment", "<p>part of a page</p>")
    site.put("/download", PLAIN, Content_Disposition="attachment; filename=a.html")
    context = chromium.new_context()
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(site.link())
    expect(page.locator("#greenroom-comments")).to_have_count(1)
    assert page.evaluate("document.querySelector('#greenroom-comments').shadowRoot") is None
    assert all(url.startswith(site.origin) for url in asked)
    for path in ("/fragment", "/download"):
        told = page.evaluate(f"fetch('{path}').then(answer => answer.text())")
        assert "greenroom" not in told
    told = page.evaluate("fetch('/', {headers: {accept: 'text/html'}}).then(a => a.text())")
    assert "greenroom" not in told  # a script asked, nobody looks at it
    token = previews.make_pass(site.host, "browser", "greenroom", 60, ensure_secret_key())
    request = urllib.request.Request(
        f"http://127.0.0.1:{site.port}/",
        headers={"Host": site.host, "Accept": "text/html", "Cookie": f"{previews.COOKIE}={token}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert b"greenroom" not in answer.read()  # our own browser takes the page as it is
    context.close()


def test_who_may_not_comment_cannot(site: Site) -> None:
    site.put("/", PLAIN)
    key = ensure_secret_key()

    def ask(link: links.Door | Any, path: str, body: object = None, **headers: str) -> int:
        held = previews.make_pass(site.host, "link", str(link.id), 60, key)
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{site.port}/_greenroom/comments{path}", data=data,
            headers={
                "Host": site.host, "Cookie": f"{previews.COOKIE}={held}",
                "Content-Type": "application/json", **headers,
            },
        )  # fmt: skip
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.close()
            return int(error.code)

    with unit_of_work() as work:
        found = environments.get_environment(work, "shop/cart")
        silent, _ = links.create_link(work, found, "Silent", may_comment=False, by="ada")
        may, _ = links.create_link(work, found, "Anna", by="ada")
        work.expunge_all()
    time.sleep(0.3)  # until the gateway has heard of them
    anchor = {"tag": "h1", "attributes": {}, "text": "x", "path": "h1:1"}
    good = {"page": "/", "title": "", "anchor": anchor, "width": 390, "height": 844, "text": "x"}
    assert ask(silent, "", good) == 404
    assert ask(may, "", good) == 201
    assert ask(may, "", good, Origin="http://evil.test") == 403
    assert ask(may, "", good, **{"Sec-Fetch-Site": "same-site"}) == 403
    assert ask(may, "", good, **{"Content-Type": "text/plain"}) == 403
    for wrong in (
        {}, {**good, "text": " "}, {**good, "text": 7}, {**good, "page": "https://x"},
        {**good, "anchor": "h1"}, {**good, "anchor": {**anchor, "more": 1}}, {**good, "width": -1},
        {**good, "anchor": {**anchor, "text": "\0"}}, {**good, "width": True and 10**9}, [], "x",
    ):  # fmt: skip
        assert ask(may, "", wrong) == 400, wrong
    assert ask(may, "", {**good, "text": "x" * 20_000}) == 429
    assert ask(may, "/not-an-id/replies", {"text": "x"}) == 404
    assert ask(may, "/00000000-0000-0000-0000-000000000000/resolve", {"resolved": True}) == 404
    assert len(site.threads()) == 1


def test_a_box_a_picture_and_three_devices(site: Site, chromium: Browser, tmp_path: Path) -> None:
    site.put("/", PLAIN)
    desk = chromium.new_context(viewport={"width": 1440, "height": 900})
    desk.add_init_script(OPEN_SHADOWS)
    page = desk.new_page()
    page.goto(site.link())
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.get_by_text("draw a box")).to_be_visible()
    around = page.locator("article:nth-of-type(2)").bounding_box()
    assert around is not None
    page.mouse.move(around["x"] + 4, around["y"] + 4)
    page.mouse.down()
    page.mouse.move(around["x"] + 150, around["y"] + 60, steps=4)
    page.mouse.up()
    page.get_by_role("textbox").fill("this corner @team")
    photo = tmp_path / "photo.png"
    photo.write_bytes(desk.new_page().screenshot())
    page.locator("input[type=file]").set_input_files(photo)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("button", name="Comment 1")).to_be_visible()
    with unit_of_work() as work:
        found = environments.get_environment(work, "shop/cart")
        (thread,) = comments.list_threads(work, found.id)
        anchor, (file,) = dict(thread.anchor), thread.comments[0].files
    assert anchor["tag"] == "article"
    assert anchor["text"].startswith("Bell Jar")
    left, top, width, height = anchor["box"]
    assert 0 <= left < 0.1
    assert 0 <= top < 0.1
    assert 0.05 < width < 0.9
    assert 0.2 < height < 0.9
    assert file["name"] == "photo.png"
    page.get_by_role("button", name="Comment 1").click()
    seen = page.get_by_role("link", name="photo.png").get_attribute("href")
    assert seen is not None
    look = "url => fetch(url).then(a => [a.status, a.headers.get('content-type')])"
    assert page.evaluate(look, seen) == [200, "image/png"]
    assert page.evaluate(look, seen[:-4] + "0000")[0] == 404
    for body, kind in ((b"<svg onload=alert(1)>", "image/png"), (b"\x89PNG\r\n", "image/webp")):
        refused = page.evaluate(
            "([body, kind]) => fetch('/_greenroom/comments/files', {method: 'POST', body,"
            " headers: {'content-type': kind}}).then(a => a.status)",
            [body.decode("latin-1"), kind],
        )
        assert refused == 400
    page.keyboard.press("Escape")
    page.get_by_role("button", name="All comments").click()
    page.get_by_role("link", name="On phone, tablet and desktop").click()
    for name, wide in (("Phone", 390), ("Tablet", 820), ("Desktop", 1440)):
        frame = page.frame_locator(f"iframe[title={name}]")
        expect(frame.get_by_role("heading", name="Everything for the house")).to_be_visible()
        assert frame.locator("html").evaluate("() => innerWidth") == wide
    answer = page.goto(f"{site.origin}/_greenroom/devices?page=//evil.test/")
    assert answer is not None
    assert "evil" not in answer.text()
    desk.close()
