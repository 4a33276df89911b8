"""The guard of previews, over real connections: links, passwords, passes, strangers."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from greenroom import clients, previews
from greenroom.errors import NotAllowed
from greenroom.gateway import doors
from greenroom.rights import Role
from greenroom.secrets import generate_token, hash_token
from greenroom.store.crypto import ensure_secret_key
from greenroom.store.links import Door
from greenroom.store.team import Member
from tests.contract.gateway.conftest import HOST, Answer, Bed

pytestmark = pytest.mark.contract
COOKIE = previews.COOKIE
PAGE = "Accept: text/html"


class Preview:
    """A closed preview and its links."""

    def __init__(self, bed: Bed, upstream: Any) -> None:
        self.bed, self.upstream = bed, upstream
        self.close()

    def close(self, **more: Any) -> None:
        self.bed.routes[HOST] = replace(self.bed.routes[HOST], access="closed", **more)
        self.bed.gateway.routes._replace(list(self.bed.routes.values()))

    def open(self) -> None:
        self.close()
        self.bed.routes[HOST] = replace(self.bed.routes[HOST], access="open")
        self.bed.gateway.routes._replace(list(self.bed.routes.values()))

    @property
    def route(self) -> Any:
        return self.bed.routes[HOST]

    def link(self, **more: Any) -> tuple[str, Door]:
        token = generate_token(24)
        made = Door(
            uuid4(), self.route.environment_id, hash_token(token), "Anna", False, None, (), "/",
            True, False, None, None,
        )  # fmt: skip
        made = replace(made, **more)
        self.put(made)
        return token, made

    def put(self, door: Door) -> None:
        self.bed.gateway.routes.doors[door.id] = door
        self.bed.gateway.routes._by_token[door.token_hash] = door

    def cookie(self, kind: str, subject: str, host: str = HOST, seconds: float = 60) -> str:
        key = ensure_secret_key(self.bed.gateway.settings)
        return f"Cookie: {COOKIE}={previews.make_pass(host, kind, subject, seconds, key)}"


@pytest.fixture
async def preview(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> Preview:
    monkeypatch.setattr(doors, "_record_view", lambda link, client: SEEN.append((link, client)))
    SEEN.clear()
    return Preview(bed, await bed.app())


SEEN: list[Any] = []


def pass_of(answer: Answer) -> str:
    return "Cookie: " + answer.headers["set-cookie"].partition(";")[0]


async def test_a_stranger_is_turned_away_and_shown_the_two_ways_in(preview: Preview) -> None:
    got = await preview.bed.ask("GET /a?b=1 HTTP/1.1", PAGE)
    assert (got.status, preview.upstream.heads) == (403, [])
    assert b"This preview is private" in got.body
    assert b"/open?env=shop%2Fshop&amp;next=%2Fa%3Fb%3D1" in got.body
    assert got.headers["x-robots-tag"].startswith("noindex")
    german = await preview.bed.ask("GET / HTTP/1.1", PAGE, "Accept-Language: de-AT,de;q=0.9")
    assert b"Diese Vorschau ist privat" in german.body


@pytest.mark.parametrize(
    "line", ["POST / HTTP/1.1", "OPTIONS / HTTP/1.1", "GET /ws HTTP/1.1", "DELETE /x HTTP/1.1"]
)
async def test_no_method_and_no_socket_passes_a_closed_door(preview: Preview, line: str) -> None:
    upgrade = ("Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAA")
    got = await preview.bed.ask(line, *(upgrade if "/ws" in line else ()))
    assert (got.status, preview.upstream.heads) == (403, [])


async def test_production_is_open_whatever_the_project_says(preview: Preview) -> None:
    preview.close(kind="production")
    assert (await preview.bed.ask()).status == 200


async def test_a_link_gives_a_pass_and_the_first_page(preview: Preview) -> None:
    token, door = preview.link(start="/shop?x=1")
    agent = "User-Agent: Mozilla/5.0 (iPhone; CPU) Version/18.0 Mobile Safari/604.1"
    got = await preview.bed.ask(f"GET /_greenroom/link/{token} HTTP/1.1", PAGE, agent)
    assert (got.status, got.headers["location"]) == (303, "/shop?x=1")
    cookie = got.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(re.split(r";\s*", cookie))
    assert "Domain" not in cookie
    assert token not in cookie
    assert got.headers["referrer-policy"] == "no-referrer"
    assert [(door.id, "Safari on iPhone")] == SEEN
    seen = await preview.bed.ask("GET /shop HTTP/1.1", PAGE, pass_of(got))
    assert (seen.status, seen.body) == (200, b"ok")


async def test_the_application_never_sees_a_pass_or_a_token(preview: Preview) -> None:
    token, door = preview.link()
    ours = preview.cookie("link", str(door.id)).removeprefix("Cookie: ")
    await preview.bed.ask(
        "GET / HTTP/1.1", f"Cookie: a=1; {ours}; b=2", f"X-Greenroom-Token: {token}"
    )
    head = preview.upstream.heads[-1]
    assert b"Cookie: a=1; b=2\r\n" in head
    assert b"greenroom-preview" not in head
    assert token.encode() not in head
    await preview.bed.ask("GET / HTTP/1.1", f"Cookie: {ours}")
    assert b"cookie" not in preview.upstream.heads[-1].lower()


async def test_a_pass_holds_for_its_host_its_time_and_its_link_alone(preview: Preview) -> None:
    _, door = preview.link()
    good = preview.cookie("link", str(door.id))
    assert (await preview.bed.ask("GET / HTTP/1.1", good)).status == 200
    name, _, value = good.partition("=")
    forged = [
        preview.cookie("link", str(door.id), host="other.localhost"),
        preview.cookie("link", str(door.id), seconds=-1),
        preview.cookie("link", str(uuid4())),
        preview.cookie("entry", "ada"),
        f"{name}={value[:-2]}AA", f"{name}=", f"{name}=.", f"{name}=a.b.c", f"{name}=" + "x" * 5000,
        f"{name}=\xff\xfe.\xff",
    ]  # fmt: skip
    for cookie in forged:
        assert (await preview.bed.ask("GET / HTTP/1.1", PAGE, cookie)).status in (403, 404), cookie


async def test_the_team_and_our_own_browser_come_in(preview: Preview) -> None:
    team = preview.bed.gateway.routes.team
    later = datetime.now(UTC) + timedelta(hours=1)
    team["ada"] = Member("ada", later, None, {"shop": Role.VIEWER})
    for kind in ("team", "browser"):
        assert (await preview.bed.ask("GET / HTTP/1.1", preview.cookie(kind, "ada"))).status == 200
    entry = preview.cookie("entry", "ada").partition("=")[2]
    got = await preview.bed.ask(f"GET /_greenroom/enter?pass={entry}&next=%2Fa HTTP/1.1")
    assert (got.status, got.headers["location"]) == (303, "/a")
    assert (await preview.bed.ask("GET /a HTTP/1.1", pass_of(got))).status == 200
    away = await preview.bed.ask(f"GET /_greenroom/enter?pass={entry}&next=//evil.test HTTP/1.1")
    assert away.headers["location"] == "/"
    held = pass_of(got)
    for gone in (
        None, Member("ada", datetime.now(UTC)), Member("ada", later, None, {"other": Role.ADMIN}),
    ):  # fmt: skip
        team.pop("ada")
        if gone is not None:
            team["ada"] = gone
        turned = await preview.bed.ask("GET /a HTTP/1.1", PAGE, held)
        assert (turned.status, b"I belong to the team" in turned.body) == (403, True)
        team["ada"] = Member("ada", later, Role.VIEWER)
        assert (await preview.bed.ask("GET /a HTTP/1.1", held)).status == 200
    stale = preview.cookie("entry", "ada", seconds=-1).partition("=")[2]
    assert (await preview.bed.ask(f"GET /_greenroom/enter?pass={stale} HTTP/1.1")).status == 403


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"revoked_at": datetime.now(UTC)}, 410, b"taken back"),
        ({"expires_at": datetime.now(UTC) - timedelta(seconds=1)}, 410, b"expired"),
        ({"release_id": uuid4()}, 410, b"newer version"),
        ({"environment_id": uuid4()}, 404, b"opens nothing"),
    ],
)
async def test_a_link_that_does_not_open_says_why(
    preview: Preview, change: dict[str, Any], status: int, words: bytes
) -> None:
    token, door = preview.link()
    cookie = preview.cookie("link", str(door.id))
    assert (await preview.bed.ask("GET / HTTP/1.1", PAGE, cookie)).status == 200
    preview.put(replace(door, **change))
    opened = await preview.bed.ask(f"GET /_greenroom/link/{token} HTTP/1.1", PAGE)
    assert (opened.status, words in opened.body) == (status, True)
    assert "set-cookie" not in opened.headers
    later = await preview.bed.ask("GET / HTTP/1.1", PAGE, cookie)
    assert (later.status, words in later.body) == (status, True)


async def test_a_guessed_link_opens_nothing(preview: Preview) -> None:
    for token in (generate_token(24), "", "x", "%00", "../..", "a" * 5000):
        got = await preview.bed.ask(f"GET /_greenroom/link/{token} HTTP/1.1", PAGE)
        assert (got.status, "set-cookie" in got.headers) == (404, False)


async def test_a_pinned_link_opens_while_its_version_is_shown(preview: Preview) -> None:
    release = uuid4()
    preview.close(release_id=release)
    _, door = preview.link(release_id=release)
    cookie = preview.cookie("link", str(door.id))
    assert (await preview.bed.ask("GET / HTTP/1.1", cookie)).status == 200
    preview.close(release_id=uuid4())
    assert (await preview.bed.ask("GET / HTTP/1.1", cookie)).status == 410


async def test_a_link_shows_the_pages_it_was_given_for(preview: Preview) -> None:
    _, door = preview.link(pages=("/shop/*",), start="/home?a")
    cookie = preview.cookie("link", str(door.id))
    for path, status in (
        ("/home", 200), ("/shop/a/b", 200), ("/%73hop/a", 200), ("/", 403), ("/shopping", 403),
        ("/shop/../admin", 403), ("/shop/%2e%2e/admin", 403),
    ):  # fmt: skip
        got = await preview.bed.ask(f"GET {path} HTTP/1.1", PAGE, cookie)
        assert got.status == status, path
    style = await preview.bed.ask("GET /a.css HTTP/1.1", "Sec-Fetch-Dest: style", cookie)
    assert style.status == 200


async def test_a_machine_shows_its_token_or_exchanges_it(preview: Preview) -> None:
    token, _ = preview.link()
    header = f"X-Greenroom-Token: {token}"
    assert (await preview.bed.ask("GET / HTTP/1.1", header)).status == 200
    got = await preview.bed.ask("GET /_greenroom/enter HTTP/1.1", header)
    assert got.status == 204
    assert (await preview.bed.ask("GET / HTTP/1.1", pass_of(got))).status == 200
    locked, _ = preview.link(has_password=True)
    assert (await preview.bed.ask("GET / HTTP/1.1", f"X-Greenroom-Token: {locked}")).status == 403


async def test_a_password_is_asked_for_and_checked(
    preview: Preview, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "_check", lambda link, password: password == "let me in")
    token, _ = preview.link(has_password=True, label="<b>Anna</b>")
    place = f"/_greenroom/link/{token} HTTP/1.1"
    asked = await preview.bed.ask(f"GET {place}", PAGE)
    assert asked.status == 200
    assert b'type="password"' in asked.body
    assert b"&lt;b&gt;Anna&lt;/b&gt;" in asked.body
    assert "set-cookie" not in asked.headers

    async def post(password: str, *headers: str) -> Answer:
        body = f"password={password}".encode()
        return await preview.bed.ask(
            f"POST {place}", PAGE, f"Content-Length: {len(body)}", *headers, body=body
        )

    assert (await post("wrong")).status == 401
    assert (await post("let+me+in", "Sec-Fetch-Site: cross-site")).status == 403
    assert (await post("let+me+in", "Origin: http://other.localhost")).status == 403
    assert (await post("x" * 20_000)).status == 401
    got = await post("let+me+in", f"Origin: http://{HOST}")
    assert (got.status, got.headers["location"]) == (303, "/")


async def test_a_link_that_opens_wakes_what_sleeps(
    preview: Preview, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken = list[str]()
    gateway = preview.bed.gateway
    monkeypatch.setattr(gateway.sleeper, "wake", lambda target, _: woken.append(target.route.host))
    target = gateway.routes.find(HOST)
    assert target is not None
    assert target.upstream is not None
    target.upstream.asleep = "stopped"
    token, _ = preview.link(has_password=True)
    await preview.bed.ask(f"HEAD /_greenroom/link/{token} HTTP/1.1", PAGE)
    await preview.bed.ask("GET /_greenroom/link/guessed HTTP/1.1", PAGE)
    bot = "User-Agent: Slackbot-LinkExpanding 1.0"
    await preview.bed.ask(f"GET /_greenroom/link/{token} HTTP/1.1", bot)
    assert woken == []
    await preview.bed.ask(f"GET /_greenroom/link/{token} HTTP/1.1", PAGE)
    assert woken == [HOST]


async def test_guessing_is_slowed_down_by_address_and_by_link(
    preview: Preview, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def check(link: Any, password: str) -> bool:
        tried.append(password)
        if len(tried) > 4:
            raise NotAllowed("too many wrong passwords")
        return False

    monkeypatch.setattr(doors, "_check", check)
    token, _ = preview.link(has_password=True)
    statuses = []
    for number in range(12):
        body = f"password=p{number}".encode()
        got = await preview.bed.ask(
            f"POST /_greenroom/link/{token} HTTP/1.1", f"Content-Length: {len(body)}", body=body
        )
        statuses.append(got.status)
    assert statuses == [401] * 4 + [429] * 8
    assert len(tried) == clients.TRIES  # the last two never reached the store


def test_a_throttle_counts_networks_and_forgets() -> None:
    throttle = clients.Throttle()
    assert all(throttle.is_allowed("2001:db8::1", 0.0) for _ in range(clients.TRIES))
    assert not throttle.is_allowed("2001:db8::ffff:2", 1.0)
    assert throttle.is_allowed("2001:db8:0:1::1", 1.0)
    assert throttle.is_allowed("2001:db8::1", clients.TRIES_SECONDS + 1)
    for number in range(clients.MOST_ADDRESSES + 10):
        throttle.is_allowed(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 2.0)
    assert len(throttle._tried) == clients.MOST_ADDRESSES


async def test_an_open_preview_needs_no_pass_and_never_turns_a_visitor_away(
    preview: Preview,
) -> None:
    _, door = preview.link(revoked_at=datetime.now(UTC))
    preview.open()
    assert (await preview.bed.ask()).status == 200
    old = preview.cookie("link", str(door.id))
    assert (await preview.bed.ask("GET / HTTP/1.1", old)).status == 200


async def test_a_review_needs_a_link_that_may(preview: Preview) -> None:
    _, door = preview.link()
    cookie = preview.cookie("link", str(door.id))
    led = await preview.bed.ask("GET /_greenroom/review HTTP/1.1", PAGE, cookie)
    assert led.status == 303
    place = led.headers["location"].removeprefix("http://gateway.localhost")
    path = place[place.index("/") :]
    got = await preview.bed.ask(f"GET {path} HTTP/1.1", PAGE, host="gateway.localhost")
    assert got.status == 403
    assert b"looking only" in got.body
    for wrong in (path[:-2], "/review", "/review?pass=", path.replace("review?", "review?x=1&a")):
        got = await preview.bed.ask(f"GET {wrong} HTTP/1.1", PAGE, host="gateway.localhost")
        assert got.status == 404
    preview.put(replace(door, revoked_at=datetime.now(UTC)))
    got = await preview.bed.ask(f"GET {path} HTTP/1.1", PAGE, host="gateway.localhost")
    assert got.status == 410
    preview.open()
    assert (await preview.bed.ask("GET /_greenroom/review HTTP/1.1", PAGE)).status == 404
