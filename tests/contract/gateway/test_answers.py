"""What reaches the client of an environment's answer, and what it gets where there is none."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest

from greenroom.gateway import upstream

pytestmark = pytest.mark.contract
OK = b"HTTP/1.1 200 OK\r\n"


async def test_every_header_and_octet_arrives(bed: Any) -> None:
    body = bytes(range(256)) * 400
    await bed.app(
        b"HTTP/1.1 201 Made It\r\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\nETag: \"x\"\r\n"
        b"X-Latin: gr\xfcn\r\nX-Utf8: gr\xc3\xbcn\r\nContent-Encoding: gzip\r\n"
        b"Server: mine\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\n"
        b"Connection: X-Hop\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )  # fmt: skip
    answer = await bed.ask()
    assert answer.raw.startswith(b"HTTP/1.1 201 Made It\r\n")
    assert answer.body == body
    assert answer.raw.count(b"Set-Cookie:") == 2
    assert answer.headers["etag"] == '"x"'
    assert answer.headers["x-latin"] == "gr\xfcn"
    assert answer.headers["x-utf8"] == "gr\xc3\xbcn"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["server"] == "mine"
    assert answer.headers["content-length"] == str(len(body))
    assert "x-hop" not in answer.headers
    assert "keep-alive" not in answer.headers
    assert "content-type" not in answer.headers
    assert "date" in answer.headers


@pytest.mark.parametrize("kind", ["staging", "production"])
@pytest.mark.parametrize("host", ["shop.localhost", "www.customer.example"], ids=["ours", "own"])
async def test_only_production_may_be_indexed(bed: Any, kind: str, host: str) -> None:
    app = await bed.app(kind=kind, host=host)
    closed = kind != "production"
    answer = await bed.ask(host=host)
    assert ("noindex" in answer.headers.get("x-robots-tag", "")) == closed
    robots = await bed.ask("GET /robots.txt?x HTTP/1.1", host=host)
    assert (robots.body == b"User-agent: *\nDisallow: /\n") == closed
    assert (len(app.heads) == 1) == closed


@pytest.mark.parametrize(
    ("line", "answer", "status"),
    [
        ("HEAD / HTTP/1.1", OK + b"Content-Length: 500\r\n\r\n", 200),
        ("GET / HTTP/1.1", b"HTTP/1.1 204 No Content\r\n\r\n", 204),
        ("GET / HTTP/1.1", b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n', 304),
        ("GET / HTTP/1.1", OK + b"Content-Length: 0\r\n\r\n", 200),
    ],
    ids=["HEAD", "204", "304", "empty"],
)
async def test_an_answer_without_a_body(bed: Any, line: str, answer: bytes, status: int) -> None:
    await bed.app(answer)
    got = await bed.ask(line)
    assert (got.status, got.body) == (status, b"")
    assert "transfer-encoding" not in got.headers
    if line.startswith("HEAD"):
        assert got.headers["content-length"] == "500"


async def test_what_comes_before_the_answer_stays_here(bed: Any) -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
    await bed.app(early + early + OK + b"Content-Length: 2\r\n\r\nok")
    for _ in range(2):
        answer = await bed.ask()
        assert (answer.status, answer.body) == (200, b"ok")


async def test_more_than_was_asked_for_is_nobodys_answer(bed: Any) -> None:
    await bed.app(OK + b"Content-Length: 2\r\n\r\nok" + OK + b"Content-Length: 4\r\n\r\nevil")
    for _ in range(4):
        assert (await bed.ask()).body == b"ok"


async def test_more_requests_than_connections_wait_their_turn(
    bed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream, "CONNECTIONS", 3)
    open_now, most = 0, 0

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, most
        open_now, most = open_now + 1, max(most, open_now + 1)
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await asyncio.sleep(0.01)
                writer.write(OK + b"Content-Length: 2\r\n\r\nok")
                await writer.drain()
        finally:
            open_now -= 1

    bed.route(await bed.serve(slow))
    answers = await asyncio.gather(*(bed.ask() for _ in range(20)))
    assert {answer.status for answer in answers} == {200}
    assert most <= 3


async def test_parts_arrive_as_they_are_sent(bed: Any) -> None:
    more = asyncio.Event()

    async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(b"9\r\ndata: 1\n\n\r\n")
        await writer.drain()
        await more.wait()
        writer.write(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n")
        await writer.drain()

    bed.route(await bed.serve(stream))
    reader, writer = await bed.connect()
    writer.write(b"GET / HTTP/1.1\r\nHost: shop.localhost\r\n\r\n")
    async with asyncio.timeout(10):
        got = await reader.readuntil(b"data: 1\n\n")
        assert b"transfer-encoding: chunked" in got.lower()
        await asyncio.sleep(0.9)  # longer than anything may stand still: events may be rare
        more.set()
        await reader.readuntil(b"data: 2\n\n")
        await reader.readuntil(b"0\r\n\r\n")
    writer.close()


async def test_an_answer_that_ends_with_its_connection(bed: Any) -> None:
    async def old(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\n\r\nuntil the end")
        await writer.drain()

    bed.route(await bed.serve(old))
    answer = await bed.ask()
    assert b"until the end" in answer.body
    assert answer.body.endswith(b"0\r\n\r\n")
    assert (await bed.ask("GET / HTTP/1.0")).body == b"until the end"


@pytest.mark.parametrize("chunked", [True, False])
async def test_an_answer_that_breaks_off_breaks_off(bed: Any, chunked: bool) -> None:
    head = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 200000"

    async def dying(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        part = b"x" * 100_000
        writer.write(OK + head + b"\r\n\r\n" + (b"186a0\r\n" + part if chunked else part))
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.transport.abort()

    bed.route(await bed.serve(dying))
    reader, writer = await bed.connect()
    writer.write(b"GET / HTTP/1.1\r\nHost: shop.localhost\r\n\r\n")
    async with asyncio.timeout(10):
        try:
            got = await reader.read()
        except ConnectionError:
            got = b""
    assert not got.endswith(b"0\r\n\r\n"), "a half was passed on as the whole"
    writer.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        OK + b"Content-Length: -1\r\n\r\n",
        OK + b"X: " + b"a" * 70_000,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        OK[:9],
        OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
    ],
    ids=[
        "nothing",
        "no HTTP",
        "bad length",
        "long header",
        "unasked upgrade",
        "half a line",
        "length and chunked",
        "two lengths",
    ],
)
async def test_an_answer_that_is_none(bed: Any, answer: bytes) -> None:
    async def bad(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    bed.route(await bed.serve(bad))
    assert (await bed.ask()).status == 502


async def test_an_application_that_is_down_or_slow(bed: Any) -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3)

    bed.route("http://127.0.0.1:1")
    down = await bed.ask("GET / HTTP/1.1", "Accept: application/json")
    assert down.status == 502
    assert down.headers["retry-after"] == "2"
    assert json.loads(down.body)["error"] == "The application does not answer"
    bed.route(await bed.serve(slow))
    bed.wait_for_answers(0.6)
    assert (await bed.ask()).status == 504


async def test_a_client_that_reads_nothing_is_left(bed: Any) -> None:
    gone = asyncio.Event()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"Content-Length: 900000000\r\n\r\n")
        try:
            while True:
                writer.write(bytes(2**18))
                await writer.drain()
        finally:
            gone.set()

    bed.route(await bed.serve(endless))
    _, writer = await bed.connect()
    writer.write(b"GET / HTTP/1.1\r\nHost: shop.localhost\r\n\r\n")
    async with asyncio.timeout(20):
        await gone.wait()
    writer.close()


@pytest.mark.parametrize("begun", [False, True], ids=["before the answer", "within it"])
async def test_when_the_client_leaves_the_application_hears_of_it(bed: Any, begun: bool) -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if begun:
            writer.write(OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
        asked.set()
        assert await reader.read() == b""
        gone.set()

    bed.gateway.proxy.settings = bed.gateway.settings.model_copy(update={"answer_seconds": 60})
    bed.route(await bed.serve(silent))
    reader, writer = await bed.connect()
    writer.write(b"GET / HTTP/1.1\r\nHost: shop.localhost\r\n\r\n")
    async with asyncio.timeout(10):
        await asked.wait()
        if begun:
            await reader.readuntil(b"x")
        writer.close()
        await gone.wait()


async def test_a_kept_connection_that_died_is_asked_again_only_when_that_is_safe(bed: Any) -> None:
    asked: list[bytes] = []

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(OK + b"Content-Length: 2\r\n\r\nok")
        await writer.drain()
        asked.append(await reader.readuntil(b"\r\n\r\n"))  # and it dies without an answer

    bed.route(await bed.serve(once))
    assert (await bed.ask()).status == 200
    assert (await bed.ask()).status == 200
    assert len(asked) == 3
    assert (await bed.ask("POST / HTTP/1.1", "Content-Length: 0")).status in (200, 502)
    assert [head.split(b" ")[0] for head in asked].count(b"POST") == 1


async def test_hosts_are_told_apart(bed: Any) -> None:
    app = await bed.app()
    for host in ("shop.localhost", "SHOP.localhost.", f"shop.localhost:{bed.port}"):
        assert (await bed.ask(host=host)).status == 200
    for host in ("other.localhost", "xshop.localhost", "shop.localhost.evil.example", "a b"):
        assert (await bed.ask(host=host)).status in (400, 404)
    assert len(app.heads) == 3
    page = await bed.ask(host="other.localhost")
    assert b"Nothing lives here" in page.body
    assert "noindex" in page.headers["x-robots-tag"]


async def test_an_environment_without_a_version(bed: Any) -> None:
    bed.route(None, status="building")
    building = await bed.ask()
    assert (building.status, building.headers["retry-after"]) == (503, "2")
    assert b'http-equiv="refresh"' in building.body
    bed.route(None, status="error", reason="boom <script>secret</script>")
    broken = await bed.ask()
    assert broken.status == 503
    assert b"secret" not in broken.body


async def test_our_own_paths_are_not_the_applications(bed: Any) -> None:
    serving = uuid4()
    app = await bed.app(instance_id=serving)
    answer = await bed.ask("GET /_greenroom/serving HTTP/1.1")
    assert json.loads(answer.body) == {"serving": str(serving)}
    assert (await bed.ask("GET /_greenroom/else HTTP/1.1")).status == 404
    assert app.heads == []
    health = await bed.ask("GET /healthz HTTP/1.1", host="localhost")
    assert json.loads(health.body)["ok"] is True
    assert (await bed.ask("GET /nothing HTTP/1.1", host="localhost")).status == 404


async def test_a_copy_that_leaves_finishes_its_requests(bed: Any) -> None:
    finish = asyncio.Event()

    async def long(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await finish.wait()
        writer.write(OK + b"Content-Length: 3\r\n\r\nold")
        await writer.drain()

    bed.route(await bed.serve(long))
    under_way = asyncio.create_task(bed.ask())
    await asyncio.sleep(0.2)
    await bed.app()
    assert (await bed.ask()).body == b"ok"
    finish.set()
    assert (await under_way).body == b"old"
