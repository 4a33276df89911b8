"""A client's journey on a phone, from the link to the approval, and what the team gets of it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.contract.gateway.previewed import OPEN_SHADOWS
from tests.contract.tracker_server import LabTracker
from tests.e2e.conftest import Demo, Window

ENVIRONMENT = "tolmere/feature-spring-sale"
ANDROID = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/140.0.0.0 Mobile Safari/537.36"
)
SHOTS = os.environ.get("GREENROOM_TEST_SHOTS", "")
"""A folder for pictures of each step, to be looked at by eye."""


def keep(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"))


def prepare(page: Page, demo: Demo, tracker: LabTracker) -> str:
    """Connect the tracker, ask for a client's approval, and make a link, as the team does it."""
    page.goto(f"{demo.console}/projects")
    page.get_by_role("button", name="Issue tracker").click()
    form = page.get_by_test_id("stForm").filter(has_text="of every thread")
    form.get_by_role("combobox").click()
    page.get_by_role("option", name="GitLab").click()
    form.get_by_label("Place", exact=True).fill("acme/shop")
    form.get_by_label("API address", exact=True).fill(tracker.url)
    form.get_by_text("of every thread").click()
    form.get_by_label("Token", exact=True).fill(tracker.token)
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_text("GitLab, acme/shop")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Approvals").click()
    rule = page.get_by_test_id("stForm").filter(has_text="Clients' approvals")
    rule.get_by_role("spinbutton", name="Clients' approvals").fill(
        "2"
    )  # the demo's client has approved it
    rule.get_by_role("button", name="Save").click()
    expect(page.get_by_text("2 by clients").first).to_be_visible()
    demo.run("project", "set-access", "tolmere", "closed")
    page.goto(f"{demo.console}/environment?env={ENVIRONMENT}&part=share")
    page.get_by_text("Share with somebody").click()
    form = page.get_by_test_id("stForm").filter(has_text="For whom")
    form.get_by_label("For whom", exact=True).fill("Anna Weber")
    form.get_by_label("Password", exact=True).fill("blue kettle")
    form.get_by_text("They may approve").click()
    form.get_by_role("button", name="Make the link").click()
    made = page.get_by_test_id("stCode").filter(has_text="/_greenroom/link/")
    expect(made).to_be_visible()
    keep(page, "1-team-makes-a-link")
    return made.inner_text().strip()


def look_and_decide(page: Page, demo: Demo, link: str) -> None:
    """Open, comment, compare and approve, as a client does it with a thumb."""
    page.goto(demo.preview)
    expect(page.get_by_text("This preview is private")).to_be_visible()
    keep(page, "2-private")
    page.goto(link)
    keep(page, "3-password")
    page.get_by_label("Password").fill("blue kettle")
    page.get_by_role("button", name="Open the preview").tap()
    expect(page.get_by_text("Spring sale", exact=True)).to_be_visible()
    page.get_by_role("button", name="Comment", exact=True).tap()
    expect(page.get_by_text("Tap what you mean")).to_be_visible()
    page.get_by_role("button", name="Comment", exact=True).tap()  # there is no Escape on a phone
    expect(page.get_by_text("Tap what you mean")).to_be_hidden()
    page.get_by_role("button", name="Comment", exact=True).tap()
    keep(page, "4-tap-what-you-mean")
    page.get_by_role("heading", level=1).tap()
    page.get_by_role("textbox", name="What do you mean?").fill("too long")
    keep(page, "5-too-long")
    page.get_by_role("button", name="Send").tap()
    expect(page.get_by_role("button", name="Comment 2", exact=True)).to_be_visible()
    keep(page, "6-pinned")
    page.get_by_role("button", name="All comments").tap()
    keep(page, "7-list")
    page.get_by_role("link", name="Today's site beside it").tap()
    today, new = page.frame_locator("iframe[title=Today]"), page.frame_locator("iframe[title=New]")
    expect(today.get_by_role("heading", level=1)).to_be_visible()
    expect(today.get_by_text("Spring sale")).to_have_count(0)
    expect(new.get_by_text("Spring sale", exact=True)).to_be_visible()
    keep(page, "8-beside")
    page.get_by_role("link", name="Back to the page").tap()
    page.get_by_role("button", name="Approve…").tap()
    expect(page.get_by_role("heading", name="What do you think?")).to_be_visible()
    keep(page, "9-decide")
    page.get_by_role("button", name="Approve").tap()
    expect(page.get_by_role("status")).to_contain_text("You approved this version")
    keep(page, "10-approved")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def go(demo: Demo, chromium: Browser, window: Window, tracker: LabTracker) -> None:
    """Make the whole journey."""
    team = window.page()
    link = prepare(team, demo, tracker)
    phone = chromium.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, locale="en-GB",
        user_agent=ANDROID,
    )  # fmt: skip
    phone.add_init_script(OPEN_SHADOWS)
    phone.set_default_timeout(60_000)
    try:
        look_and_decide(phone.new_page(), demo, link)
    finally:
        phone.close()
        demo.run("project", "set-access", "tolmere", "auto")

    team.goto(f"{demo.console}/environment?env={ENVIRONMENT}&part=review")
    expect(team.get_by_text("Anna Weber (client)").first).to_be_visible()
    promote = team.get_by_test_id("stMain").get_by_role("button", name="Promote to production")
    expect(promote).to_be_enabled()
    keep(team, "11-team-review")
    promote.click()
    expect(team.get_by_role("dialog").get_by_role("button", name="Promote")).to_be_enabled()
    keep(team, "12-promote")

    thread = team.locator('[class*="st-key-thread-"]').filter(has_text="too long")
    issue = thread.get_by_role("link", name=re.compile(r"^#?\d+$"))
    for _ in range(120):  # the picture is taken within a minute, and the issue made with it
        team.goto(f"{demo.console}/environment?env={ENVIRONMENT}&part=comments")
        expect(thread).to_be_visible(timeout=60_000)
        if issue.is_visible() and thread.get_by_text("Pictures").is_visible():
            break
        team.wait_for_timeout(2_000)
    expect(thread.get_by_text("Chrome on Android, 390 px wide")).to_be_visible()
    thread.get_by_text("Pictures").click()
    expect(thread.get_by_role("img").first).to_be_visible()
    keep(team, "13-team-comments")
    (made,) = tracker.issues.values()
    assert made.title == "too long"
    for word in ("Anna Weber", "Chrome on Android", "390", "greenroom-"):
        assert word in made.text, made.text
    assert [file[:8] for file in made.files] == [b"\x89PNG\r\n\x1a\n"]
    with team.expect_popup() as opened:
        thread.get_by_role("link", name="Show on the page").click()
    here = opened.value
    expect(here.locator("#greenroom-comments")).to_have_count(1)
    keep(here, "14-on-the-page")
