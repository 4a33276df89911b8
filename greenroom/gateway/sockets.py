"""WebSockets, spliced frame by frame."""

from __future__ import annotations

import asyncio

import aiohttp
from aiohttp import WSMsgType, web

from greenroom.gateway import pages
from greenroom.gateway.front import Outside
from greenroom.gateway.headers import for_upstream
from greenroom.gateway.proxy import upstream_url
from greenroom.gateway.upstream import Upstream

OWN = frozenset(
    {
        "sec-websocket-key",
        "sec-websocket-version",
        "sec-websocket-extensions",
        "sec-websocket-protocol",
        "content-length",
    }
)
MAX_FRAME = 64 * 1024 * 1024
"""Octets of one message; a gateway that would take more could be filled up."""
NO_STATUS, ABNORMAL = 1005, 1006
"""Close codes that must not be sent. Source: RFC 6455 section 7.4.1."""

open_sockets: set[web.WebSocketResponse] = set()
"""Those to be closed with 1001 when the gateway stops."""


def is_websocket(request: web.BaseRequest) -> bool:
    """Whether a request asks to become a WebSocket."""
    upgrade = request.headers.get("Upgrade", "").lower()
    return upgrade == "websocket" and request.method == "GET"


async def splice(
    request: web.BaseRequest, upstream: Upstream, outside: Outside
) -> web.StreamResponse:
    """Open the same socket at the upstream, then pass frames both ways until one side closes."""
    headers = for_upstream(request, outside, upstream.own_name)
    for name in OWN:
        headers.popall(name, None)
    asked = request.headers.get("Sec-WebSocket-Protocol", "")
    protocols = [p.strip() for p in asked.split(",") if p.strip()]
    with upstream:
        try:
            inner = await upstream.socket_session.ws_connect(
                upstream_url(upstream, request),
                headers=headers,
                protocols=protocols,
                autoclose=False,
                autoping=False,
                max_msg_size=MAX_FRAME,
            )
        except aiohttp.WSServerHandshakeError as error:
            return pages.answer(
                request, error.status if error.status >= 400 else 502,
                "The application refused the socket", "It did not accept this WebSocket.",
            )  # fmt: skip
        except (aiohttp.ClientError, TimeoutError):
            return pages.not_reached(request)
        outer = web.WebSocketResponse(
            protocols=[inner.protocol] if inner.protocol else (),
            autoclose=False,
            autoping=False,
            max_msg_size=MAX_FRAME,
            compress=False,
        )
        try:
            await outer.prepare(request)
            open_sockets.add(outer)
            await _both_ways(outer, inner)
        finally:
            open_sockets.discard(outer)
            await inner.close(code=1001)
        return outer


async def _both_ways(outer: web.WebSocketResponse, inner: aiohttp.ClientWebSocketResponse) -> None:
    ways = [asyncio.ensure_future(_pump(outer, inner)), asyncio.ensure_future(_pump(inner, outer))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        await _close(outer, inner)
        await _close(inner, outer)


async def _pump(
    source: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
    sink: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
) -> None:
    while True:
        message = await source.receive()
        match message.type:
            case WSMsgType.TEXT:
                await sink.send_str(message.data)
            case WSMsgType.BINARY:
                await sink.send_bytes(message.data)
            case WSMsgType.PING:
                await sink.ping(message.data)
            case WSMsgType.PONG:
                await sink.pong(message.data)
            case WSMsgType.CLOSE:
                code = message.data or 1000
                await sink.close(
                    code=1000 if code in (NO_STATUS, ABNORMAL) else code,
                    message=(message.extra or "").encode(),
                )
                return
            case _:
                return


async def _close(
    one: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
    other: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
) -> None:
    if not one.closed:
        code = other.close_code or 1001
        await one.close(code=1001 if code in (NO_STATUS, ABNORMAL) else code)


async def close_all() -> None:
    """Tell every open socket that the gateway goes away."""
    for socket in list(open_sockets):
        await socket.close(code=1001, message=b"gateway is stopping")
