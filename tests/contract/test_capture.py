"""Pictures of pages, taken with a real browser."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from greenroom.compare.browser import find_browser, started_browser
from greenroom.compare.capture import Viewport, capture
from greenroom.compare.difference import difference
from greenroom.errors import PlatformError

DESKTOP = Viewport("desktop", 1000, 700)
PAGE = """<!doctype html><body><h1 id=title>Seeds</h1><p id=price>{price}</p><p id=now></p>
<p id=chance></p><script>chance.textContent = Math.random();
setInterval(() => {{ now.textContent = new Date().toISOString() }}, 40)</script>"""


class Site(BaseHTTPRequestHandler):
    """Answers two prices by path, and 404 elsewhere."""

    def do_GET(self) -> None:
        price = {"/before": "12.00", "/after": "15.00"}.get(self.path)
        self.send_response(200 if price else 404)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE.format(price=price).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_same_page_is_the_same_and_a_price_is_one_change(site: str) -> None:
    with started_browser() as browser:
        first, again, after = (
            capture(browser, site + path, DESKTOP).shot for path in ("/before", "/before", "/after")
        )
        gone = capture(browser, site + "/gone", DESKTOP)
        empty = capture(browser, site + "/before", DESKTOP, require="#basket")
    assert first
    assert again
    assert after
    assert first.png == again.png
    (change,) = difference(first, after).changes
    assert (change.text_before, change.text_after) == ("12.00", "15.00")
    assert gone.failure == "The page answered 404."
    assert empty.failure == "The page never showed #basket."


def test_without_a_browser_it_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(PlatformError) as caught:
        find_browser(tmp_path / "none", lambda _: None)
    assert "playwright install chromium" in caught.value.hint
