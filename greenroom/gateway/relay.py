"""An environment's answer on its way to the client, its head octet for octet as it came.

aiohttp's own response would write values anew as UTF-8, losing what is not, and would say a type
and a server where the application says none.
"""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from greenroom.gateway.headers import raw_for_client
from greenroom.gateway.injection import Head
from greenroom.gateway.pages import NOINDEX

_NOINDEX = (b"X-Robots-Tag", NOINDEX.encode())


class Relay(web.StreamResponse):
    """An answer that is passed on, whole or part by part."""

    def __init__(
        self,
        request: web.BaseRequest,
        answer: Head,
        *,
        noindex: bool,
        own_name: str = "",
    ) -> None:
        super().__init__(status=answer.status, reason=answer.reason)
        self._writer, self._is_begun = request.writer, False
        told, status = answer.headers, answer.status
        headers = raw_for_client(told, answer.raw_headers, noindex=noindex, own_name=own_name)
        if noindex:
            headers.append(_NOINDEX)
        if "Date" not in told:  # RFC 9110 section 6.6.1
            headers.append((b"Date", formatdate(usegmt=True).encode()))
        self.is_empty = request.method == "HEAD" or status in (204, 304)
        is_new, self._keeps = request.version >= (1, 1), request.keep_alive
        self._is_chunked = False
        if not self.is_empty and "Content-Length" not in told:
            self._is_chunked = is_new
            if is_new:
                headers.append((b"Transfer-Encoding", b"chunked"))
            else:
                self._keeps = False  # the end of the connection is the end of the answer
        if is_new != self._keeps:
            headers.append((b"Connection", b"keep-alive" if self._keeps else b"close"))
        reason = answer.reason or ""
        self._head = b"HTTP/1.1 %d %b\r\n%b\r\n" % (
            status,
            reason.encode("utf-8", "surrogateescape"),
            b"".join([b"%b: %b\r\n" % pair for pair in headers]),
        )

    @property
    def keep_alive(self) -> bool:
        """Whether the connection may be asked again."""
        return self._keeps

    async def send(self, body: bytes = b"") -> None:
        """Write the head, and the body with it if it is known."""
        self._is_begun = True
        await self._writer.write(self._head + body)
        if self._is_chunked:
            self._writer.enable_chunking()

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        """Write the head if nobody has (aiohttp calls this)."""
        if not self._is_begun:
            await self.send()
        return self._writer

    async def write(self, data: Any) -> None:
        """Write a part of the body."""
        await self._writer.write(data)

    async def write_eof(self, data: bytes = b"") -> None:
        """End the answer (aiohttp calls this)."""
        await self._writer.write_eof(data)
