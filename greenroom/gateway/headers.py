"""Headers on their way through: what stays, what goes, what is ours."""

from __future__ import annotations

from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

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
    }
)
"""Ours to say: a client's own are dropped, else it could pose as another address."""
_REQUEST_DROPPED = HOP_BY_HOP | FORWARDED | {"expect"}


def _named(headers: CIMultiDictProxy[str]) -> set[str]:
    """Give the names that Connection declares hop-by-hop."""
    return {
        name.strip().lower()
        for value in headers.getall("Connection", ())
        for name in value.split(",")
    }


def for_upstream(request: web.BaseRequest, scheme: str, port: str) -> CIMultiDict[str]:
    """Give the headers of a request as the environment gets them."""
    dropped = _REQUEST_DROPPED
    if "Connection" in request.headers:
        dropped = dropped | _named(request.headers)
    kept = CIMultiDict([(k, v) for k, v in request.headers.items() if k.lower() not in dropped])
    client = request.remote or ""
    kept["X-Forwarded-For"] = client
    kept["X-Real-IP"] = client
    kept["X-Forwarded-Proto"] = scheme
    kept["X-Forwarded-Host"] = request.headers.get("Host", "")
    kept["X-Forwarded-Port"] = port
    return kept


def for_client(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """Give the headers of an answer as the client gets them."""
    dropped = HOP_BY_HOP
    if "Connection" in headers:
        dropped = dropped | _named(headers)
    return CIMultiDict([(k, v) for k, v in headers.items() if k.lower() not in dropped])
