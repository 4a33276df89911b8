"""A gateway in the test's own loop, with hand-made routes and obedient upstreams."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from greenroom.gateway.app import Gateway
from greenroom.settings import Settings
from greenroom.store.environments import Route
from tests.conftest import free_port

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
HOST = "shop.localhost"


@dataclass(frozen=True)
class Answer:
    """A parsed answer; ``raw`` is what came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes
    raw: bytes

    @classmethod
    def parse(cls, raw: bytes) -> Answer:
        head, _, body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
        return cls(int(first.split(" ")[1]), headers, body, raw)


async def read_head(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


@dataclass
class Upstream:
    """An application that records each request and answers with fixed octets."""

    answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                head = await read_head(reader)
            except asyncio.IncompleteReadError:
                return
            self.heads.append(head)
            headers = Answer.parse(b"X 200\r\n" + head.partition(b"\r\n")[2]).headers
            body = b""
            if "content-length" in headers:
                body = await reader.readexactly(int(headers["content-length"]))
            elif "chunked" in headers.get("transfer-encoding", ""):
                while size := int((await reader.readline()).strip(), 16):
                    body += (await reader.readexactly(size + 2))[:-2]
                await reader.readline()
            self.bodies.append(body)
            writer.write(self.answer)
            await writer.drain()

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers of the last request, names in lower case."""
        lines = self.heads[-1].decode("latin-1").split("\r\n")[1:-2]
        return [(k.lower(), v.strip()) for k, _, v in (line.partition(":") for line in lines)]

    @property
    def target(self) -> str:
        return self.heads[-1].split(b" ")[1].decode("latin-1")


class Bed:
    """The gateway under test."""

    def __init__(self, settings: Settings) -> None:
        self.gateway, self.port = Gateway(settings), settings.gateway_port
        self.routes: dict[str, Route] = {}
        self._servers: list[asyncio.Server] = []

    def route(
        self, address: str | None, host: str = HOST, *, kind: str = "staging",
        status: str = "active", instance_id: UUID | None = None, reason: str = "",
    ) -> None:  # fmt: skip
        """Route a host to an address, as the store would tell it."""
        self.routes[host] = Route(
            host, uuid4(), "shop", host.partition(".")[0], kind, status, address,
            instance_id or uuid4(), reason, access="open",
        )  # fmt: skip
        self.gateway.routes._replace(list(self.routes.values()))

    async def serve(self, handler: Handler, tls: ssl.SSLContext | None = None) -> str:
        """Start an upstream and give its address."""

        async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await handler(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(closing, "127.0.0.1", 0, limit=2**20, ssl=tls)
        self._servers.append(server)
        top = "https://localhost" if tls else "http://127.0.0.1"
        return f"{top}:{server.sockets[0].getsockname()[1]}"

    async def app(self, answer: bytes = Upstream.answer, **options: Any) -> Upstream:
        """Route the usual host to an upstream that answers with these octets."""
        upstream = Upstream(answer)
        self.route(await self.serve(upstream.handle), **options)
        return upstream

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port, limit=2**20)

    async def send(self, raw: bytes) -> Answer:
        """Send octets on a connection of their own, and parse what comes until it is closed."""
        reader, writer = await self.connect()
        writer.write(raw)
        async with asyncio.timeout(20):
            got = await reader.read()
        writer.close()
        return Answer.parse(got)

    async def ask(
        self, line: str = "GET / HTTP/1.1", *headers: str, body: bytes = b"", host: str = HOST
    ) -> Answer:
        """Ask one question, and close."""
        lines = [line, f"Host: {host}", "Connection: close", *headers]
        return await self.send("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    def wait_for_answers(self, seconds: float) -> None:
        """Let an application take so long to answer."""
        proxy = self.gateway.proxy
        proxy.settings = proxy.settings.model_copy(update={"answer_seconds": seconds})

    async def stop(self) -> None:
        await self.gateway.stop()
        for server in self._servers:
            server.close()


@pytest.fixture
def gateway_settings(tmp_path: Path) -> Settings:
    """Settings with little patience, but with an application: a busy machine is slow, too."""
    return Settings(
        home=tmp_path, gateway_port=free_port(), prefect_port=free_port(), header_seconds=0.4,
        answer_seconds=20, stalled_seconds=0.6, upload_max_bytes=250_000_000,
    )  # fmt: skip


@pytest.fixture
async def bed(gateway_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bed]:
    """A listening gateway without a store."""

    async def nothing() -> None:
        pass

    made = Bed(gateway_settings)
    monkeypatch.setattr(made.gateway.routes, "start", nothing)
    await made.gateway.start()
    yield made
    await made.stop()
