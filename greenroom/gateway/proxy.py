"""Plain requests: streamed to the environment and back, nothing kept in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web
from yarl import URL

from greenroom.gateway import pages
from greenroom.gateway.codings import Broken
from greenroom.gateway.exchange import Answer, ask
from greenroom.gateway.front import Outside
from greenroom.gateway.headers import for_upstream
from greenroom.gateway.injection import (
    Document,
    is_document,
    wants_document,
    without_conditions,
)
from greenroom.gateway.relay import Relay
from greenroom.gateway.routes import Target
from greenroom.gateway.uploads import TooLarge, chunks_of
from greenroom.gateway.upstream import Upstream
from greenroom.settings import Settings

SMALL = 64 * 1024
"""Answers up to this many octets are sent in one write."""
ATTEMPTS = 3
"""A kept connection may die in the moment of its use: what is safe is asked again."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def upstream_url(upstream: Upstream, request: web.BaseRequest) -> URL:
    """Give the address of a request at its upstream, its path octet for octet as it came."""
    return URL(upstream.next_place() + request.raw_path, encoded=True)


def _own_name(target: Target) -> str:
    return target.upstream.own_name if target.upstream else ""


class Proxy:
    """Forwards requests."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.outside = Outside(settings)

    async def forward(
        self,
        request: web.BaseRequest,
        target: Target,
        upstream: Upstream,
        *,
        with_overlay: bool = False,
    ) -> web.StreamResponse:
        """Forward one request and its answer; put the overlay into a page that is shown."""
        is_page = with_overlay and wants_document(request)
        asked = without_conditions(request) if is_page else request
        if (request.content_length or 0) > self.settings.upload_max_bytes:
            return pages.too_large(request, self.settings.upload_max_bytes)
        attempts = ATTEMPTS if not request.body_exists and request.method in _SAFE else 1
        with upstream:
            for attempt in range(attempts):
                try:
                    answer: Answer | aiohttp.ClientResponse
                    if request.body_exists:
                        answer = await self._upload(request, upstream)
                    else:
                        answer = await ask(
                            upstream, asked, self.outside, self.settings.answer_seconds
                        )
                except (
                    aiohttp.ServerDisconnectedError,
                    aiohttp.ClientOSError,
                ) as error:
                    stale = not isinstance(error, aiohttp.ClientConnectorError)
                    if stale and attempt + 1 < attempts:
                        continue
                    return pages.not_reached(request)
                except TimeoutError:
                    return pages.too_slow(request)
                except aiohttp.ClientError as error:
                    if isinstance(error.__cause__, TooLarge):
                        return pages.too_large(request, self.settings.upload_max_bytes)
                    return pages.not_reached(request)
                if is_page and is_document(answer):
                    return await self._send_page(request, target, answer)
                return await self._send_back(request, target, answer)
        return pages.not_reached(request)

    async def _upload(self, request: web.BaseRequest, upstream: Upstream) -> aiohttp.ClientResponse:
        async with asyncio.timeout(self.settings.answer_seconds) as patience:
            return await upstream.session.request(
                request.method,
                upstream_url(upstream, request),
                headers=for_upstream(request, self.outside, upstream.own_name),
                data=self._body(request, patience),
                allow_redirects=False,
            )

    async def _body(
        self, request: web.BaseRequest, patience: asyncio.Timeout
    ) -> AsyncIterator[bytes]:
        """Pass an upload on as it comes; the time for the answer counts from its end."""
        moment = asyncio.get_running_loop().time
        patience.reschedule(moment() + self.settings.stalled_seconds)
        async for chunk in chunks_of(request, self.settings.upload_max_bytes):
            patience.reschedule(moment() + self.settings.stalled_seconds)
            yield chunk
        patience.reschedule(moment() + self.settings.answer_seconds)

    async def _send_back(
        self, request: web.BaseRequest, target: Target, answer: Answer | aiohttp.ClientResponse
    ) -> web.StreamResponse:
        back = Relay(request, answer, noindex=not target.is_production, own_name=_own_name(target))
        length = answer.content_length
        try:
            if back.is_empty:
                await back.send()
            elif length is not None and length <= SMALL:
                await back.send(await answer.read())
            else:
                await back.send()
                await self._stream(answer, back)
            return back  # aiohttp ends it
        except (aiohttp.ClientError, ConnectionError, TimeoutError):
            # The answer broke off: so must ours, or the client would take a half for the whole.
            if request.transport is not None:
                request.transport.abort()
            raise asyncio.CancelledError from None
        finally:
            answer.release()

    async def _send_page(
        self, request: web.BaseRequest, target: Target, answer: Answer | aiohttp.ClientResponse
    ) -> web.StreamResponse:
        """Pass a page on with the overlay's script in it, as it comes."""
        document = Document(answer, f"{self.outside.scheme}://{request.headers.get('Host', '')}")
        parts = answer.content.iter_any()
        try:
            async for part in parts:
                if document.is_decided(part):
                    break
            back = Relay(
                request, document.head, noindex=not target.is_production,
                own_name=_own_name(target),
            )  # fmt: skip
            await back.send()
            async for made in document.body(parts):
                await back.write(made)
            return back
        except (aiohttp.ClientError, ConnectionError, TimeoutError, Broken):
            if request.transport is not None:
                request.transport.abort()
            raise asyncio.CancelledError from None
        finally:
            answer.release()

    async def _stream(
        self, answer: Answer | aiohttp.ClientResponse, back: web.StreamResponse
    ) -> None:
        """Pass an answer on as it comes; a client that takes nothing of it is left."""
        moment = asyncio.get_running_loop().time
        async with asyncio.timeout(None) as patience:
            async for chunk in answer.content.iter_any():
                patience.reschedule(moment() + self.settings.stalled_seconds)
                await back.write(chunk)
                patience.reschedule(None)
