"""Fifty switches under load, a WebSocket open elsewhere; rival: ``caddy reload`` for each."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import statistics
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import uvloop
from aiohttp import web

from benchmarks.edge import (
    Load,
    Stage,
    free_port,
    needed,
    process,
    running_gateway,
    upstream,
    wait_until_listening,
)
from benchmarks.line import Line

SWITCHES, PAUSE_SECONDS = 50, 0.1
CADDY = """{{
  admin 127.0.0.1:{admin}
  auto_https off
}}
http://shop.localhost:{port} {{
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:{app}
}}
http://other.localhost:{port} {{
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:{other}
}}
"""


@dataclass
class Result:
    """What fifty switches did to those who were not to notice."""

    answered: int = 0
    failures: list[str] = field(default_factory=list)
    sockets_lost: int = 0
    seconds: list[float] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        kinds = Counter(failure.partition(":")[0] for failure in self.failures)
        return {
            "requests": self.answered,
            "failed": len(self.failures),
            "failures": dict(kinds),
            "sockets_lost": self.sockets_lost,
            "median_switch_ms": round(1000 * statistics.median(self.seconds), 1),
            "worst_switch_ms": round(1000 * max(self.seconds), 1),
        }


async def _echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data)
    return socket


@contextlib.asynccontextmanager
async def _echo_server(port: int) -> AsyncIterator[None]:
    app = web.Application()
    app.router.add_get("/", _echo)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield
    await runner.cleanup()


async def _measure(port: int, echo_port: int, switch: Callable[[int], Awaitable[None]]) -> Result:
    """Switch under load; after each switch the socket must still answer."""
    result, load = Result(), Load(port, "shop.localhost")
    async with _echo_server(echo_port), aiohttp.ClientSession() as session:
        connect = functools.partial(
            session.ws_connect, f"http://127.0.0.1:{port}/", headers={"Host": "other.localhost"}
        )
        socket, asking = await connect(), asyncio.create_task(load.until_stopped())
        for number in range(SWITCHES):
            begun = time.monotonic()
            await switch(number)
            result.seconds.append(time.monotonic() - begun)
            await asyncio.sleep(PAUSE_SECONDS)
            try:
                await socket.send_str(str(number))
                is_alive = await socket.receive_str(timeout=5) == str(number)
            except (OSError, TypeError, TimeoutError, aiohttp.ClientError):
                is_alive = False
            if not is_alive:
                result.sockets_lost += 1
                await socket.close()
                socket = await connect()
        load.stop()
        await asking
        await socket.close()
    result.answered, result.failures = load.answered, load.failures
    return result


def _switch_ours(stage: Stage, shop: uuid.UUID, port: int) -> None:
    stage.wait_until_serving("shop.localhost", stage.switch(shop, port))


def _ours(copies: tuple[int, int]) -> Result:
    echo = free_port()
    with running_gateway() as stage, ExitStack() as stack:
        for port in copies:
            stack.enter_context(upstream(stage.folder, port))
        shop, other = stage.add("shop"), stage.add("other")
        _switch_ours(stage, shop, copies[0])
        stage.wait_until_serving("other.localhost", stage.switch(other, echo))

        async def switch(number: int) -> None:
            await asyncio.to_thread(_switch_ours, stage, shop, copies[(number + 1) % 2])

        return uvloop.run(_measure(stage.port, echo, switch))


def _caddys(copies: tuple[int, int]) -> Result:
    echo, port, admin = free_port(), free_port(), free_port()
    with running_gateway() as stage, ExitStack() as stack:
        for copy in copies:
            stack.enter_context(upstream(stage.folder, copy))
        file = stage.folder / "Caddyfile"

        def write(copy: int) -> None:
            file.write_text(CADDY.format(admin=admin, port=port, app=copy, other=echo))

        write(copies[0])
        caddy, options = needed("caddy"), ["--config", str(file), "--adapter", "caddyfile"]
        surroundings = {"HOME": str(stage.folder)}
        log = Path(stage.folder, "caddy.log")
        stack.enter_context(process([caddy, "run", *options], log, env=surroundings))
        wait_until_listening(port)

        async def switch(number: int) -> None:
            write(copies[(number + 1) % 2])
            done = await asyncio.create_subprocess_exec(
                caddy, "reload", *options, env=surroundings,
                stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            if await done.wait():
                raise RuntimeError(f"caddy reload failed; see {log}")

        return uvloop.run(_measure(port, echo, switch))


def run() -> Line:
    """Do the same switches in a gateway of ours and in Caddy."""
    copies = (free_port(), free_port())
    ours, theirs = _ours(copies), _caddys(copies)
    failed = len(ours.failures)
    return Line(
        "switch", failed, f"failed requests in {SWITCHES} switches", "caddy reload",
        len(theirs.failures), "0, and the WebSocket lives", failed == 0 and not ours.sockets_lost,
        {"greenroom": ours.as_json(), "caddy": theirs.as_json()},
    )  # fmt: skip
