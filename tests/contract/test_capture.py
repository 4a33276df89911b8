"""Pictures of pages, taken with a real browser: the same each time, and of pages that resist."""

from __future__ import annotations

import base64
import io
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser

from greenroom.compare.browser import find_browser, started_browser
from greenroom.compare.capture import View, capture
from greenroom.compare.difference import difference
from greenroom.compare.judge import Question, answer
from greenroom.compare.pages import find_paths, read_sitemap
from greenroom.compare.pixels import size_of
from greenroom.compare.visit import Visitor, log_in
from greenroom.compare_rules import State, Viewport, parse_rules
from greenroom.errors import PlatformError

pytestmark = [pytest.mark.contract, pytest.mark.needs_browser]
DESKTOP = Viewport(name="desktop", width=1000, height=700)
CULPRITS = """<!doctype html><body><h1 id=title>Seeds</h1><p id=price>{price}</p><p id=now></p>
<p id=chance></p><img src=/moving.gif><canvas id=c width=80 height=40></canvas>
<video width=90 height=50 autoplay loop src=/film.webm></video><div id=late></div>
<div style="height:1500px"></div><p id=seen></p><input autofocus>
<style>@keyframes k {{ to {{ transform: rotate(1turn) }} }} #spin {{ width: 40px; height: 20px;
background: teal; animation: k 1s linear infinite }}
@font-face {{ font-family: x; src: url(/none.woff2) }} h1 {{ font-family: x }}</style>
<div id=spin></div><script>chance.textContent = Math.random();
setInterval(() => {{ now.textContent = new Date().toISOString() }}, 40);
setInterval(() => {{ c.getContext('2d').fillRect(Math.random() * 80, 0, 9, 9) }}, 7);
(function draw() {{ c.getContext('2d').fillRect(performance.now() % 80, 9, 3, 3);
  requestAnimationFrame(draw) }})();
fetch('/slow').then(r => r.text()).then(t => {{ late.textContent = t }});
new IntersectionObserver(e => {{ if (e[0].isIntersecting) seen.textContent = 'seen' }})
  .observe(seen); alert('hello')</script>"""
STRICT = "default-src 'none'; img-src 'self'; require-trusted-types-for 'script'"
PAGES = {
    "/strict": "<h1>Strict</h1>",
    "/endless": "<div id=all></div><script>onscroll = () => { for (let i = 0; i < 40; i++)"
    " all.insertAdjacentHTML('beforeend', `<p style='height:60px'>${i}</p>`) };"
    " all.innerHTML = '<div style=height:1500px></div>'</script>",
    "/tall": "<div style='height:60000px;background:linear-gradient(red,blue)'>tall</div>",
    "/away": "<script>location = 'http://localhost:9/'</script>",
    "/hanging": "<h1>Here</h1><img src=/never>",
    "/menu": '<button onclick="nav.hidden = false">Menu</button><nav id=nav hidden>Open</nav>'
    "<div style='height:1500px'></div><style>b:hover { color: red }</style><b>hover</b>",
    **dict.fromkeys(("/half", "/half500", "/halfway"), "<h1>Half</h1>"),
    "/consent": "<div id=banner><button onclick=banner.remove()>Yes</button></div><p>Text</p>",
    "/starved": "<p id=p>loading</p>"
    "<script>setTimeout(() => { p.textContent = 'ready' }, 4000)</script>",
    "/login": "<form action=/inside method=post><input name=word id=word>"
    "<button>In</button></form>",
    "/frame": "<h1>Frame</h1><iframe src='http://localhost:PORT/strict'></iframe>",
    "/dark": "<style>@media (prefers-color-scheme: dark) { body { background: #000 } }</style>",
}


def moving() -> bytes:
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue", "green")]
    made = io.BytesIO()
    frames[0].save(made, "GIF", save_all=True, append_images=frames[1:], duration=50, loop=0)
    return made.getvalue()


class Site(BaseHTTPRequestHandler):
    """Answers pages that resist a picture."""

    gif = moving()

    def do_POST(self) -> None:
        said = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.send_response(303)
        if said == "word=sesame":
            self.send_header("Set-Cookie", "in=1; Path=/")
        self.send_header("Location", "/inside")
        self.end_headers()

    def do_GET(self) -> None:
        path = self.path
        if path == "/never":
            time.sleep(8)
            return
        if path == "/slow":
            time.sleep(0.4)
        price = {"/before": "12.00", "/after": "15.00"}.get(path)
        text = CULPRITS.format(price=price) if price else PAGES.get(path, "")
        text = text.replace("PORT", str(self.server.server_address[1]))
        if path == "/slow":
            text = "came late"
        elif path == "/inside" and "in=1" in self.headers.get("Cookie", ""):
            text = "<p id=inside>Welcome</p>"
        elif path == "/sitemap.xml":
            text = ('<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>http://['
                    "</loc></url><url><loc>https://"
                    "shop.example/menu</loc></url></urlset>")  # fmt: skip
        elif path == "/closed" and self.headers.get("Authorization") == (
            "Basic " + base64.b64encode(b"ada:pass").decode()
        ):
            text = "<p>Closed to others</p>"
        elif path == "/closed":
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
            self.end_headers()
            return
        if path.startswith("/half") and self.headers["Host"].startswith("localhost"):
            text = ""
            if path == "/halfway":
                self.send_response(302)
                self.send_header("Location", "/menu")
                self.end_headers()
                return
        broken = path == "/broken" or (path == "/half500" and not text)
        status = 500 if broken else 200 if text or path == "/moving.gif" else 404
        self.send_response(status)
        kind = "image/gif" if path.endswith("gif") else "text/xml" if "xml" in path else "text/html"
        self.send_header("Content-Type", kind)
        if path == "/strict":
            self.send_header("Content-Security-Policy", STRICT)
        self.end_headers()
        doctype = "" if path in ("/slow", "/sitemap.xml") else "<!doctype html>"
        self.wfile.write(self.gif if path.endswith("gif") else (doctype + text).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started_browser() as found:
        yield found


def seen(browser: Browser, site: str, path: str, **rules: object) -> object:
    visitor = Visitor(site, parse_rules(rules), {"WORD": "sesame", "USER": "ada", "PASS": "pass"})
    return capture(browser, visitor, View(path, DESKTOP))


def test_a_page_with_every_culprit_is_the_same_each_time_and_complete(
    browser: Browser, site: str
) -> None:
    first, again, after = (
        seen(browser, site, path).shot for path in ("/before", "/before", "/after")
    )
    assert first.png == again.png
    texts = [one.text for one in first.elements]
    assert "came late" in texts
    assert "seen" in texts
    (change,) = difference(first, after).changes
    assert (change.text_before, change.text_after) == ("12.00", "15.00")


def test_pages_that_resist(browser: Browser, site: str) -> None:
    strict = seen(browser, site, "/strict")
    assert strict.shot, strict.failure
    endless = seen(browser, site, "/endless", max_height=3000)
    assert size_of(endless.shot.png) == (1000, 3000)
    assert "compared down to 3000 px" in endless.notes[-1]
    tall = seen(browser, site, "/tall", max_height=60000)
    assert size_of(tall.shot.png)[1] >= 60000 - 16
    away = seen(browser, site, "/away", timeout_seconds=5)
    assert away.shot is None
    assert away.failure
    hanging = seen(browser, site, "/hanging", timeout_seconds=5)
    assert hanging.shot
    assert "it never finished loading" in hanging.notes
    assert seen(browser, site, "/frame").shot
    assert seen(browser, site, "/broken").failure == "The page answered 500."
    assert seen(browser, site, "/none").status == 404
    need = [{"page": "/menu", "selector": "#basket"}]
    assert seen(browser, site, "/menu", require=need).failure == "The page never showed #basket."
    starved = seen(browser, site, "/starved", require=[{"text": "ready"}])
    assert "taken with a running clock" in starved.notes


def test_states_logins_and_what_is_covered_hidden_or_blocked(browser: Browser, site: str) -> None:
    plain = seen(browser, site, "/menu").shot
    rules = parse_rules({"states": [{"name": "open", "page": "/menu", "steps": [
        {"click": "button"}, {"wait_for": "nav"}, {"hover": "b"}]}]})  # fmt: skip
    opened = capture(
        browser, Visitor(site, rules), View("/menu", DESKTOP, "light", rules.states[0])
    )
    assert "Open" in [one.text for one in opened.shot.elements]
    assert "color" in [name for c in difference(plain, opened.shot).changes for name in c.styles]
    lost = State.model_validate({"name": "no", "page": "/menu", "steps": [{"click": "#none"}]})
    visitor = Visitor(site, parse_rules({"timeout_seconds": 5}))
    failed = capture(browser, visitor, View("/menu", DESKTOP, "light", lost))
    assert failed.failure == "The page did not take step 1 (click #none)."

    said = {"login": {"steps": [{"fill": "#word", "secret": "WORD"}, {"click": "button"}]}}
    visitor = Visitor(site, parse_rules(said), {"WORD": "sesame"})
    inside = Visitor(site, visitor.rules, {}, None, log_in(browser, visitor))
    welcome = capture(browser, inside, View("/inside", DESKTOP)).shot
    assert "Welcome" in [one.text for one in welcome.elements]
    closed = seen(browser, site, "/closed", basic_auth={"user": "USER", "password": "PASS"})
    assert closed.shot, closed.failure
    assert seen(browser, site, "/closed").status in (0, 401)

    before = [{"click": "#banner button", "if_there": True}]
    quiet = seen(browser, site, "/consent", before=before).shot
    assert not [one for one in quiet.elements if one.text == "Yes"]
    masked = seen(browser, site, "/before", mask=["#price"])
    assert len(masked.masked) == 3  # the canvas and the film, too
    other = seen(browser, site, "/after", mask=["#price"])
    assert masked.shot.png == other.shot.png
    assert seen(browser, site, "/before", block=["*/moving.gif"]).shot.png != masked.shot.png
    dark = capture(browser, Visitor(site), View("/dark", DESKTOP, "dark")).shot
    assert dark.png != seen(browser, site, "/dark").shot.png


def test_the_verdicts_of_two_sides(browser: Browser, site: str, tmp_path: Path) -> None:
    one, other = Visitor(site), Visitor(site)

    def judged(path: str, **more: object) -> dict:
        return answer(
            browser, Question(one, other, View(path, DESKTOP), str(tmp_path), **more)
        )  # fmt: skip

    same = judged("/before")
    assert (same["verdict"], same["changes"]) == ("unchanged", [])
    assert judged("/none")["verdict"] == "failed"
    elsewhere = Visitor(site.replace("127.0.0.1", "localhost"))
    for path, verdicts in (
        ("/half", ("gone", "new")), ("/half500", ("failed", "failed")),
        ("/halfway", ("changed", "changed")),
    ):  # fmt: skip
        there = answer(
            browser, Question(one, elsewhere, View(path, DESKTOP), str(tmp_path / "halves"))
        )
        here = answer(
            browser, Question(elsewhere, one, View(path, DESKTOP), str(tmp_path / "halves"))
        )
        assert (there["verdict"], here["verdict"]) == verdicts
    assert there["notes"] == ["here: the page led to /menu"]
    assert same["before"]["picture"] == same["after"]["picture"]
    kept = judged("/after", baseline=same["before"])
    assert kept["verdict"] == "changed"
    assert [c["text_after"] for c in kept["changes"]] == ["15.00"]
    assert len(list(tmp_path.glob("pictures/*/*.png"))) == 2  # each picture once


def test_pages_are_found_by_links_and_sitemap(browser: Browser, site: str) -> None:
    assert find_paths(browser, Visitor(site, parse_rules({"pages": "sitemap"}))) == ["/", "/menu"]
    assert find_paths(browser, Visitor(site, parse_rules({"pages": "crawl"}))) == ["/"]
    assert read_sitemap("<!DOCTYPE x [<!ENTITY a 'b'>]><urlset/>") == ([], [])


def test_without_a_browser_it_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(PlatformError) as caught:
        find_browser(tmp_path / "none", lambda _: None)
    assert "playwright install chromium" in caught.value.hint
