"""An environment that a server elsewhere shows, by https: it is asked by its own name."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import aiohttp.connector
import pytest

from greenroom.hosting import health
from greenroom.isolation.selfsigned import ensure_certificate
from greenroom.manifest import Health
from tests.contract.gateway.conftest import Upstream

pytestmark = pytest.mark.contract


async def test_a_server_elsewhere(
    bed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = tmp_path / "tls.pem"
    tls = ensure_certificate(certificate)
    app = Upstream()
    address = await bed.serve(app.handle, tls)
    own = address.removeprefix("https://")
    bed.route(address)
    assert (await bed.ask()).status == 502  # nobody we trust signed its certificate
    assert "broke off" in await asyncio.to_thread(health.probe, address, "shop.localhost", Health())
    assert app.heads == []

    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    trusting = ssl.create_default_context()
    monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", trusting)
    bed.route(address)
    answer = await bed.ask("GET /a%2Fb HTTP/1.1", "X-Forwarded-For: 6.6.6.6", "User-Agent: test")
    assert (answer.status, answer.body) == (200, b"ok")
    assert "noindex" in answer.headers["x-robots-tag"]
    got = dict(app.headers)
    assert (app.target, got["host"], got["user-agent"]) == ("/a%2Fb", own, "test")
    assert not [name for name in got if "forwarded" in name or name == "x-real-ip"]
    await bed.ask("POST / HTTP/1.1", "Content-Length: 2", body=b"hi")
    assert (dict(app.headers)["host"], app.bodies[-1]) == (own, b"hi")

    for told, given in (
        (f"https://{own}/shop/", "/shop/"),
        ("https://elsewhere.test/", "https://elsewhere.test/"),
        (f"https://{own}.evil.test/", f"https://{own}.evil.test/"),
    ):
        head = f"HTTP/1.1 301 Moved\r\nLocation: {told}\r\nContent-Length: 0\r\n\r\n"
        app.answer = head.encode()
        assert (await bed.ask()).headers["location"] == given
    app.answer = Upstream.answer
    assert await asyncio.to_thread(health.probe, address, "shop.localhost", Health()) == ""
    assert dict(app.headers)["host"] == own
