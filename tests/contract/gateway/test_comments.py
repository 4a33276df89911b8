"""A client's journey on a phone in a real Chromium, and the overlay on difficult pages."""

from __future__ import annotations

import gzip
import json
import time
import urllib.error
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from greenroom import previews, promotions
from greenroom.errors import NotAllowed
from greenroom.gateway import remarks
from greenroom.gateway.visitors import Visitor
from greenroom.rights import Role
from greenroom.secrets import hash_token
from greenroom.store import environments, links, users
from greenroom.store.crypto import ensure_secret_key
from greenroom.store.work import unit_of_work
from tests.contract.gateway.previewed import (
    CARDS,
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


def test_a_client_opens_comments_and_decides_on_a_phone(site: Site, phone: BrowserContext) -> None:
    site.put("/", PLAIN)
    promotions.set_rule("shop", needed=0, clients=1, pages=["/", "/shop"], actor="ada")
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
    expect(page.get_by_label("About")).to_have_value("/")  # the page that one came from
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("status")).to_contain_text("You approved 1 of 2 pages so far")
    page.get_by_label("About").select_option("/shop")
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

    def send(link: Any, path: str, body: object = None, **headers: str) -> Any:
        kind, subject = ("team", link) if isinstance(link, str) else ("link", str(link.id))
        held = previews.make_pass(site.host, kind, subject, 60, key)
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{site.port}/_greenroom/comments{path}", data=data,
            headers={
                "Host": site.host, "Cookie": f"{previews.COOKIE}={held}",
                "Content-Type": "application/json", **headers,
            },
        )  # fmt: skip
        return urllib.request.urlopen(request, timeout=10)

    def ask(link: Any, path: str, body: object = None, **headers: str) -> int:
        try:
            with send(link, path, body, **headers) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.close()
            return int(error.code)

    with unit_of_work() as work:
        found = environments.get_environment(work, "shop/cart")
        silent, _ = links.create_link(work, found, "Silent", may_comment=False, by="ada")
        may, _ = links.create_link(work, found, "Anna", by="ada")
        for name, role in (("bea", Role.REVIEWER), ("vera", Role.VIEWER)):
            users.add_user(work, name, actor="ada")
            users.set_member(work, found.project, name, role, actor="ada")
        bea, vera = (
            hash_token(users.admit(work, users.get_user(work, name), "password"))
            for name in ("bea", "vera")
        )
        work.flush()
        work.expunge_all()
    time.sleep(0.3)  # until the gateway has heard of them
    anchor = {"tag": "h1", "attributes": {}, "text": "x", "path": "h1:1"}
    good = {"page": "/", "title": "", "anchor": anchor, "width": 390, "height": 844, "text": "x"}
    assert ask(silent, "", good) == 404
    assert ask(may, "", good) == 201
    half = {**anchor, "text": "an emoji cut in two: \ud83d"}
    assert ask(may, "", {**good, "anchor": half, "text": "\ud83d here"}) == 201
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
    assert [said for *_, said in site.threads()] == [["x"], ["? here"]]
    assert (ask(bea, "", good), ask(vera, "", good), ask("bea", "", good)) == (201, 404, 403)
    with unit_of_work() as work:
        found = environments.get_environment(work, "shop/cart")
        members = [
            Visitor(None, found.id, "shop", "cart", "bea", True, False, None, bea),
            Visitor(may.id, found.id, "shop", "cart", "Anna", True, False, None),
        ]
    for one in members:
        remarks._check_open(one)
    with send(bea, "/events") as team, send(may, "/events") as client:
        team.readline(), client.readline()
        with unit_of_work() as work:
            users.deactivate(work, "bea", actor="ada")
            found = environments.get_environment(work, "shop/cart")
            links.revoke_link(work, links.get_link(work, found, may.number), by="ada")
        for one in members:  # the next write asks the store itself
            with pytest.raises(NotAllowed, match="any more"):
                remarks._check_open(one)
        assert (ask(bea, "", good), ask(may, "", good)) in [(403, 403), (403, 410)]
        team.read(), client.read()  # both streams end
