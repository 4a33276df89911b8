"""The main job as people do it: in a browser, from the one-time password to the rollback."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from greenroom.store import deployments
from greenroom.store.models import DeploymentStatus
from greenroom.store.work import unit_of_work

pytestmark = [
    pytest.mark.e2e, pytest.mark.slow, pytest.mark.needs_browser, pytest.mark.needs_postgres,
]  # fmt: skip
ENVIRONMENT = "tolmere/feature-spring-sale"


def log_in(page: Page, demo: Any, password: str) -> None:
    page.goto(demo.console + "/")
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def overflows(page: Page) -> bool:
    """Whether the page can be scrolled sideways."""
    return bool(
        page.evaluate(
            "(() => { const m = document.querySelector('[data-testid=stMain]');"
            " return (m && m.scrollWidth > m.clientWidth)"
            " || document.documentElement.scrollWidth > window.innerWidth; })()"
        )
    )


def commit_of(demo: Any) -> str:
    """Give the commit that the preview says it runs."""
    return str(demo.play.hands.health("feature-spring-sale")["commit"])


def newest(demo: Any) -> Any:
    environment = demo.play.hands.environment("feature-spring-sale")
    with unit_of_work() as work:
        return deployments.list_deployments(work, environment.id, limit=1)[0]


def look_at_environment(page: Page, demo: Any, part: str = "history") -> None:
    page.goto(f"{demo.console}/environment?env={ENVIRONMENT}&part={part}")
    expect(page.locator(".gr-heading").first).to_be_visible()


def test_from_the_one_time_password_to_the_rollback(demo: Any, browse: Any) -> None:
    with browse(1440) as page:
        log_in(page, demo, demo.password)
        expect(page.get_by_label("New password", exact=True)).to_be_visible()
        page.locator("input[name=old]").fill(demo.password)
        page.get_by_label("New password", exact=True).fill(demo.changed)
        page.get_by_label("The new one again").fill(demo.changed)
        page.get_by_role("button").first.click()
        expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
        for name in ("production", "feature-spring-sale"):
            expect(page.get_by_role("link", name=name, exact=True).first).to_be_visible()
        before = newest(demo)
        old = commit_of(demo)
        assert old == before.commit_hash

        look_at_environment(page, demo)
        page.get_by_role("button", name="Deploy", exact=True).click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("combobox")).to_have_value(re.compile("feature/spring-sale"))
        dialog.get_by_role("button", name="Deploy", exact=True).click()
        expect(dialog).to_be_hidden()
        look_at_environment(page, demo, "logs")
        number = before.number + 1
        chosen = page.get_by_role("combobox", name="Deployment")
        expect(chosen).to_have_value(re.compile(f"#{number} "))
        expect(page.locator(".gr-log").get_by_text("traffic switched")).to_be_visible()
        deployed = newest(demo)
        assert demo.play.hands.watch(deployed.id).status == DeploymentStatus.LIVE
        page.goto(demo.preview)
        assert commit_of(demo) == newest(demo).commit_hash != old

        look_at_environment(page, demo)
        page.get_by_role("button", name="Roll back", exact=True).click()
        page.get_by_role("dialog").get_by_role("button", name="Roll back to").click()
        expect(page.get_by_role("dialog")).to_be_hidden()
        expect(page.locator(".gr-log").get_by_text("returning to")).to_be_visible()
        ended = demo.play.hands.watch(newest(demo).id)
        assert (ended.kind, ended.status) == ("rollback", DeploymentStatus.LIVE)
        assert commit_of(demo) == old
        look_at_environment(page, demo)
        expect(page.locator("td", has_text=f"#{number + 1}").first).to_be_visible()
        expect(page.locator("td", has_text="rollback to").first).to_be_visible()

        page.goto(f"{demo.console}/logout")
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_label("Password")).to_be_visible()
        page.goto(f"{demo.console}/environment?env={ENVIRONMENT}")
        expect(page.get_by_label("Password")).to_be_visible()


@pytest.mark.parametrize("width", [1440, 390])
def test_the_preview_is_the_shop(demo: Any, browse: Any, width: int) -> None:
    with browse(width) as page:
        page.goto(demo.preview)
        expect(page.get_by_text("spring sale", exact=False).first).to_be_visible()
        for path in ("/", "/collection", "/contact", "/basket"):
            page.goto(demo.preview + path)
            page.wait_for_load_state("networkidle")
            assert not overflows(page), path
            assert page.evaluate(
                "Array.from(document.images).filter(i => i.getBoundingClientRect().top < 900)"
                ".every(i => i.complete && i.naturalWidth > 0)"
            ), path
        page.goto(demo.preview + "/contact")
        page.locator("[name=full_name]").fill("Ada Example")
        page.locator("[name=email]").fill("ada@example.org")
        page.locator("[name=subject]").fill("A question")
        page.locator("[name=body]").fill("Does the jar hold water, and if so how much of it?")
        page.get_by_role("button", name="Send the letter").click()
        expect(page.get_by_text("Your letter is with us")).to_be_visible()


def test_the_console_on_a_phone(demo: Any, browse: Any) -> None:
    with browse(390) as page:
        log_in(page, demo, demo.changed)
        expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
        assert not overflows(page)
        for part in ("history", "logs", "variables", "activity"):
            look_at_environment(page, demo, part)
            page.wait_for_load_state("networkidle")
            assert not overflows(page), part


def test_a_branch_with_a_typo_is_refused_in_words(demo: Any, browse: Any) -> None:
    with browse(1440) as page:
        log_in(page, demo, demo.changed)
        expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
        look_at_environment(page, demo)
        page.get_by_role("button", name="Deploy", exact=True).click()
        box = page.get_by_role("dialog").get_by_role("combobox")
        box.fill("feature/sprung-sale")
        box.press("Enter")
        page.get_by_role("dialog").get_by_role("button", name="Deploy", exact=True).click()
        expect(page.get_by_text("feature/sprung-sale").first).to_be_visible()
        ended = demo.play.hands.watch(newest(demo).id)
        assert (ended.status, ended.error["error"]) == (DeploymentStatus.FAILED, "UnknownRef")
        expect(page.get_by_text(ended.error["detail"]).first).to_be_visible()
        page.goto(demo.preview)
        expect(page.get_by_text("spring sale", exact=False).first).to_be_visible()
