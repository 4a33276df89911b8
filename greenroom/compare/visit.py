"""Open a page as a visitor would: let in, logged in, with what shall not load left out."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page
from playwright.sync_api import Error as PlaywrightError

from greenroom.compare_rules import Rules, Scheme, Step, Viewport, is_blocked, parse_rules

_ASLEEP = (502, 503, 504)


@dataclass(frozen=True)
class Visitor:
    """Who visits a site, and what lets them in. Its values are secret: they are never stored."""

    site: str
    """The site's address, without a path."""
    rules: Rules = field(default_factory=Rules)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    cookie: Mapping[str, str] | None = field(default=None, repr=False)
    """The pass by which our browser sees a closed preview; sent to that host alone."""
    logged_in: Any = field(default=None, repr=False)
    """What the browser keeps after a login."""


class StepFailed(Exception):
    """A step did not succeed; says which, and never what was filled in."""


@contextmanager
def opened(
    browser: Browser, visitor: Visitor, viewport: Viewport, scheme: Scheme = "light"
) -> Iterator[Page]:
    """Give a page of a context of its own."""
    context = browser.new_context(
        viewport={"width": viewport.width, "height": viewport.height},
        device_scale_factor=viewport.scale, reduced_motion="reduce", color_scheme=scheme,
        service_workers="block", locale="en-GB", timezone_id="UTC", **entrance(visitor),
    )  # fmt: skip
    try:
        context.set_default_timeout(visitor.rules.timeout_seconds * 1000)
        let_in(context, visitor)
        _block(context, visitor)
        page = context.new_page()
        page.on("dialog", lambda dialog: dialog.dismiss())
        yield page
    finally:
        with suppress(PlaywrightError):
            context.close()


def visitor_of(said: Mapping[str, Any]) -> Visitor:
    """Give the visitor that another program told us of. Pure."""
    return Visitor(
        said["site"], parse_rules(said.get("rules")), said.get("secrets") or {},
        said.get("cookie"), said.get("logged_in"),
    )  # fmt: skip


def entrance(visitor: Visitor) -> dict[str, Any]:
    """Give what a context needs from its beginning: a name and password, what a login left. Pure.

    The password is for the visitor's own site alone.
    """
    auth = visitor.rules.basic_auth
    credentials = auth and {
        "username": visitor.secrets.get(auth.user, ""),
        "password": visitor.secrets.get(auth.password, ""), "origin": visitor.site,
    }  # fmt: skip
    return {
        "http_credentials": credentials, "storage_state": visitor.logged_in,
        "ignore_https_errors": True,
    }  # fmt: skip


def let_in(context: BrowserContext, visitor: Visitor) -> None:
    """Give a context the pass by which our browser sees a closed preview: of that host alone."""
    if visitor.cookie is not None:
        cookie = visitor.cookie
        context.add_cookies(
            [{"name": cookie["name"], "value": cookie["value"], "url": cookie["url"]}]
        )


def _block(context: BrowserContext, visitor: Visitor) -> None:
    if visitor.rules.block:
        context.route(
            lambda url: is_blocked(url, visitor.site, visitor.rules.block),
            lambda route: route.abort(),
        )


def take_steps(page: Page, steps: tuple[Step, ...], secrets: Mapping[str, str]) -> None:
    """Do small acts one after the other.

    Errors: StepFailed.
    """
    for number, step in enumerate(steps, 1):
        try:
            _take(page, step, secrets)
        except PlaywrightError as error:
            kind = next(
                k for k in ("click", "hover", "fill", "press", "wait_for") if getattr(step, k)
            )
            raise StepFailed(f"step {number} ({kind} {getattr(step, kind)})") from error


def _take(page: Page, step: Step, secrets: Mapping[str, str]) -> None:
    where = step.click or step.hover or step.fill or step.on
    if step.if_there and where and not page.locator(where).first.is_visible():
        return
    if step.click:
        page.locator(step.click).first.click()
    elif step.hover:
        page.locator(step.hover).first.hover()
    elif step.fill:
        page.locator(step.fill).first.fill(
            secrets.get(step.secret, "") if step.secret else step.text
        )
    elif step.press and step.on:
        page.locator(step.on).first.press(step.press)
    elif step.press:
        page.keyboard.press(step.press)
    else:
        page.locator(step.wait_for).first.wait_for()


def log_in(browser: Browser, visitor: Visitor) -> Any:
    """Log in by the project's steps; give what the browser keeps then.

    Errors: StepFailed; Playwright's own.
    """
    login = visitor.rules.login
    if login is None:
        return None
    with opened(browser, visitor, Viewport(name="login", width=1280, height=900)) as page:
        page.goto(visitor.site + login.page, wait_until="load")
        take_steps(page, login.steps, visitor.secrets)
        with suppress(PlaywrightError):
            page.wait_for_load_state("networkidle", timeout=5000)
        return page.context.storage_state()


def wake(browser: Browser, visitor: Visitor, seconds: float) -> bool:
    """Ask a site until it answers with a page of its own; whether it did."""
    deadline = time.monotonic() + seconds
    with opened(browser, visitor, Viewport(name="waker", width=800, height=600)) as page:
        while time.monotonic() < deadline:
            try:
                answer = page.goto(visitor.site + "/", wait_until="commit")
                if answer is not None and answer.status not in _ASLEEP:
                    return True
            except PlaywrightError:
                pass
            time.sleep(0.5)
    return False


def is_of(url: str, site: str) -> bool:
    """Whether an address belongs to a site. Pure."""
    one, other = urlsplit(url), urlsplit(site)
    return (one.scheme, one.netloc) == (other.scheme, other.netloc)
