"""WebSockets through the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType, web

from greenroom.gateway import sockets as sockets_of_gateway
from greenroom.gateway import upstream

pytestmark = pytest.mark.contract
CODES = web.AppKey("codes", asyncio.Queue[int])


async def echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(
        protocols=("chat", "other"), autoping=False, max_msg_size=2**27, heartbeat=None
    )
    if request.path == "/refused":
        raise web.HTTPForbidden
    await socket.prepare(request)
    await socket.send_str(request.headers.get("X-Forwarded-For", "") + request.path_qs)
    async for message in socket:
        if message.type is WSMsgType.TEXT and message.data == "bye":
            await socket.close(code=4001, message=b"as you wish")
        elif message.type is WSMsgType.TEXT and message.data == "die":
            assert request.transport is not None
            request.transport.abort()
        elif message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
        elif message.type is WSMsgType.PING:
            await socket.pong(message.data)
    request.app[CODES].put_nowait(socket.close_code or 0)
    return socket


@pytest.fixture
async def codes(bed: Any) -> AsyncIterator[asyncio.Queue[int]]:
    """Serve the echo at the usual host; give the codes its sockets were closed with."""
    app, seen = web.Application(), asyncio.Queue[int]()
    app[CODES] = seen
    app.router.add_get("/{rest:.*}", echo)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    bed.route(f"http://127.0.0.1:{runner.addresses[0][1]}")
    yield seen
    await runner.cleanup()


@pytest.fixture
async def connect(bed: Any, codes: asyncio.Queue[int]) -> AsyncIterator[Any]:
    """Connect to the echo through the gateway."""
    async with aiohttp.ClientSession() as session:

        async def make(path: str = "/x?y=1", **options: Any) -> aiohttp.ClientWebSocketResponse:
            address = f"http://127.0.0.1:{bed.port}{path}"
            headers = {"Host": "shop.localhost", "X-Forwarded-For": "6.6.6.6"}
            return await session.ws_connect(
                address, headers=headers, autoping=False, max_msg_size=2**27, **options
            )

        yield make


async def test_frames_pass_both_ways(connect: Any, codes: asyncio.Queue[int]) -> None:
    async with await connect(protocols=["chat"]) as socket:
        assert socket.protocol == "chat"
        assert (await socket.receive_str()) == "127.0.0.1/x?y=1"
        await socket.send_str("grüß dich ☂")
        assert (await socket.receive_str()) == "grüß dich ☂"
        await socket.send_bytes(bytes(range(256)))
        assert (await socket.receive_bytes()) == bytes(range(256))
        await socket.ping(b"are you there")
        pong = await socket.receive()
        assert (pong.type, pong.data) == (WSMsgType.PONG, b"are you there")
        big = b"\x07" * 20_000_000
        await socket.send_bytes(big)
        assert (await socket.receive_bytes(timeout=30)) == big


async def test_closing_codes_arrive(connect: Any, codes: asyncio.Queue[int]) -> None:
    async with await connect() as socket:
        await socket.receive_str()
        await socket.send_str("bye")
        message = await socket.receive()
        assert (message.type, message.data) == (WSMsgType.CLOSE, 4001)
        assert message.extra == "as you wish"
    async with await connect() as socket:
        await socket.receive_str()
        await socket.close(code=4002)
    async with asyncio.timeout(10):
        await codes.get()
        assert await codes.get() == 4002


async def test_whoever_dies_the_other_side_hears_of_it(
    connect: Any, codes: asyncio.Queue[int]
) -> None:
    async with await connect() as socket:
        await socket.receive_str()
        await socket.send_str("die")
        async with asyncio.timeout(10):
            message = await socket.receive()
        assert message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING)
    await codes.get()
    socket = await connect()
    await socket.receive_str()
    socket._response.connection.transport.abort()
    async with asyncio.timeout(10):
        assert await codes.get() != 1000


@pytest.mark.parametrize(
    "head",
    ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: c2hvcnQ=", "Sec-WebSocket-Version: 7"],
)
async def test_a_handshake_that_is_none_is_refused(bed: Any, codes: Any, head: str) -> None:
    answer = await bed.ask("GET / HTTP/1.1", "Connection: upgrade", "Upgrade: websocket", head)
    assert 400 <= answer.status < 500


async def test_open_sockets_take_nothing_from_the_requests(
    bed: Any, connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream, "CONNECTIONS", 2)
    sockets = [await connect() for _ in range(4)]
    for socket in sockets:
        await socket.receive_str()
    assert (await bed.ask("GET /refused HTTP/1.1")).status == 403
    for socket in sockets:
        await socket.close()


async def test_a_message_that_is_too_large_closes_the_socket(
    connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets_of_gateway, "MAX_FRAME", 1000)
    socket = await connect()
    await socket.receive_str()
    await socket.send_bytes(bytes(999))
    assert await socket.receive_bytes() == bytes(999)
    await socket.send_bytes(bytes(1001))
    message = await socket.receive(timeout=10)
    assert (message.type, message.data) == (WSMsgType.CLOSE, 1009)
    await socket.close()


async def test_a_refusal_is_passed_on(connect: Any) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await connect("/refused")
    assert refused.value.status == 403


async def test_no_socket_where_there_is_no_application(bed: Any) -> None:
    bed.route("http://127.0.0.1:1")
    answer = await bed.ask(
        "GET / HTTP/1.1", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )  # fmt: skip
    assert answer.status == 502


async def test_a_socket_survives_a_switch_elsewhere(bed: Any, connect: Any) -> None:
    async with await connect() as socket:
        await socket.receive_str()
        for _ in range(5):
            await bed.app(host="other.localhost")
        await socket.send_str("still here")
        assert (await socket.receive_str()) == "still here"


async def test_a_stopping_gateway_says_goodbye(bed: Any, connect: Any) -> None:
    socket = await connect()
    await socket.receive_str()
    stopping = asyncio.create_task(bed.gateway.stop())
    message = await socket.receive(timeout=10)
    assert (message.type, message.data) == (WSMsgType.CLOSE, 1001)
    await socket.close()
    await stopping
