"""A page that never ends costs its own verdict and leaves no process behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psutil
import pytest

from greenroom.compare.run import run_apart

pytestmark = [pytest.mark.contract, pytest.mark.needs_browser]


class _Stuck(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<!doctype html><script>while (true) {}</script>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def stuck() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Stuck) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_a_page_that_never_ends_is_given_up_with_its_browser(stuck: str) -> None:
    before = {p.pid for p in psutil.Process().children(recursive=True)}
    assert run_apart({"front": stuck}, seconds=6) is None
    left = {p.pid for p in psutil.Process().children(recursive=True)} - before
    assert not left


def test_a_question_that_breaks_is_answered_by_nothing() -> None:
    assert run_apart({"nonsense": 1}, seconds=20) is None
