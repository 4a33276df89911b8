"""A person's way through the console, in a real Chromium."""

from __future__ import annotations

import os
import shutil

import pytest
from aiosmtpd.controller import Controller
from playwright.sync_api import Page, expect, sync_playwright

from greenroom.store import environments, mail_release, mails
from greenroom.store.work import unit_of_work
from tests.conftest import free_port
from ui import nav

pytestmark = [pytest.mark.ui, pytest.mark.needs_browser, pytest.mark.needs_postgres]
PASSWORD = "a password for tests"


@pytest.fixture
def chromium(require):
    path = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
    require(path is not None, "Chromium", "scripts/install-system")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


def open_console(chromium, address: str, width: int) -> tuple[Page, list[str], list[str]]:
    page = chromium.new_page(viewport={"width": width, "height": 850})
    page.set_default_timeout(60_000)
    foreign, complaints = [], []
    ours = (address, address.replace("http", "ws"), "data:", "blob:")
    page.on("request", lambda r: None if r.url.startswith(ours) else foreign.append(r.url))
    page.on("websocket", lambda w: None if w.url.startswith(ours) else foreign.append(w.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
    page.on(
        "console",
        lambda m: complaints.append(m.text) if "Content Security Policy" in m.text else None,
    )
    page.goto(address + "/")
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible(timeout=60_000)
    return page, foreign, complaints


def overflows(page: Page) -> bool:
    return page.evaluate(
        "(() => { const m = document.querySelector('[data-testid=stMain]');"
        " return m.scrollWidth > m.clientWidth"
        " || document.documentElement.scrollWidth > window.innerWidth; })()"
    )


@pytest.mark.parametrize("width", [1440, 390])
def test_from_login_through_every_page(console, seeded, chromium, width):
    page, foreign, complaints = open_console(chromium, console, width)
    expect(page.get_by_text("<img src=x onerror=alert(1)>").first).to_be_visible(timeout=60_000)
    expect(page.get_by_text("feature/cart").first).to_be_visible()
    assert not overflows(page)
    for entry in nav.ENTRIES[1:]:
        page.goto(f"{console}/{entry.name}")
        expect(page.locator(".gr-heading").first).to_be_visible(timeout=60_000)
        page.wait_for_timeout(500)
        assert not overflows(page), entry.name
    for part in ("logs", "variables", "activity"):
        page.goto(f"{console}/environment?env=shop/img-src-x-onerror-alert-1&part={part}")
        expect(page.get_by_text("Deployment #1 failed").first).to_be_visible(timeout=60_000)
        page.wait_for_timeout(500)
        assert not overflows(page), part
    assert page.evaluate("document.querySelectorAll('[data-testid=stMain] img').length") == 0
    assert foreign == []
    assert complaints == []


def _release_to_me(page: Page, console: str) -> None:
    """One captured mail goes to the one of us whom an administrator named, and to nobody else."""
    port, heard = free_port(), Sink()
    with unit_of_work() as work:
        found = environments.get_environment(work, "shop/fix-tax")
        mail_release.set_release_addresses(work, found.project, ["me@agency.example"], actor="ada")
        mail_release.set_release_server(
            work, found.project, f"smtp://127.0.0.1:{port}", actor="ada"
        )
        source = b"Subject: Your order\r\nTo: nora@y.test\r\n\r\nThank you."
        mails.add_mails(
            work, [mails.NewMail(found.id, "a@x.test", ("nora@y.test",), "Your order", source)]
        )
    server = Controller(heard, hostname="127.0.0.1", port=port)
    server.start()
    try:
        page.goto(f"{console}/environment?env=shop/fix-tax&part=mail")
        page.get_by_role("button", name="Release to me").click()
        expect(page.get_by_label("To", exact=True)).to_have_value("me@agency.example")
        page.get_by_role("button", name="Send it there").click()
        expect(page.get_by_text("is on its way to me@agency.example")).to_be_visible(timeout=60_000)
        assert not overflows(page)
    finally:
        server.stop()
    ((recipients, octets),) = heard.got
    assert recipients == ["me@agency.example"]
    assert b"Resent-To: me@agency.example" in octets
    assert octets.replace(b"\r\n", b"\n").endswith(b"Thank you.\n")


class Sink:
    """A mail server's end: it keeps what it gets."""

    def __init__(self) -> None:
        self.got: list[tuple[list[str], bytes]] = []

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.got.append((envelope.rcpt_tos, envelope.content))
        return "250 kept"


def test_search_the_log_and_log_out(console, seeded, chromium):
    page, _, _ = open_console(chromium, console, 1200)
    page.goto(f"{console}/environment?env=shop/img-src-x-onerror-alert-1&part=logs")
    expect(page.get_by_text("NeedleError: gone")).to_be_visible(timeout=60_000)
    box = page.get_by_placeholder("Search the log")
    box.fill("needleerror")
    box.press("Enter")
    expect(page.get_by_text("1 match")).to_be_visible()
    expect(page.locator(".gr-log mark")).to_have_text("NeedleError")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    with open(download.value.path()) as file:  # noqa: PTH123 - Playwright gives a text
        text = file.read()
    assert "line 0 of the build" in text
    assert "NeedleError: gone" in text
    _release_to_me(page, console)
    page.goto(f"{console}/account")
    page.get_by_test_id("stMain").get_by_role("link", name="Log out").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    page.goto(f"{console}/audit")
    expect(page.get_by_label("Password")).to_be_visible()
