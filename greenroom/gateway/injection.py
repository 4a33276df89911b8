"""The overlay's script, put into HTML documents as they stream to a visitor who may comment.

Nothing else of a page changes. What cannot be read (an unknown or broken coding, UTF-16, a
fragment) goes through as it came.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Protocol

from aiohttp import web
from aiohttp.streams import StreamReader
from multidict import CIMultiDict, CIMultiDictProxy

from greenroom.gateway import csp
from greenroom.gateway.codings import Broken, Coding, coding_of
from greenroom.gateway.htmlhead import HtmlHead
from greenroom.gateway.visitors import is_navigation
from greenroom.previews import OVERLAY

_WIDE = re.compile(r"charset\s*=\s*[\"']?\s*(utf-?16|utf-?32|ucs-)", re.IGNORECASE)
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
_DROPPED = frozenset(
    {
        b"content-length", b"etag", b"last-modified", b"accept-ranges", b"content-md5", b"digest",
        b"content-digest", b"repr-digest", b"cache-control", b"expires", b"transfer-encoding",
    }
)  # fmt: skip
"""What tells of the octets as they were, or lets others than this visitor keep them."""
_CONDITIONS = frozenset(
    {b"if-none-match", b"if-modified-since", b"if-range", b"range", b"if-match"}
)  # fmt: skip
_KEPT_BY_NOBODY = re.compile(rb"no-store", re.IGNORECASE)


class Head(Protocol):
    """The head of an answer."""

    @property
    def status(self) -> int:
        """The status code."""

    @property
    def reason(self) -> str | None:
        """What stands after it."""

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """The headers as text."""

    @property
    def raw_headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """The headers, octet for octet."""


class Answered(Head, Protocol):
    """An environment's answer, as both ways of asking give it."""

    @property
    def content(self) -> StreamReader:
        """The body as it comes."""


class Altered:
    """The head of an answer whose body was changed."""

    def __init__(self, answer: Answered, raw: tuple[tuple[bytes, bytes], ...]) -> None:
        self.status, self.reason, self.raw_headers = answer.status, answer.reason, raw
        self.headers: CIMultiDictProxy[str] = CIMultiDictProxy(
            CIMultiDict([(k.decode("latin-1"), v.decode("latin-1")) for k, v in raw])
        )


def wants_document(request: web.BaseRequest) -> bool:
    """Whether a browser asks for a page to show; a script that asks for a fragment does not."""
    is_script = "X-Requested-With" in request.headers or "HX-Request" in request.headers
    return request.method == "GET" and is_navigation(request) and not is_script


def without_conditions(request: web.BaseRequest) -> web.BaseRequest:
    """Ask for the whole page: a visitor's browser may have it from before it could comment."""
    kept = [pair for pair in request.raw_headers if pair[0].lower() not in _CONDITIONS]
    if len(kept) == len(request.raw_headers):
        return request
    headers = CIMultiDict(
        (k.decode("utf-8", "surrogateescape"), v.decode("utf-8", "surrogateescape"))
        for k, v in kept
    )
    message = request._message._replace(
        headers=CIMultiDictProxy(headers), raw_headers=tuple(kept)
    )  # fmt: skip
    return web.BaseRequest(
        message, request._payload, request._protocol, request._payload_writer, request._task,
        request._loop,
    )  # fmt: skip


def is_document(answer: Head) -> bool:
    """Whether an answer is an HTML page that can be read, by its head."""
    told = answer.headers
    kind = told.get("Content-Type", "")
    return (
        answer.status not in (204, 206, 304)
        and kind.partition(";")[0].strip().lower() == "text/html"
        and not _WIDE.search(kind)
        and not told.get("Content-Disposition", "").strip().lower().startswith("attachment")
        and len(told.getall("Content-Encoding", ())) <= 1
    )


class Document:
    """One answer on its way: held until it is known what it is, then passed on."""

    def __init__(self, answer: Answered, address: str) -> None:
        self._answer, self._held = answer, bytearray()
        self._coding: Coding | None = coding_of(answer.headers.get("Content-Encoding", ""))
        policies = _policies(answer, csp.HEADERS[:1]) + _policies(answer, csp.HEADERS[1:])
        self._nonce = csp.own_nonce(", ".join(policies)) or secrets.token_urlsafe(18)
        self._admit = partial(csp.admit, nonce=self._nonce, address=address + OVERLAY)
        self._html = HtmlHead(script_tag(self._nonce), self._admit)
        self._is_open = self._coding is not None and csp.may_run(
            ", ".join(_policies(answer, csp.HEADERS[:1]))
        )
        self._first = b""

    def is_decided(self, data: bytes) -> bool:
        """Take a part of the body; whether the head may be sent now."""
        self._held += data
        if self._coding is not None and self._is_open:
            try:
                plain = b"".join(self._coding.undo(data))
            except Broken:
                self._is_open = False
            else:
                if len(self._held) >= 2 and self._held.startswith(_WIDE_MARKS):
                    self._is_open = False
                self._first = self._html.feed(plain)
                if self._html.is_document is False:
                    self._is_open = False
        return not self._is_open or self._html.is_document is True

    @property
    def is_altered(self) -> bool:
        """Whether the script went in."""
        return self._is_open and self._html.is_document is True

    @property
    def head(self) -> Head:
        """Give the answer's head as it is to be sent."""
        if not self.is_altered:
            return self._answer
        raw, is_secret = [], False
        for name, value in self._answer.raw_headers:
            low = name.lower()
            if low == b"cache-control" and _KEPT_BY_NOBODY.search(value):
                is_secret = True
            if low in csp.HEADERS:
                admitted = self._admit(value.decode("latin-1"))
                raw.append((name, admitted.encode("latin-1")))
            elif low not in _DROPPED:
                raw.append((name, value))
        kept = b"no-store" if is_secret else b"private, no-cache"
        raw.append((b"Cache-Control", kept))
        return Altered(self._answer, tuple(raw))

    async def body(self, more: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Give the body: what was held, then the rest as it comes.

        Errors: Broken when the coding breaks off in the middle.
        """
        coding = self._coding
        if coding is None or not self.is_altered:
            if self._held:
                yield bytes(self._held)
            async for data in more:
                yield data
            return
        self._held.clear()
        yield coding.do(self._first) + coding.flush()
        async for data in more:
            for plain in coding.undo(data):
                coded = coding.do(self._html.feed(plain))
                if coded:
                    yield coded
            if late := coding.flush():
                yield late
        yield coding.do(self._html.end()) + coding.end()


def script_tag(nonce: str) -> bytes:
    """Give the tag that goes into the page."""
    return f'<script async nonce="{nonce}" src="{OVERLAY}"></script>'.encode()


def with_overlay(page: bytes) -> bytes:
    """Put the script into a whole page of a static site, which has no header policies."""
    if page.startswith(_WIDE_MARKS):
        return page
    nonce = secrets.token_urlsafe(18)
    head = HtmlHead(script_tag(nonce), partial(csp.admit, nonce=nonce, address=OVERLAY))
    made = head.feed(page)
    return made + head.end() if head.is_document else page


def is_page(path: Path) -> bool:
    """Whether a file of a static site is a page."""
    return path.suffix.lower() in (".html", ".htm")


def _policies(answer: Answered, names: tuple[bytes, ...]) -> list[str]:
    return [value.decode("latin-1") for name, value in answer.raw_headers if name.lower() in names]
