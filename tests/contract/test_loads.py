"""Load times and Lighthouse by a real browser; nothing is left of what hangs."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from greenroom.compare import lighthouse
from greenroom.compare.alone import alone
from greenroom.compare.apart import ask_apart
from greenroom.compare.browser import started_browser
from greenroom.compare.loading import DEVICES, load
from greenroom.compare.measure import Job
from greenroom.compare.metrics import BY_NAME
from greenroom.compare.visit import Visitor
from greenroom.errors import PlatformError

pytestmark = [pytest.mark.contract, pytest.mark.needs_browser]
PROGRAM = "greenroom.compare.measure"
BASIC = "Basic " + base64.b64encode(b"ada:pa ss").decode()
INSIDE = """<script src=http://localhost:PORT/counter.js></script><img src=/pixel/a.gif>
<script>fetch('/word/' + localStorage.word)</script>"""
BUSY = "<script>const t=performance.now();while(performance.now()-t<200);</script>"


def family_of_mine() -> set[psutil.Process]:
    """Give the browsers, Nodes and measuring programs below this process, whoever started them."""
    found = set()
    for one in psutil.Process().children(recursive=True):
        try:
            words = " ".join(one.cmdline())
        except psutil.NoSuchProcess:
            continue
        if any(mark in words for mark in ("chrom", "node", "lhci", PROGRAM)):
            found.add(one)
    return found


class _Site(BaseHTTPRequestHandler):
    """``/slow`` waits, ``/busy`` blocks, ``/stuck`` never ends, ``/wakes`` is 503 twice.

    ``/inside`` is for who has the pass, the password and a login.
    """

    asked: dict[str, int]

    def do_GET(self) -> None:
        self.asked[self.path] = self.asked.get(self.path, 0) + 1
        status, more = 200, ""
        if self.path == "/slow":
            time.sleep(0.25)
        elif self.path == "/busy":
            more = BUSY
        elif self.path == "/stuck":
            more = "<script>while (true) {}</script>"
        elif self.path == "/cookie":
            more = self.headers.get("Cookie", "none")
        elif self.path == "/inside":
            cookies, word = self.headers.get("Cookie", ""), self.headers.get("Authorization")
            status = 200 if word == BASIC else 401
            if status == 200 and not ("pass=secret" in cookies and "in=1" in cookies):
                status = 403
            more = INSIDE.replace("PORT", str(self.server.server_address[1]))
        elif self.path == "/" and "closed" in self.asked and not self.headers.get("Authorization"):
            status = 401
        elif self.path == "/wakes" and self.asked[self.path] < 3:
            status = 503
        elif self.path in ("/broken", "/favicon.ico"):
            status = 500
        body = (
            "<!doctype html><html lang=en><head><title>Shop</title><meta name=viewport"
            f" content='width=device-width'></head><body><h1>Shop</h1>{more}<p>Text</p></body>"
            "</html>"
        ).encode()
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(BrokenPipeError):  # a visitor who did not wait
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def asked() -> dict[str, int]:
    """How often each path was asked for."""
    return {}


@pytest.fixture
def site(asked: dict[str, int]) -> Iterator[str]:
    handler = type("Site", (_Site,), {"asked": asked})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_visit_has_a_number_for_every_metric(site: str) -> None:
    with started_browser() as browser:
        late = load(browser, Visitor(site), "/slow", DEVICES[0], 0.1)
        plain, slow, broken, *busy = (
            load(browser, Visitor(site), f"/{path}", DEVICES[0])
            for path in ("", "slow", "broken", *["busy"] * 12)
        )
        cookie = {"name": "pass", "value": "x" * 400, "url": site}
        phone = load(browser, Visitor(site, cookie=cookie), "/cookie", DEVICES[1])
    assert set(plain.values) == set(BY_NAME)
    assert plain.values["requests"] >= 1
    assert min(one.values["tbt"] for one in busy) >= 100, "whichever task its script runs in"
    assert late.failure == "The page took more than 0.1 seconds."
    assert slow.values["ttfb"] >= 250
    assert broken.failure == "The page answered 500."
    assert phone.values["bytes"] > plain.values["bytes"] + 300, "the cookie was sent"


def ask(site: str, path: str, seconds: float = 100, **other: object) -> dict:
    side = {"site": site}
    job = Job(side, side, path, "desktop", (7, 7), 16, **other)
    return ask_apart(PROGRAM, asdict(job), seconds)


def let_in(site: str) -> dict:
    """Give a side of which every door is closed, with all that opens them."""
    return {
        "site": site, "secrets": {"NAME": "ada", "WORD": "pa ss"},
        "cookie": {"name": "pass", "value": "secret", "url": site},
        "rules": {"basic_auth": {"user": "NAME", "password": "WORD"},
                  "block": ["third-parties", "*/pixel/*"]},
        "logged_in": {
            "cookies": [{"name": "in", "value": "1", "domain": "127.0.0.1", "path": "/",
                         "expires": -1, "httpOnly": False, "secure": False, "sameSite": "Lax"}],
            "origins": [{"origin": site, "localStorage": [{"name": "word", "value": "sesame"}]}],
        },
    }  # fmt: skip


def test_pairs_say_what_a_page_is_beside_itself(site: str) -> None:
    found = ask(site, "/wakes")
    assert found["failure"] == "", "an environment that is being woken is waited for"
    assert found["pairs"] == 7
    assert {f["metric"] for f in found["findings"]} == set(BY_NAME)
    requests = next(f for f in found["findings"] if f["metric"] == "requests")
    assert (requests["difference"], requests["p_worse"]) == (0, 1)
    assert ask(site, "/broken")["failure"] == "production: The page answered 500."
    down = asdict(Job({"site": "http://127.0.0.1:9"}, None, "/", "phone", (7, 14), 16))
    assert ask_apart(PROGRAM, down, 60)["failure"].startswith("production: The page broke off")


def test_production_alone_has_a_spread_behind_every_door(
    site: str, asked: dict[str, int]
) -> None:  # fmt: skip
    asked["closed"] = 1
    found = ask_apart(PROGRAM, asdict(Job(let_in(site), None, "/inside", "phone", (7,), 16)), 100)
    assert (found["failure"], found["findings"]) == ("", [])
    assert found["alone"]["requests"][0] == 2, "the page and its fetch: what is blocked is not sent"
    assert asked["/word/sesame"] >= 7, "what the login left in the local storage is there"
    assert not {"/counter.js", "/pixel/a.gif"} & set(asked)
    value, low, high = found["alone"]["lcp"]
    assert low <= value <= high


def test_a_page_that_never_ends_and_an_asker_that_dies_leave_nothing(site: str) -> None:
    before = family_of_mine()
    assert ask(site, "/stuck", seconds=8) is None
    assert family_of_mine() <= before
    code = (
        "import json,sys; from greenroom.compare.apart import ask_apart;"
        "ask_apart(sys.argv[1], json.loads(sys.argv[2]), 60)"
    )
    job = json.dumps(asdict(Job({"site": site}, {"site": site}, "/stuck", "desktop", (7, 14), 16)))
    asker = subprocess.Popen([sys.executable, "-c", code, PROGRAM, job])
    family: list[psutil.Process] = []
    deadline = time.monotonic() + 40
    while not any("chrom" in p.name() for p in family) and time.monotonic() < deadline:
        time.sleep(0.2)
        family = psutil.Process(asker.pid).children(recursive=True)
    assert any("chrom" in p.name() for p in family)
    asker.kill()
    asker.wait()
    _, alive = psutil.wait_procs(family, timeout=20)
    assert not alive, "the browser noticed that nobody waits for it"


def test_one_measures_at_a_time(tmp_path: Path) -> None:
    file = tmp_path / "run" / "turn"
    with alone(file), pytest.raises(PlatformError, match="somebody else"), alone(file, 0.1):
        pass
    with alone(file, 0.1):
        pass


def test_lighthouse_runs_in_our_browser_behind_every_door(
    site: str, asked: dict[str, int]
) -> None:  # fmt: skip
    before = family_of_mine()
    asked["closed"] = 1
    side = let_in(site)
    job = Job(side, side, "/inside", "desktop", (7, 7), 16, lighthouse_pairs=1)
    found = ask_apart(PROGRAM, asdict(job), 200)
    assert found["failure"] == ""
    assert asked["/word/sesame"]
    assert not {"/counter.js", "/pixel/a.gif"} & set(asked)
    del asked["closed"]
    assert found["scores"]["performance"]["after"] > 0.5
    assert found["metrics"]["total-byte-weight"]["before"] > 0
    with lighthouse.runner() as runner:
        with pytest.raises(PlatformError, match="did not end"):
            runner.run(f"{site}/", "desktop", 2)
        with pytest.raises(PlatformError) as refused:
            runner.run(f"{site}/broken", "desktop")
    assert "500" in refused.value.hint
    assert family_of_mine() <= before


def test_lighthouse_that_is_missing_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(PlatformError, match="not installed") as missing:
        lighthouse.find_program(tmp_path)
    assert "npm ci" in missing.value.hint
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PlatformError, match="Node is missing"):
        lighthouse.find_program()
