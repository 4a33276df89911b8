"""The body of a client's request: asked for, bounded, read as it comes."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web


class TooLarge(Exception):
    """The upload is larger than is allowed."""


async def chunks_of(request: web.BaseRequest, max_octets: int) -> AsyncIterator[bytes]:
    """Give a request's body piece by piece; a client that waits for leave to send it gets it.

    Errors: TooLarge.
    """
    if (request.content_length or 0) > max_octets:
        raise TooLarge
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # else the answer would be taken for begun
    size = 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        if size > max_octets:
            raise TooLarge
        yield chunk
