"""What reaches an environment of a client's request, octet for octet."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from greenroom.gateway import app as app_of_gateway

pytestmark = pytest.mark.contract

LENGTH = b"POST / HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: 5\r\n"


async def test_the_path_arrives_as_it_was_sent(bed: Any) -> None:
    app = await bed.app()
    for target in ("/", "/a%2Fb/%e4?x=1&y=%20+#", "/a/../b/./c//d", "/%00"):
        line = f"GET {target if isinstance(target, str) else target.decode('latin-1')} HTTP/1.1"
        wanted = line.split(" ")[1].partition("#")[0]
        answer = await bed.ask(line)
        assert answer.status == 200, (line, answer.raw)
        assert app.target == wanted


async def test_forwarded_headers_are_ours(bed: Any) -> None:
    app = await bed.app()
    await bed.ask(
        "GET / HTTP/1.1", "X-Forwarded-For: 6.6.6.6", "X-Forwarded-Host: evil.example",
        "X-Forwarded-Proto: https", "Forwarded: for=6.6.6.6", "X-Real-IP: 6.6.6.6",
        "X-Forwarded-Server: evil", "User-Agent: test", "X_Forwarded_For: 6.6.6.6",
        "X-Forwarded_Host: evil.example", "X_Kept: 1",
    )  # fmt: skip
    got = dict(app.headers)
    assert got["x-forwarded-for"] == got["x-real-ip"] == "127.0.0.1"
    assert got["x-forwarded-host"] == got["host"] == "shop.localhost"
    assert got["x-forwarded-proto"] == "http"
    assert got["x-forwarded-port"] == str(bed.port)
    assert (got["user-agent"], got["x_kept"]) == ("test", "1")
    assert "6.6.6.6" not in str(app.headers)
    assert "evil" not in str(app.headers)
    assert len(app.headers) == len(got), "a header came twice"


async def test_header_values_arrive_octet_for_octet(bed: Any) -> None:
    app = await bed.app()
    head = b" / HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\nX-Empty:\r\n"
    await bed.send(b"GET" + head + b"X-Latin: gr\xfcn\r\n\r\n")
    assert b"X-Latin: gr\xfcn\r\n" in app.heads[-1]
    await bed.send(b"POST" + head + b"X-Utf8: gr\xc3\xbcn\r\nContent-Length: 2\r\n\r\nhi")
    assert b"X-Utf8: gr\xc3\xbcn\r\n" in app.heads[-1]
    assert dict(app.headers)["x-empty"] == ""


async def test_hop_by_hop_headers_end_here(bed: Any) -> None:
    app = await bed.app()
    await bed.ask(
        "GET / HTTP/1.1", "Connection: x-secret-hop", "X-Secret-Hop: 1", "Keep-Alive: 5",
        "Proxy-Authorization: Basic x", "TE: trailers", "Trailer: x", "Proxy-Connection: close",
        "X-Kept: 1", "Accept: a", "Accept: b", "Cookie: a=1", "Authorization: Bearer t",
    )  # fmt: skip
    names = [name for name, _ in app.headers]
    assert not {"x-secret-hop", "keep-alive", "proxy-authorization", "te", "trailer"} & set(names)
    assert "proxy-connection" not in names
    assert {"x-kept", "cookie", "authorization"} <= set(names)
    assert [value for name, value in app.headers if name == "accept"] == ["a", "b"]


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: shop.localhost\r\nHost: other.localhost\r\n\r\n",
        b"GET http://shop.localhost/ HTTP/1.1\r\nHost: shop.localhost\r\n\r\n",
        LENGTH + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
        LENGTH + b"Content-Length: 6\r\n\r\nhello!",
        b"POST / HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: +5\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: 0x5\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: shop.localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: shop.localhost\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n",
        b"POST / HTTP/1.1\r\nHost: shop.localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: shop.localhost\r\nX : 1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: shop.localhost\r\nX: 1\r\n folded\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: shop.localhost\r\nX: a\0b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: shop.localhost\r\nno colon\r\n\r\n",
        b"GET /\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: shop.localhost\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: shop.localhost\r\n\r\n",
        b"CONNECT shop.localhost:443 HTTP/1.1\r\nHost: shop.localhost\r\n\r\n",
    ],
    ids=[
        "no host", "two hosts", "absolute target", "length and chunked", "two lengths",
        "signed length", "hex length", "unknown coding", "negative chunk", "bad chunk",
        "space before colon", "folded header", "NUL", "no colon", "HTTP/0.9", "TLS",
        "long header", "long target", "CONNECT",
    ],
)  # fmt: skip
async def test_what_could_be_read_in_two_ways_is_refused(bed: Any, raw: bytes) -> None:
    app = await bed.app()
    answer = await bed.send(raw)
    assert 400 <= answer.status < 500, answer.raw
    assert b"smuggled" not in b"".join(app.heads)
    assert b"Traceback" not in answer.raw
    assert answer.raw.count(b"HTTP/") == 1, "nothing more of that connection is answered"


async def test_a_silent_client_is_left(bed: Any) -> None:
    for sent in (b"", b"GET / HTTP/1.1\r\nHost: sh"):
        reader, writer = await bed.connect()
        writer.write(sent)
        async with asyncio.timeout(10):
            with pytest.raises(ConnectionError):
                assert await reader.read() == b""
                raise ConnectionResetError
        writer.close()


@pytest.fixture
def short_keepalive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_of_gateway, "KEEPALIVE_SECONDS", 0.4)


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: sh"], ids=["idle", "half asked"])
async def test_a_kept_connection_is_not_kept_for_ever(
    short_keepalive: None, bed: Any, sent: bytes
) -> None:
    await bed.app()
    reader, writer = await bed.connect()
    writer.write(b"GET / HTTP/1.1\r\nHost: shop.localhost\r\n\r\n")
    await reader.readuntil(b"ok")
    writer.write(sent)
    async with asyncio.timeout(10):
        assert await reader.read() == b""
    writer.close()


async def test_connections_are_kept_and_requests_may_follow_at_once(bed: Any) -> None:
    app = await bed.app()
    one = b"GET /1 HTTP/1.1\r\nHost: shop.localhost\r\n\r\n"
    last = b"GET /2 HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\n\r\n"
    answer = await bed.send(one + one + last)
    assert answer.raw.count(b"HTTP/1.1 200") == 3
    await asyncio.sleep(0.6)  # longer than a first request may take
    reader, writer = await bed.connect()
    for _ in range(3):
        writer.write(one)
        await reader.readuntil(b"ok")
        await asyncio.sleep(0.3)
    writer.close()
    assert len(app.heads) == 6


async def test_an_upload_passes_with_its_length_or_in_chunks(bed: Any) -> None:
    app = await bed.app()
    assert (await bed.ask("POST / HTTP/1.1", "Content-Length: 5", body=b"hello")).status == 200
    assert dict(app.headers)["content-length"] == "5"
    chunks = b"3\r\nhel\r\n2;ext=1\r\nlo\r\n0\r\nX-Trailer: 1\r\n\r\n"
    answer = await bed.ask("POST / HTTP/1.1", "Transfer-Encoding: chunked", body=chunks)
    assert answer.status == 200
    assert dict(app.headers)["transfer-encoding"] == "chunked"
    assert app.bodies == [b"hello", b"hello"]


async def test_a_client_that_waits_for_leave_gets_it(bed: Any) -> None:
    app = await bed.app()
    reader, writer = await bed.connect()
    writer.write(
        b"POST / HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\n"
        b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    )
    assert b"100 Continue" in await reader.readuntil(b"\r\n\r\n")
    writer.write(b"hello")
    assert b"200 OK" in await reader.read()
    assert app.bodies == [b"hello"]
    assert "expect" not in dict(app.headers)
    writer.close()


async def test_an_upload_is_bounded(bed: Any) -> None:
    app = await bed.app()
    bed.gateway.proxy.settings = bed.gateway.settings.model_copy(update={"upload_max_bytes": 1000})
    refused = await bed.ask("POST / HTTP/1.1", "Content-Length: 1001", body=b"x")
    assert (refused.status, app.heads) == (413, [])
    chunks = b"3e9\r\n" + b"x" * 1001 + b"\r\n0\r\n\r\n"
    refused = await bed.ask("POST / HTTP/1.1", "Transfer-Encoding: chunked", body=chunks)
    assert refused.status == 413
    assert app.bodies == []


async def test_an_upload_that_stands_still_is_left(bed: Any) -> None:
    await bed.app()
    bed.wait_for_answers(0.6)
    answer = await bed.ask("POST / HTTP/1.1", "Content-Length: 50", body=b"not all")
    assert answer.status == 504


async def test_a_large_upload_takes_no_memory(bed: Any) -> None:
    import resource

    size, seen = 200_000_000, 0

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        await reader.readuntil(b"\r\n\r\n")
        while seen < size:
            part = await reader.read(2**18)
            assert part
            seen += len(part)
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()

    bed.route(await bed.serve(swallow))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    reader, writer = await bed.connect()
    writer.write(
        b"PUT / HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\n"
        b"Content-Length: %d\r\n\r\n" % size
    )
    block = bytes(2**20)
    left = size
    while left:
        writer.write(block[: min(left, len(block))])
        left -= min(left, len(block))
        await writer.drain()
    assert b"204" in (await reader.read()).split(b"\r\n")[0]
    writer.close()
    assert seen == size
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 60_000, f"{grown} KiB for an upload that should only pass through"
