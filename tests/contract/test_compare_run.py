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


def browser_at(port: int) -> psutil.Process:
    """Give the browser below this process that a connection from ``port`` belongs to."""
    for one in psutil.Process().children(recursive=True):
        try:
            is_here = any(c.laddr.port == port for c in one.net_connections("tcp4"))
        except psutil.Error:
            continue
        if is_here:
            family = [p for p in (one, *one.parents()) if "chrom" in p.name() or "head" in p.name()]
            return family[-1]
    raise AssertionError("no browser has that connection")


class _Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/deadly":
            browser_at(self.client_address[1]).kill()
            return
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


def test_what_breaks_costs_its_own_page_and_the_others_go_on(site: str, tmp_path: Path) -> None:
    side = {"site": site, "rules": Rules().model_dump(mode="json")}
    window = Rules().windows[2].model_dump(mode="json")

    def asked(path: str, folder: Path = tmp_path) -> dict[str, Any]:
        view = {"path": path, "viewport": window, "scheme": "light", "state": None}
        return {"ask": "view", "before": side, "after": side, "view": view,
                "folder": str(folder), "ignored": []}  # fmt: skip

    before = {p.pid for p in psutil.Process().children(recursive=True)}
    full = tmp_path / "full"
    full.write_text("nothing can be written below this")
    questions = [
        asked("/stuck"), asked("/"), {"ask": "nonsense"}, asked("/deadly"), asked("/about"),
        asked("/full", full), asked("/end"),
    ]  # fmt: skip
    found = {number: (said, broke) for number, said, broke in ask_all(questions, 2, seconds=15)}
    assert found[0] == (None, "The browser did not end within 15 seconds.")
    assert [found[n][0]["verdict"] for n in (1, 4, 6)] == ["unchanged"] * 3
    assert found[2] == (None, "It broke: KeyError.")
    assert found[3][0]["verdict"] == "failed", "its browser was killed while it was looked at"
    assert "production: The browser has ended." in found[3][0]["failure"]
    assert found[5] == (None, "Its pictures could not be kept: Not a directory.")
    left = {p.pid for p in psutil.Process().children(recursive=True)} - before
    assert not left


def test_an_answer_is_one_questions_and_programs_are_few() -> None:
    assert ask_once({"nonsense": 1}, 30) == (None, "It broke: KeyError.")
    assert [count_programs(cores) for cores in (1, 2, 16)] == [2, 3, 4]
