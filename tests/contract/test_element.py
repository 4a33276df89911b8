"""Pictures of elements, by a real browser in a process of its own."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest

from greenroom.compare.element import Wanted, picture_element

pytestmark = [pytest.mark.contract, pytest.mark.needs_browser]
PAGE = b"""<!doctype html><title>Cart</title><meta http-equiv="Content-Security-Policy"
content="default-src 'none'; style-src 'unsafe-inline'"><style>body{margin:0}</style>
<div style="height:3000px"></div><h1 id="total" style="background:#f00;margin:0;height:60px">42</h1>
<div style="height:500px"></div>"""


class Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        is_known = "pass=ok" in self.headers.get("Cookie", "") and self.path == "/cart"
        self.send_response(200 if is_known else 404)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE if is_known else b"no")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def anchor(**more: Any) -> dict[str, Any]:
    return {
        "tag": "h1", "attributes": {"id": "total"}, "text": "42", "path": "h1:1>body:1",
        "context": "Cart", "card": "", "x": 0, "y": 0.8, "twins": 1, "turn": 0, **more,
    }  # fmt: skip


def test_an_element_is_shown_with_what_is_around_it(
    site: str, tmp_path: Path, require: Callable[[bool, str, str], None]
) -> None:
    from greenroom.compare.browser import shutil
    from greenroom.compare.installed import NAMES

    require(any(map(shutil.which, NAMES)), "Chromium", "scripts/install-system")
    cookie = {"name": "pass", "value": "ok", "url": site}
    file = tmp_path / "a.png"
    wanted = Wanted(f"{site}/cart", anchor(), 390, 844, str(file), cookie)
    assert picture_element(wanted)
    picture = cv2.imread(str(file))
    assert picture is not None
    assert picture.shape[1] == 390
    assert 200 <= picture.shape[0] <= 400
    assert (picture[picture.shape[0] // 2, 200] == (0, 0, 255)).all()  # red, in the middle
    gone = Wanted(
        f"{site}/cart", anchor(text="gone", attributes={}, tag="h2"), 390, 844, str(file), cookie
    )
    assert picture_element(gone)  # the page's top, as its reader sees it
    picture = cv2.imread(str(file))
    assert picture is not None
    assert picture.shape[:2] == (844, 390)
    file.unlink()
    assert not picture_element(Wanted(f"{site}/none", anchor(), 390, 844, str(file), cookie))
    assert not file.exists()
