"""A page that never ends, or a browser that ends, costs its own verdict and leaves no process."""

from __future__ import annotations

import contextlib
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


def kill_browsers() -> None:
    """Kill every browser below this process, in the midst of what it does."""
    for one in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if "chrom" in one.name() or "headless" in one.name():
                one.kill()


class _Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/deadly":
            kill_browsers()
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
    stuck, nonsense = ask_all([asked("/stuck"), {"ask": "nonsense"}], 1, seconds=15)
    assert stuck == (0, None, "The browser did not end within 15 seconds.")
    assert nonsense == (1, None, "It broke: KeyError.")
    questions = [asked("/"), {"ask": "nonsense"}, asked("/about"), asked("/full", full)]
    found = {number: (said, broke) for number, said, broke in ask_all(questions, 2)}
    assert found[0][0]["verdict"] == found[2][0]["verdict"] == "unchanged"
    assert found[1] == (None, "It broke: KeyError.")
    assert found[3] == (None, "Its pictures could not be kept: Not a directory.")
    (_, killed, _), (_, after, _) = ask_all([asked("/deadly"), asked("/end")], 1)
    assert killed["verdict"] == "failed", "its browser was killed while it was looked at"
    assert "production: The browser has ended." in killed["failure"]
    assert after["verdict"] == "unchanged"
    left = [p for p in psutil.Process().children(recursive=True) if p.pid not in before]
    _, alive = psutil.wait_procs(left, timeout=10)  # the killed one's may still be going
    assert not alive


def test_an_answer_is_one_questions_and_programs_are_few() -> None:
    assert ask_once({"nonsense": 1}, 30) == (None, "It broke: KeyError.")
    assert [count_programs(cores) for cores in (1, 2, 16)] == [2, 3, 4]
