"""Find the pages of a site: what its front page links to, its sitemap, or a crawl."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from urllib.parse import urljoin, urlsplit

from playwright.sync_api import Browser, Page
from playwright.sync_api import Error as PlaywrightError

from greenroom.compare.pagejs import LINKS
from greenroom.compare.visit import Visitor, is_of, opened
from greenroom.compare_rules import Viewport

_WINDOW = Viewport(name="finder", width=1280, height=900)
_NOT_PAGES = (".pdf", ".zip", ".jpg", ".jpeg", ".png", ".webp", ".svg", ".xml", ".ics", ".mp4")
_LEAVES = re.compile(
    r"(?<![A-Za-z])(?i:log|sign)[-_]?(?i:out|off)(?![a-z])|[a-z](Log|Sign)([Oo]ut|[Oo]ff)(?![a-z])"
)
"""Ends the session that a login began: no page to look at. As words: ``/blog-outdoor`` is one."""
MOST_SITEMAPS = 20
LONGEST_SITEMAP = 5_000_000


def linked_paths(front: str, links: Sequence[str], most: int) -> list[str]:
    """Choose the pages of what a page links to: its own site's, in order. Pure."""
    found = ["/"]
    for link in links:
        try:
            parts = urlsplit(urljoin(front, link))
        except ValueError:
            continue
        path = parts.path or "/"
        if is_of(parts.geturl(), front) and path not in found and _is_page(path):
            found.append(path)
    return found[:most]


def _is_page(path: str) -> bool:
    return (
        not path.lower().endswith(_NOT_PAGES) and not _LEAVES.search(path)
        and not path.startswith("/_greenroom/")
    )  # fmt: skip


def read_sitemap(text: str) -> tuple[list[str], list[str]]:
    """Give the addresses of pages and of further sitemaps that a sitemap names. Pure.

    Source: sitemaps.org/protocol.html. A document type is refused: it can make a text explode.
    """
    if len(text) > LONGEST_SITEMAP or "<!DOCTYPE" in text[:1000] or "<!ENTITY" in text:
        return [], []
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - without entities it cannot explode
    except ElementTree.ParseError:
        return [], []
    found = [
        (element.text or "").strip() for element in root.iter() if element.tag.endswith("}loc")
    ]
    return ([], found) if root.tag.endswith("sitemapindex") else (found, [])


def find_paths(browser: Browser, visitor: Visitor) -> list[str]:
    """Give the paths of a site's pages, by its rules; the front page alone if it fails."""
    rules, front = visitor.rules, f"{visitor.site}/"
    if not isinstance(rules.pages, str):
        return list(rules.pages)
    with opened(browser, visitor, _WINDOW) as page:
        if rules.pages == "sitemap":
            return _by_sitemap(page, front, rules.max_pages)
        return _crawled(page, front, rules.max_pages, is_deep=rules.pages == "crawl")


def _by_sitemap(page: Page, front: str, most: int) -> list[str]:
    waiting, listed = [f"{front}sitemap.xml"], list[str]()
    for _ in range(MOST_SITEMAPS):
        if not waiting:
            break
        answer = page.request.get(waiting.pop(0), fail_on_status_code=False)
        if answer.ok:
            pages, further = read_sitemap(answer.text())
            listed += pages
            waiting += [urljoin(front, _path_of(one)) for one in further]
    # A sitemap names the public address, whichever site it is read from: the paths count.
    return linked_paths(front, [_path_of(one) for one in listed], most)


def _path_of(address: str) -> str:
    """Give an address's path; the front page's of one that is malformed."""
    try:
        return urlsplit(address).path
    except ValueError:
        return "/"


def _crawled(page: Page, front: str, most: int, *, is_deep: bool) -> list[str]:
    found, seen = ["/"], 0
    while seen < len(found) and len(found) < most and (is_deep or not seen):
        try:
            page.goto(urljoin(front, found[seen]), wait_until="domcontentloaded")
            links = [str(link) for link in page.evaluate(LINKS)] if is_of(page.url, front) else []
        except PlaywrightError:
            links = []
        found += [path for path in linked_paths(front, links, 1000) if path not in found]
        seen += 1
    return found[:most]
