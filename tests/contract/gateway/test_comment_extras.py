"""Boxes, pictures and devices, in a real browser."""

from __future__ import annotations

import contextlib
import gzip
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect
from playwright.sync_api import Error as PlaywrightError

from greenroom.store import comments, environments
from greenroom.store.work import unit_of_work
from tests.contract.gateway.previewed import (
    HOSTILE,
    OPEN_SHADOWS,
    PLAIN,
    Site,
    chromium,
    comment,
    phone,
    site,
)

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres, pytest.mark.needs_browser]
__all__ = ["chromium", "phone", "site"]  # fixtures


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


WORKER = """self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('fetch', (event) => event.respondWith(
  fetch(event.request).catch(() => new Response('offline', {status: 503}))));"""
ROUTED = """<script>const go = (path, words) => { history.pushState({}, '', path);
document.querySelector('h1').textContent = words; };</script>
<button onclick="go('/routed/cart', 'Your basket')">To the basket</button>"""


def test_hard_pages_can_be_commented_on(site: Site, phone: BrowserContext) -> None:
    """A service worker, a single-page application, a frame and 10 MB of HTML."""
    site.put("/worker", PLAIN.replace("<body>", "<body><script>navigator.serviceWorker"
             ".register('/worker.js')</script>"))  # fmt: skip
    site.put("/worker.js", WORKER, Content_Type="text/javascript")
    site.put("/routed", PLAIN.replace("<main>", f"{ROUTED}<main>"))
    frame = "<iframe src='/inner' title=inner width=360 height=400></iframe>"
    site.put("/framing", PLAIN.replace("<main>", f"{frame}<main>"))
    site.put("/inner", PLAIN.replace("<h1>", "<h1>Within: "))
    site.put("/big", PLAIN.replace("</main>", f"<p>{'more &amp; ' * 50}</p>" * 60_000 + "</main>"))
    page = phone.new_page()
    page.goto(site.link(HOSTILE, start="/worker"))
    page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    page.reload()  # from now on the page's own worker stands between
    comment(page, "h1", "by a worker")
    page.get_by_role("button", name="Comment 1", exact=True).click()
    expect(page.get_by_role("dialog").get_by_text(HOSTILE)).to_be_visible()  # who wrote it: text
    assert page.title() == "Shop"

    page.goto(f"{site.origin}/routed")
    page.get_by_role("button", name="To the basket").click()
    comment(page, "h1", "in the basket")  # its router went on without a new document
    pin = page.get_by_role("button", name="Comment 2", exact=True)
    expect(pin).to_be_visible()
    page.go_back()
    expect(pin).to_have_count(0)
    page.go_forward()
    expect(pin).to_be_visible()

    page.goto(f"{site.origin}/framing")
    comment(page, "h1", "around the frame")
    expect(page.get_by_role("button", name="Comment 3", exact=True)).to_be_visible()
    inner = page.frame_locator("iframe[title=inner]")
    inner.get_by_role("button", name="Comment", exact=True).click()
    inner.locator("h1").click()
    inner.get_by_role("textbox").fill("in the frame")
    inner.get_by_role("button", name="Send").click()
    expect(inner.get_by_role("button", name="Comment 4", exact=True)).to_be_visible()

    page.goto(f"{site.origin}/big", wait_until="domcontentloaded")
    comment(page, "h1", "a long page")
    assert [(path, said) for _, _, path, (said,) in site.threads()] == [
        ("/worker", "by a worker"), ("/routed/cart", "in the basket"),
        ("/framing", "around the frame"), ("/inner", "in the frame"), ("/big", "a long page"),
    ]  # fmt: skip


def test_broken_answers_reach_the_browser_as_they_are(site: Site, phone: BrowserContext) -> None:
    """A wrong length and broken codings: nothing hangs, nothing is made up, the next page works."""
    packed = gzip.compress(PLAIN.encode())
    site.put("/", PLAIN)
    site.put("/short", PLAIN, Content_Length="5000000", Connection="close")
    site.put("/cut", PLAIN, Content_Length="120", Connection="close")
    for path, body in (("/no-gzip", PLAIN.encode()), ("/half-gzip", packed[: len(packed) // 2])):
        site.put(path, "", Content_Encoding="gzip")
        site.pages[path] = (site.pages[path][0], body)
    page = phone.new_page()
    page.goto(site.link())
    for path in ("/short", "/cut", "/no-gzip", "/half-gzip"):
        with contextlib.suppress(PlaywrightError):  # it breaks off, and never is "loaded"
            page.goto(f"{site.origin}{path}", timeout=4_000)
        page.goto(f"{site.origin}/")
        expect(page.get_by_role("heading", name="Everything for the house")).to_be_visible()
    comment(page, "h1", "still here")
    assert len(site.threads()) == 1
