"""Headers on their way through: what stays, what goes, what is ours."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

from greenroom.gateway.front import Outside
from greenroom.previews import COOKIE, TOKEN_HEADER
from greenroom.settings import FRONT_HEADER

HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Source: RFC 9110 section 7.6.1 and RFC 2616 section 13.5.1."""
FORWARDED = frozenset(
    {
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-proto",
        "x-forwarded-server",
        "x-real-ip",
        FRONT_HEADER.lower(),
        TOKEN_HEADER.lower(),
    }
)
"""Ours to say: a client's own are dropped, else it could pose as another address."""
_RAW_DROPPED = frozenset(name.encode() for name in HOP_BY_HOP | FORWARDED | {"expect"})
_RAW_HOP_BY_HOP = frozenset(name.encode() for name in HOP_BY_HOP)
_RAW_NOINDEX = _RAW_HOP_BY_HOP | {b"x-robots-tag"}
RawHeaders = list[tuple[bytes, bytes]]
_PASS = COOKIE.encode()
_USUAL = frozenset({"keep-alive", "close", "Keep-Alive", "Close"})
"""Values of Connection that name no header but those that are always dropped."""


def _dropped(headers: CIMultiDictProxy[str], always: frozenset[bytes]) -> frozenset[bytes]:
    """Add to what is always dropped the names that Connection declares hop-by-hop."""
    values = headers.getall("Connection", None)
    if values is None or (len(values) == 1 and values[0] in _USUAL):
        return always
    return always | {
        name.strip().lower().encode("utf-8", "surrogateescape")
        for value in values
        for name in value.split(",")
    }


def raw_for_upstream(request: web.BaseRequest, outside: Outside, own_name: str = "") -> RawHeaders:
    """Give the headers of a request as the environment gets them, octet for octet.

    A name with ``_`` is judged as if it had ``-``: CGI and WSGI take them for the same.
    A server elsewhere is asked by its ``own_name``, and is told nothing of whoever asks.
    """
    dropped = _dropped(request.headers, _RAW_DROPPED)
    kept = [
        pair
        for pair in request.raw_headers
        if pair[0].lower() not in dropped
        and (b"_" not in pair[0] or pair[0].lower().replace(b"_", b"-") not in dropped)
    ]
    if COOKIE in request.headers.get("Cookie", ""):
        kept = _without_pass(kept)
    if own_name:
        named = [pair for pair in kept if pair[0].lower() != b"host"]
        return [(b"Host", own_name.encode()), *named]
    client = outside.client(request).encode("utf-8", "surrogateescape")
    kept += (
        (b"X-Forwarded-For", client),
        (b"X-Real-IP", client),
        (b"X-Forwarded-Proto", outside.scheme.encode()),
        (b"X-Forwarded-Host", request.headers.get("Host", "").encode("utf-8", "surrogateescape")),
        (b"X-Forwarded-Port", outside.port.encode()),
    )
    return kept


def _without_pass(pairs: RawHeaders) -> RawHeaders:
    """Leave out our own cookie: who holds it could look, and comment, in its owner's name."""
    kept = []
    for name, value in pairs:
        if name.lower() == b"cookie" and _PASS in value:
            parts = [p for p in value.split(b";") if _PASS not in p.partition(b"=")[0]]
            value = b";".join(parts).strip()
            if not value:
                continue
        kept.append((name, value))
    return kept


def for_upstream(
    request: web.BaseRequest, outside: Outside, own_name: str = ""
) -> CIMultiDict[str]:
    """Give the same headers as aiohttp's client takes them."""
    return CIMultiDict(
        [
            (name.decode("utf-8", "surrogateescape"), value.decode("utf-8", "surrogateescape"))
            for name, value in raw_for_upstream(request, outside, own_name)
        ]
    )


def raw_for_client(
    headers: CIMultiDictProxy[str], raw: Iterable[tuple[bytes, bytes]], *, noindex: bool,
    own_name: str = "",
) -> RawHeaders:  # fmt: skip
    """Give the headers of an answer as the client gets them, octet for octet.

    ``noindex`` takes away what the environment itself tells search engines. Where a server
    elsewhere sends people to its ``own_name``, they stay with us.
    """
    dropped = _dropped(headers, _RAW_NOINDEX if noindex else _RAW_HOP_BY_HOP)
    kept = [pair for pair in raw if pair[0].lower() not in dropped]
    if own_name and "Location" in headers:
        theirs = f"https://{own_name}/".encode()
        kept = [
            (name, b"/" + value[len(theirs) :])
            if name.lower() == b"location" and value.startswith(theirs)
            else (name, value)
            for name, value in kept
        ]
    return kept
