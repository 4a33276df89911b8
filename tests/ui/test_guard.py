"""Nothing is reachable without a session: the guard alone, then before the real console."""

from __future__ import annotations

import asyncio
import http.client
import re
import threading
import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pyotp
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import connect as connect_later
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from greenroom.clients import Throttle
from greenroom.previews import ENTER, ENTRY_SECONDS, read_pass, safe_path
from greenroom.settings import load_settings
from greenroom.store import environments, factors, users
from greenroom.store.crypto import ensure_secret_key
from greenroom.store.team import find_member
from greenroom.store.work import unit_of_work
from ui import entry, who
from ui.guard import Guard

pytestmark = [pytest.mark.ui, pytest.mark.needs_postgres]
PASSWORD = "a password for tests"
SAME = {"sec-fetch-site": "same-origin"}
PATHS = [
    "/", "/dashboard", "/environment?env=shop/a", "/audit", "/account", "/index.html",
    "/favicon.png", "/static/js/index.js", "/static/../ui/app.py", "/media/0123.png",
    "/component/x/index.html", "/bidi-components/x/y.js", "/_stcore/health",
    "/_stcore/host-config", "/_stcore/metrics", "/_stcore/stream", "/_stcore/upload_file/a/b",
    "/_stcore/script-health-check", "/_stcore/agent/openapi.json", "/_stcore/agent/interact",
    "/_stcore/allowed-message-origins", "/oauth2callback", "/auth/login", "/app/static/x",
    "/password", "/logout", "//login", "/login/", "/LOGIN", "/login/../", "/healthz/x",
    "/%6cogin/x", "/manifest.json",
]  # fmt: skip


async def _hello(request: Request) -> PlainTextResponse:
    return PlainTextResponse("inside")


async def _echo(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnect:
        return


class Client(httpx.Client):
    """A browser, nearly."""

    def stream_to(self, **headers: str):
        url = str(self.base_url).rstrip("/").replace("http", "ws") + "/_stcore/stream"
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return connect(url, additional_headers={"cookie": cookies, **headers})


@pytest.fixture
def client(store_url) -> Iterator[Client]:
    routes = [
        Route("/{path:path}", _hello, methods=["GET", "POST", "PUT", "DELETE"]),
        WebSocketRoute("/_stcore/stream", _echo),
    ]
    who._seen.clear()
    entry._tries = Throttle(entry.TRIES, entry.TRIES_SECONDS)
    app = Starlette(routes=routes, middleware=[Middleware(Guard)])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", ws="websockets-sansio"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    with Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as opened:
        yield opened
    server.should_exit = True
    thread.join()


def log_in(client, password=PASSWORD, name="admin", **more):
    return client.post("/login", data={"name": name, "password": password, **more}, headers=SAME)


def test_login_opens_and_logout_closes(client, token):
    assert client.get("/").status_code == 401
    answer = log_in(client)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert all(part in cookie for part in ("httponly", "samesite=lax", "path=/"))
    assert "secure" not in cookie
    assert client.get("/").text == "inside"
    assert client.get("/logout").status_code == 200
    assert client.get("/").text == "inside"
    kept = client.cookies[who.COOKIE]
    assert client.post("/logout", headers=SAME).headers["location"] == "/login"
    client.cookies.set(who.COOKIE, kept)
    assert client.get("/").status_code == 401


def test_a_cookie_over_https_is_secure(client, token):
    data = {"name": "admin", "password": PASSWORD}
    headers = {"x-forwarded-proto": "https"}  # from a TLS front on this machine
    cookie = client.post("/login", data=data, headers=headers).headers["set-cookie"]
    assert "secure" in cookie.lower()


@pytest.mark.parametrize(
    ("name", "password"),
    [("admin", "wrong"), ("nobody", "x"), ("", ""), ("a\0b", "x"), ("x" * 5000, "x"),
     ("admin", "x" * 5000), ("<script>", "x")],
)  # fmt: skip
def test_a_wrong_login_is_refused_and_escaped(client, token, name, password):
    answer = log_in(client, password, name)
    assert answer.status_code == 401
    assert "does not fit" in answer.text
    assert "<script" not in answer.text
    assert "set-cookie" not in answer.headers


def test_too_many_wrong_passwords_rest_the_account(client, token):
    for _ in range(users.LOCK_AFTER):
        log_in(client, "wrong")
    answer = log_in(client)
    assert answer.status_code == 429
    assert "Too many wrong passwords" in answer.text
    assert "Try again in" in answer.text


def test_the_one_time_password_must_be_changed(client, store_url):
    with unit_of_work() as work:
        once = users.ensure_admin(work)
    log_in(client, once)
    for path in ("/", "/audit", "/_stcore/host-config"):
        assert client.get(path).headers["location"] == "/password"
    with pytest.raises(InvalidStatus), client.stream_to():
        pass
    form = {"old": once, "new": "short", "again": "short"}
    for wrong in (form, {**form, "new": "long enough 1"}, {**form, "old": "no", "new": "x" * 12}):
        answer = client.post("/password", data=wrong, headers=SAME)
        assert answer.status_code == 400
        assert 'role="alert"' in answer.text
    form["new"] = form["again"] = "a new long password"
    assert client.post("/password", data=form, headers=SAME).headers["location"] == "/"
    assert client.get("/").text == "inside"


def test_a_second_factor_is_asked_for_after_the_password(client, token):
    with unit_of_work() as work:
        address = factors.begin_totp(work, users.get_user(work, "admin"), actor="admin")
    app = pyotp.parse_uri(address)
    with unit_of_work() as work:
        codes = factors.prove_totp(work, users.get_user(work, "admin"), app.now(), actor="admin")
    page = log_in(client, next="/audit")
    assert page.status_code == 200
    assert "set-cookie" not in page.headers
    assert client.get("/").status_code == 401
    ticket = re.search(r'name="ticket" value="([^"]+)"', page.text)
    assert ticket is not None
    form = {"ticket": ticket[1], "next": "/audit"}
    for wrong in ({"code": "000000"}, {"code": ""}, {"code": codes[0], "ticket": "x.y"}):
        answer = client.post("/login", data={**form, **wrong}, headers=SAME)
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers
    answer = client.post("/login", data={**form, "code": codes[0]}, headers=SAME)
    assert (answer.status_code, answer.headers["location"]) == (303, "/audit")
    assert client.get("/").text == "inside"


def test_an_address_that_guesses_waits(client, token):
    for number in range(entry.TRIES):
        assert log_in(client, "wrong", f"guess{number}").status_code == 401
    answer = log_in(client)
    assert answer.status_code == 429
    assert "from your address" in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://localhost:9999"},
        {"origin": "http://shop.localhost:8600", "sec-fetch-site": "same-site"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_another_sites_page_changes_nothing(client, token, headers):
    data = {"name": "admin", "password": PASSWORD}
    assert client.post("/login", data=data, headers=headers).status_code == 403
    log_in(client)
    for path in ("/logout", "/password", "/_stcore/upload_file/a/b"):
        assert client.post(path, headers=headers).status_code == 403
    assert client.get("/").text == "inside"
    with pytest.raises(InvalidStatus), client.stream_to(**headers):
        pass


def test_a_websocket_ends_with_its_session(client, token):
    log_in(client)
    with client.stream_to(**SAME) as socket:
        socket.send("one")
        assert socket.recv(timeout=10) == "one"
        client.post("/logout", headers=SAME)
        socket.send("two")
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=10)
    assert closed.value.rcvd.code == 1008


def test_a_websocket_outlives_an_absent_store_but_none_is_opened(
    client, token, store_url, monkeypatch
):
    log_in(client)
    with client.stream_to(**SAME) as socket:
        monkeypatch.setenv("GREENROOM_DATABASE_URL", "postgresql://no:no@127.0.0.1:9/none")
        load_settings.cache_clear()
        who._seen.clear()
        socket.send("one")
        assert socket.recv(timeout=10) == "one"
        with pytest.raises(InvalidStatus), client.stream_to(**SAME):
            pass
        monkeypatch.setenv("GREENROOM_DATABASE_URL", store_url)
        load_settings.cache_clear()
        client.post("/logout", headers=SAME)
        socket.send("two")
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=10)


@pytest.mark.parametrize(
    ("target", "goes"),
    [
        ("/audit", "/audit"),
        ("/environment?env=a%2Fb&part=logs", "/environment?env=a%2Fb&part=logs"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nset-cookie: x=y", "/"),
        ("", "/"),
    ],
)
def test_login_leads_only_into_the_console(client, token, target, goes):
    assert safe_path(target) == goes
    assert log_in(client, next=target).headers["location"] == goes


def test_a_stranger_is_sent_to_the_login_and_back(client, store_url):
    answer = client.get("/environment?env=a/b", headers={"accept": "text/html"})
    assert answer.headers["location"] == "/login?next=/environment%3Fenv%3Da/b"
    assert 'value="/environment?env=a/b"' in client.get(answer.headers["location"]).text


def test_pages_forbid_everything_foreign(client, token):
    page = client.get("/login")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert "http://" not in page.text.replace("http://www.w3.org", "")
    log_in(client)
    policy = client.get("/").headers["content-security-policy"]
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]


def test_a_large_form_is_refused(client, store_url):
    answer = log_in(client, "x" * 100_000)
    assert answer.status_code == 400
    assert client.put("/login", headers=SAME).status_code == 405


def test_without_the_database_the_login_says_so(client, token, monkeypatch):
    monkeypatch.setenv("GREENROOM_DATABASE_URL", "postgresql://nobody:h1dd3n@127.0.0.1:9/none")
    load_settings.cache_clear()
    client.cookies.set(who.COOKIE, token)
    who._seen.clear()
    assert client.get("/healthz").text == "ok\n"
    for answer in (
        client.get("/", headers={"accept": "text/html"}),
        client.post("/login", data={"name": "a", "password": "b"}, headers=SAME),
    ):
        assert answer.status_code == 503
        assert "database does not answer" in answer.text
        assert "h1dd3n" not in answer.text


def _ask(address: str, method: str, path: str, headers: dict[str, str], body: str = ""):
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=20)
    try:
        connection.request(method, path, body or None, headers)  # the path goes as it is
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


async def _stream(address: str, headers: dict[str, str]) -> str:
    url = address.replace("http", "ws") + "/_stcore/stream"
    try:
        async with connect_later(url, additional_headers=headers, subprotocols=["streamlit"]):
            return "open"
    except InvalidStatus as error:
        return str(error.response.status_code)


def test_the_real_console_is_closed_to_strangers(console, token):
    for path in PATHS:
        for method in ("GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE"):
            status, _, body = _ask(console, method, path, {})
            assert status in (401, 404), (method, path, status)
            assert b"streamlit" not in body.lower(), (method, path)
        status, headers, _ = _ask(console, "GET", path, {"accept": "text/html"})
        location = {key.lower(): value for key, value in headers.items()}.get("location", "")
        assert status == 404 or (status == 303 and location.startswith("/login")), path
    wrong = {"cookie": f"{who.COOKIE}=wrong"}
    right = {"cookie": f"{who.COOKIE}={token}"}
    assert asyncio.run(_stream(console, {})) == "403"
    assert asyncio.run(_stream(console, wrong)) == "403"
    assert asyncio.run(_stream(console, {**right, "origin": "http://127.0.0.1:1"})) == "403"
    assert asyncio.run(_stream(console, {**right, "origin": console})) == "open"
    assert _ask(console, "GET", "/", wrong)[0] == 401
    assert b"<title>Streamlit" in _ask(console, "GET", "/", right)[2]
    assert _ask(console, "GET", "/_stcore/health", right)[0] == 200


def test_login_over_the_wire(console, token):
    body = urlencode({"name": "admin", "password": PASSWORD})
    headers = {"content-type": "application/x-www-form-urlencoded", "origin": console}
    status, answer, _ = _ask(console, "POST", "/login", headers, body)
    assert status == 303
    cookie = answer.get("set-cookie", answer.get("Set-Cookie", "")).split(";")[0]
    assert _ask(console, "GET", "/_stcore/host-config", {"cookie": cookie})[0] == 200


def test_the_console_brings_the_team_into_a_preview(client, seeded):
    assert client.get("/open?env=shop/fix-tax").status_code == 401
    log_in(client)
    answer = client.get("/open?env=shop%2Ffix-tax&next=%2Fa%3Fb")
    place = urlsplit(answer.headers["location"])
    assert (answer.status_code, place.path) == (303, ENTER)
    with unit_of_work() as work:
        host = environments.get_environment(work, "shop/fix-tax").host
    assert place.hostname == host
    given = parse_qs(place.query)
    assert given["next"] == ["/a?b"]
    held = read_pass(host, given["pass"][0], ensure_secret_key(), time.time())
    assert held is not None
    with unit_of_work() as work:
        member = find_member(work, held.subject)  # bound to the session
        assert member is not None
    assert (held.kind, member.name) == ("entry", "admin")
    assert held.expires - time.time() <= ENTRY_SECONDS
    for nowhere in ("/open?env=nowhere", "/open?env=%00", "/open%00"):
        assert client.get(nowhere).status_code == 400
