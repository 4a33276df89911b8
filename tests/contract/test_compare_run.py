"""A page that never ends, or a browser that ends, costs its own verdict and leaves no process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

from greenroom.compare.pool import ask_all, ask_once, count_programs
from greenroom.compare_rules import Rules

pytestmark = [pytest.mark.contract, pytest.mark.needs_browser]


class _Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        stuck = "<script>while (true) {}</script>" if self.path == "/stuck" else "<h1>Here</h1>"
        body = f"<!doctype html>{stuck}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Site) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_page_that_never_ends_is_given_up_and_the_others_go_on(site: str, tmp_path: Path) -> None:
    side = {"site": site, "rules": Rules().model_dump(mode="json")}
    window = Rules().windows[2].model_dump(mode="json")

    def asked(path: str) -> dict[str, Any]:
        view = {"path": path, "viewport": window, "scheme": "light", "state": None}
        return {"ask": "view", "before": side, "after": side, "view": view,
                "folder": str(tmp_path), "ignored": []}  # fmt: skip

    before = {p.pid for p in psutil.Process().children(recursive=True)}
    questions = [asked("/stuck"), asked("/"), {"ask": "nonsense"}, asked("/about")]
    found = {number: (said, broke) for number, said, broke in ask_all(questions, 2, seconds=15)}
    assert found[0] == (None, "The browser did not end within 15 seconds.")
    assert found[1][0]["verdict"] == found[3][0]["verdict"] == "unchanged"
    assert found[2] == (None, "It broke: KeyError.")
    left = {p.pid for p in psutil.Process().children(recursive=True)} - before
    assert not left


def test_an_answer_is_one_questions_and_programs_are_few() -> None:
    assert ask_once({"nonsense": 1}, 30) == (None, "It broke: KeyError.")
    assert [count_programs(cores) for cores in (1, 2, 16)] == [2, 3, 4]
