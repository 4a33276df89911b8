"""A running copy as the gateway reaches it: its own connection pool, closed when it leaves."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from uuid import UUID

import aiohttp
from yarl import URL

CONNECTIONS = 64
"""Connections to one copy; more requests wait their turn rather than fail."""
SOCKETS = 1024
"""WebSockets to one copy. They are counted apart: they last, and would starve the requests."""
CONNECT_SECONDS = 2.0
SHUNNED_SECONDS = 5.0
"""How long one of several addresses is left alone after it took no connection."""
IDLE_SECONDS = 15.0
MAX_HEADER_OCTETS = 64 * 1024
_PATIENCE = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=None)


class Tally:
    """Counts what a copy answered since it is known."""

    __slots__ = ("answered", "begun_at", "failed")

    def __init__(self) -> None:
        self.answered = self.failed = 0
        self.begun_at = time.monotonic()

    def count(self, status: int) -> None:
        """Count an answer; a status of the 500s, ours for it included, is a failure."""
        self.answered += 1
        self.failed += status >= 500


class Upstream:
    """One instance's address and pool.

    The pool belongs to the instance, not to its address: when a port is used again by another
    environment, no connection of the old one can show its answers there.
    """

    def __init__(self, instance_id: UUID, address: str, asleep: str = "") -> None:
        self.instance_id, self.address = instance_id, address
        self.asleep = asleep
        """How the copy sleeps, as far as this process knows: it is who puts it to sleep."""
        self.used_at = time.monotonic()
        """When somebody last asked for something, or was answered."""
        self.gate: asyncio.Semaphore | None = None
        """Right after a wake, requests are let through a few at a time."""
        self.tally = Tally()
        self.before: Tally | None = None
        """What the copy that it took over from answered; None where it took over from none."""
        self._places = address.split()
        self._shunned: dict[str, float] = {}
        """Of several addresses those that took no connection lately, and until when."""
        first = URL(self._places[0])
        self.own_name = first.authority if first.scheme == "https" else ""
        """What somebody else's server is called: it is asked by that, not by our host."""
        self._sessions: dict[int, aiohttp.ClientSession] = {}
        self._in_flight, self._retired = 0, False
        self._keys: dict[str, aiohttp.ClientRequest] = {}
        """What tells aiohttp's pool where to connect."""
        self._closing: asyncio.Task[None] | None = None

    def next_place(self) -> str:
        """Give where the next request goes: each of its addresses in turn."""
        if len(self._places) > 1:
            for _ in range(len(self._places)):
                self._places.append(self._places.pop(0))
                if self._shunned.get(self._places[-1], 0.0) < time.monotonic():
                    break
        return self._places[-1]

    def move(self, address: str) -> None:
        """Go on at other addresses: it was woken somewhere else."""
        self.address, self._places = address, address.split()
        self._keys.clear()

    @property
    def in_flight(self) -> int:
        """How many requests and sockets are under way."""
        return self._in_flight

    @property
    def session(self) -> aiohttp.ClientSession:
        """The pool for requests, opened on first use."""
        return self._sessions.get(CONNECTIONS) or self._open(CONNECTIONS)

    @property
    def socket_session(self) -> aiohttp.ClientSession:
        """The pool for WebSockets, opened on first use."""
        return self._sessions.get(SOCKETS) or self._open(SOCKETS)

    async def connect(self, patience: aiohttp.ClientTimeout) -> aiohttp.connector.Connection:
        """Take a connection from the pool for requests."""
        connector = self.session.connector
        if connector is None:
            raise aiohttp.ClientConnectionError("the pool is closed")
        for again in range(len(self._places), 0, -1):
            place = self.next_place()
            key = self._keys.get(place)
            if key is None:
                key = self._keys[place] = aiohttp.ClientRequest("GET", URL(place))
            try:
                return await connector.connect(key, traces=[], timeout=patience)
            except (aiohttp.ClientConnectorError, TimeoutError):
                if again == 1:
                    raise  # another of its addresses may take it
                self._shunned[place] = time.monotonic() + SHUNNED_SECONDS
        raise aiohttp.ClientConnectionError("it has no address")

    def _open(self, limit: int) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=limit, keepalive_timeout=IDLE_SECONDS, use_dns_cache=False
        )
        made = self._sessions[limit] = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            timeout=_PATIENCE,
            max_line_size=MAX_HEADER_OCTETS,
            max_field_size=MAX_HEADER_OCTETS,
        )
        return made

    def __enter__(self) -> Upstream:
        """Count a request in."""
        self._in_flight += 1
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Count a request out; the last one of a retired copy closes the pool."""
        self._in_flight -= 1
        self._close_when_idle()

    def retire(self) -> None:
        """Close the pool once the requests in flight have ended."""
        self._retired = True
        self._close_when_idle()

    def _close_when_idle(self) -> None:
        if self._retired and self._in_flight == 0 and self._sessions:
            self._closing = asyncio.ensure_future(self._close_sessions())

    async def _close_sessions(self) -> None:
        while self._sessions:
            await self._sessions.popitem()[1].close()

    async def close_idle(self) -> None:
        """Close the connections of a copy that sleeps; new ones are opened when it is awake."""
        if self._in_flight == 0:
            await self._close_sessions()

    async def close(self) -> None:
        """Close the pools now."""
        self._retired = True
        await self._close_sessions()
        if self._closing is not None:
            await self._closing
