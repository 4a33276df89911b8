"""A running copy as the gateway reaches it: its own connection pool, closed when it leaves."""

from __future__ import annotations

import asyncio
from types import TracebackType
from uuid import UUID

import aiohttp
from yarl import URL

CONNECTIONS = 64
"""Connections to one copy; more requests wait their turn rather than fail."""
CONNECT_SECONDS = 2.0
IDLE_SECONDS = 15.0


class Upstream:
    """One instance's address and pool.

    The pool belongs to the instance, not to its address: when a port is used again by another
    environment, no connection of the old one can show its answers there.
    """

    def __init__(self, instance_id: UUID, address: str) -> None:
        self.instance_id, self.address = instance_id, address
        self.url = URL(address)
        self._session: aiohttp.ClientSession | None = None
        self._in_flight, self._retired = 0, False
        self._closing: asyncio.Task[None] | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The pool, opened on first use."""
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=CONNECTIONS, keepalive_timeout=IDLE_SECONDS, use_dns_cache=False
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=CONNECT_SECONDS, sock_read=None
                ),
                max_line_size=64 * 1024,
                max_field_size=64 * 1024,
            )
        return self._session

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
        if self._retired and self._in_flight == 0 and self._session is not None:
            session, self._session = self._session, None
            self._closing = asyncio.ensure_future(session.close())

    async def close(self) -> None:
        """Close the pool now."""
        self._retired = True
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()
        if self._closing is not None:
            await self._closing
