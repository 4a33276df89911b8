"""The whole product as a person meets it: the demo, its console and its previews in Chromium."""

from __future__ import annotations

import re
import urllib.error
import urllib.request

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.contract.tracker_server import LabTracker
from tests.e2e import client_journey

pytestmark = [
    pytest.mark.e2e, pytest.mark.slow, pytest.mark.needs_browser, pytest.mark.needs_postgres,
    pytest.mark.timeout(1200),  # the first one plays the whole demo
]  # fmt: skip
widths = pytest.mark.parametrize("width", [1440, 390])
ENVIRONMENT = "tolmere/feature-spring-sale"
PATIENCE = 240_000
"""Milliseconds for a platform that has half a core, and compares after each deployment."""
expect.set_options(timeout=60_000)
SENTINEL = "sentinel-6b1f0e77"
SHOP_PAGES = ["/", "/collection", "/pieces/moon-jar", "/studio", "/basket", "/contact"]
IS_TOO_WIDE = """(() => {
  const main = document.querySelector('[data-testid=stMain]') || document.documentElement;
  return main.scrollWidth > main.clientWidth
      || document.documentElement.scrollWidth > window.innerWidth;
})()"""
BROKEN_PICTURES = """Promise.all([...document.images].map(async image => {
  image.loading = 'eager';
  try { await image.decode(); } catch (error) { return image.currentSrc || image.src; }
  return image.naturalWidth > 0 ? null : image.src;
})).then(found => found.filter(Boolean))"""


def card(page: Page, name: str) -> Locator:
    """Give an environment's card on the dashboard."""
    return page.locator('[class*="st-key-card-"]').filter(
        has=page.get_by_role("link", name=name, exact=True)
    )


def set_variable(page: Page, name: str, value: str, *, secret: bool) -> None:
    form = page.get_by_test_id("stForm").filter(has_text="Set a variable")
    form.get_by_label("Name").fill(name)
    form.get_by_label("Value").fill(value)
    if not secret:
        form.get_by_text("Secret: never shown again").click()
    form.get_by_role("button", name="Set").click()
    expect(page.locator(".gr-table").get_by_text(name, exact=True)).to_be_visible()


def await_log(page: Page, line: str) -> None:
    """Watch a deployment's log until it is live; it must have been followed while it grew."""
    expect(page.get_by_text("following")).to_be_visible()
    expect(page.locator(".gr-log").get_by_text(line).first).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".gr-log").get_by_text("traffic switched")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("following")).to_be_hidden(timeout=PATIENCE)


def test_the_demo_checks_each_of_its_steps(demo):
    steps = {step["name"]: step for step in demo.first["steps"]}
    assert list(steps) == [
        "platform",
        "project",
        "production",
        "data",
        "staging",
        "outbound",
        "broken",
        "rollback",
        "promotion",
    ]
    assert all(steps[name]["checked"] for name in steps if name != "platform")
    assert demo.first["played"] == "whole"


def test_played_again_it_finds_everything(demo):
    assert demo.summary["played"] == "again"
    assert demo.summary["admin_password"] is None
    (found,) = [step for step in demo.summary["steps"] if step["name"] == "found"]
    assert len(found["checked"]) == 2


@pytest.mark.parametrize(
    "path", ["/", "/_stcore/health", "/_stcore/host-config", "/static/index.html", "/audit"]
)
def test_a_stranger_gets_nothing_of_the_console(demo, path):
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(demo.console + path, timeout=10)
    assert refused.value.code == 401
    assert "streamlit" not in refused.value.read().decode().lower()


@widths
def test_the_dashboard_leads_to_the_preview(demo, window, width):
    page = window.page()
    page.goto(demo.console)
    for name in ("production", "feature-spring-sale"):
        expect(card(page, name).get_by_text("active")).to_be_visible()
    expect(card(page, "feature-spring-sale").get_by_text("rollback by demo")).to_be_visible()
    assert not page.evaluate(IS_TOO_WIDE)
    with page.expect_popup() as opened:
        card(page, "feature-spring-sale").get_by_role("link", name="Open").click()
    opened.value.wait_for_load_state()
    assert opened.value.url == demo.preview + "/"
    assert re.fullmatch(r"http://tolmere-feature-spring-sale\.localhost:\d+", demo.preview)
    expect(opened.value.get_by_text("Spring sale", exact=True)).to_be_visible()


@widths
def test_every_page_of_the_shop_in_the_preview(demo, window, width):
    page = window.page()
    for path in SHOP_PAGES:
        answer = page.goto(demo.preview + path)
        assert answer is not None
        assert answer.status == 200, path
        assert "noindex" in answer.headers["x-robots-tag"]
        assert page.evaluate(BROKEN_PICTURES) == [], path
        assert not page.evaluate(IS_TOO_WIDE), path
    page.goto(demo.preview + "/pieces/moon-jar")
    page.get_by_role("button", name=re.compile("basket", re.IGNORECASE)).click()
    expect(page.locator(".basket-link .count")).to_have_text("1")
    page.goto(demo.production)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Thrown by hand")
    expect(page.get_by_text("Spring sale")).to_have_count(0)


@widths
def test_every_page_of_the_console(demo, window, width):
    page = window.page()
    places = ["", "projects", "audit", "platform", "account"]
    places += [
        f"environment?env={ENVIRONMENT}&part={part}"
        for part in (
            "history",
            "share",
            "comments",
            "review",
            "mail",
            "isolation",
            "logs",
            "variables",
            "activity",
        )
    ]
    for place in places:
        page.goto(f"{demo.console}/{place}")
        expect(page.locator(".gr-heading").first).to_be_visible(timeout=PATIENCE)
        page.locator("[data-test-script-state=notRunning]").wait_for(timeout=PATIENCE)
        expect(page.locator(".gr-panel")).to_have_count(0)
        assert not page.evaluate(IS_TOO_WIDE), place


@pytest.mark.parametrize("width", [1440])  # the team's; the client's is 390
def test_a_client_comments_compares_and_approves_on_a_phone(demo, chromium, window, width):
    with LabTracker() as tracker:
        client_journey.go(demo, chromium, window, tracker)


@widths
def test_deploy_watch_and_roll_back(demo, window, width, tmp_path):
    page, shop = window.page(), window.page()
    page.goto(f"{demo.console}/environment?env={ENVIRONMENT}&part=variables")
    set_variable(page, "SMTP_HOST", "mail.tolmere.example", secret=False)  # ours wins
    set_variable(page, "STAFF_PASSWORD", SENTINEL, secret=True)
    kept = page.locator(".gr-table tr").filter(has_text="STAFF_PASSWORD")
    expect(kept.get_by_text("••••••••")).to_be_visible()

    words = f"Sale for {width}"
    commit = demo.change_banner(words, tmp_path / "work")
    page.goto(demo.console)
    card(page, "feature-spring-sale").get_by_role("button", name="Deploy").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox").fill(commit)
    dialog.get_by_role("combobox").press("Enter")
    dialog.get_by_role("button", name="Deploy").click()
    await_log(page, f"Say {words}")
    expect(page.locator(".gr-facts").get_by_text(commit[:9])).to_be_visible()
    page.get_by_placeholder("Search the log").fill("TRAFFIC")
    page.get_by_placeholder("Search the log").press("Enter")
    expect(page.get_by_text("1 match")).to_be_visible()
    expect(page.locator(".gr-log mark")).to_have_text("traffic")
    assert not page.evaluate(IS_TOO_WIDE)
    assert SENTINEL not in page.content()

    shop.goto(demo.preview + "/contact")
    expect(shop.get_by_text(words, exact=True)).to_be_visible()
    shop.get_by_label("name").fill("Nora Demo")
    shop.locator("#email").fill("nora@demo.example")
    shop.locator("#subject").fill(f"A plate of {width}")
    shop.locator("#body").fill("It fell. May I have another one, please?")
    shop.get_by_role("button", name="Send the letter").click()
    expect(shop.get_by_role("heading", name="Your letter is with us")).to_be_visible()
    page.goto(f"{demo.console}/environment?env={ENVIRONMENT}&part=mail")  # it reached nobody
    expect(page.get_by_text(f"A plate of {width}").first).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("nora@demo.example").first).to_be_visible()
    assert not page.evaluate(IS_TOO_WIDE)

    page.get_by_test_id("stMain").get_by_role("button", name="Roll back", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile(r"Roll back to #\d+")).click()
    await_log(page, "returning to")
    shop.goto(demo.preview)
    expect(shop.get_by_text("Spring sale", exact=True)).to_be_visible()
    expect(shop.get_by_text(words)).to_have_count(0)
    page.get_by_text("History", exact=True).click()
    expect(page.locator(".gr-table tbody tr").first).to_contain_text("rollback to")
    expect(page.locator(".gr-table tbody tr").nth(1)).to_contain_text("retired")
    logs = "".join(file.read_text() for file in (demo.home / "logs").glob("*.log"))
    assert SENTINEL not in logs
    assert str(demo.first["admin_password"]) not in logs


@pytest.mark.parametrize("width", [1440])
def test_a_branch_with_a_typo_is_refused_in_words(demo, window, width):
    page, shop = window.page(), window.page()
    page.goto(f"{demo.console}/environment?env={ENVIRONMENT}")
    page.get_by_test_id("stMain").get_by_role("button", name="Deploy", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox").fill("feature/sprung-sale")
    dialog.get_by_role("combobox").press("Enter")
    dialog.get_by_role("button", name="Deploy").click()
    panel = page.get_by_role("alert").filter(has_text="failed")
    expect(panel).to_contain_text("feature/sprung-sale", timeout=PATIENCE)
    expect(panel).to_contain_text("UnknownRef")
    shop.goto(demo.preview)
    expect(shop.get_by_text("Spring sale", exact=True)).to_be_visible()


@pytest.mark.parametrize("width", [390])
def test_the_isolation_is_tried_and_shown(demo, window, width):
    page = window.page()
    page.goto(f"{demo.console}/environment?env={ENVIRONMENT}&part=isolation")
    page.get_by_role("button", name="Try to get out").click()
    expect(page.get_by_text("Everything is being tried.")).to_be_visible()
    expect(page.get_by_text("Everything is being tried.")).to_be_hidden(timeout=PATIENCE)
    expect(page.locator(".gr-table").get_by_text("captured").first).to_be_visible()
    expect(page.locator(".gr-table").get_by_text("not kept").first).to_be_visible()
    expect(page.locator(".gr-table").get_by_text("got out")).to_have_count(0)
    assert not page.evaluate(IS_TOO_WIDE)


@pytest.mark.parametrize("width", [390])
def test_logged_out_the_console_is_closed(demo, chromium, window, width):
    page = window.page()
    page.goto(demo.console + "/login")
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill("four quiet harbour geese")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    kept = window.context.storage_state()
    page.goto(demo.console + "/account")
    page.get_by_test_id("stMain").get_by_role("link", name="Log out").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    with chromium.new_context(storage_state=kept) as thief:  # a copied cookie is worth nothing
        stolen = thief.new_page()
        stolen.goto(demo.console + "/audit")
        expect(stolen.get_by_label("Password")).to_be_visible()
