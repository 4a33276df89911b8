"""Caddy before the gateway, with certificates of a real ACME server at the first handshake."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from greenroom.edge.certificate import measure_certificate
from greenroom.errors import PlatformError
from greenroom.platform.front import ensure_front_token, front_program, render_caddyfile
from greenroom.settings import Settings, process_environment
from tests.conftest import free_port
from tests.contract.gateway.conftest import Bed, Upstream
from tests.contract.test_data_tls import certificate

pytestmark = pytest.mark.contract
HOST = "shop.staging.test"
VALID_SECONDS = 12


@dataclass(frozen=True)
class Authority:
    """A running ACME server that asks back at two ports of ours."""

    directory: str
    root: Path
    http_port: int
    https_port: int


def _start(command: list[str], folder: Path, **environment: str) -> subprocess.Popen[bytes]:
    log = (folder / f"{Path(command[0]).name}.log").open("ab")
    try:
        return subprocess.Popen(
            command, cwd=folder, stdout=log, stderr=log, start_new_session=True,
            env=process_environment(**environment),
        )  # fmt: skip
    finally:
        log.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def _until(condition: Callable[[], Any], what: str, seconds: float = 30) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
    return found


@pytest.fixture(params=["http-01", "tls-alpn-01"])
def authority(
    request: pytest.FixtureRequest, require: Callable[[bool, str, str], None]
) -> Iterator[Authority]:
    """An ACME server that reaches us by one of the two challenges only."""
    for name in ("caddy", "pebble", "pebble-challtestsrv"):
        require(shutil.which(name) is not None, name, "scripts/install-system")
    folder = Path(tempfile.mkdtemp(prefix="gr-acme-"))
    certificate(folder)
    http_port, https_port, api, names, manage = (free_port() for _ in range(5))
    is_http = request.param == "http-01"
    configuration = {
        "listenAddress": f"127.0.0.1:{api}", "managementListenAddress": f"127.0.0.1:{manage}",
        "certificate": "server.crt", "privateKey": "server.key",
        "httpPort": http_port if is_http else free_port(),
        "tlsPort": free_port() if is_http else https_port,
        "certificateValidityPeriod": VALID_SECONDS,
    }  # fmt: skip
    (folder / "pebble.json").write_text(json.dumps({"pebble": configuration}))
    silent = ["-http01", "", "-https01", "", "-tlsalpn01", ""]
    dns = _start(
        ["pebble-challtestsrv", "-dns01", f"127.0.0.1:{names}", "-defaultIPv6", "", *silent,
         "-management", f"127.0.0.1:{free_port()}"],
        folder,
    )  # fmt: skip
    server = _start(
        ["pebble", "-config", "pebble.json", "-dnsserver", f"127.0.0.1:{names}"], folder,
        PEBBLE_VA_NOSLEEP="1", PEBBLE_WFE_NONCEREJECT="0",
    )  # fmt: skip
    trusting = ssl.create_default_context(cafile=str(folder / "server.crt"))

    def issued_by() -> bytes:
        try:
            with urllib.request.urlopen(
                f"https://localhost:{manage}/roots/0", context=trusting
            ) as answer:
                return bytes(answer.read())
        except OSError:
            return b""

    try:
        (folder / "root.pem").write_bytes(_until(issued_by, "the ACME server does not answer"))
        yield Authority(f"https://localhost:{api}/dir", folder, http_port, https_port)
    finally:
        _stop(server)
        _stop(dns)
        shutil.rmtree(folder)


@pytest.fixture
async def fronted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bed]:
    """A gateway behind its front."""

    async def nothing() -> None:
        pass

    home = Path(tempfile.mkdtemp(prefix="gr-front-"))
    settings = Settings(
        home=home, gateway_port=free_port(), tls="acme", front_bind="127.0.0.1",
        http_port=authority.http_port, https_port=authority.https_port,
        acme_directory=authority.directory, acme_root=authority.root / "server.crt",
        base_domain="staging.test",
    )  # fmt: skip
    ensure_front_token(settings)
    bed = Bed(settings)
    monkeypatch.setattr(bed.gateway.routes, "start", nothing)
    await bed.gateway.start()
    program = front_program(settings)
    caddy = await asyncio.to_thread(_start, list(program.command), home, **program.environment)
    try:
        await asyncio.to_thread(
            _until, lambda: _listens(authority.https_port), "the front does not listen"
        )
        yield bed
    finally:
        await asyncio.to_thread(_stop, caddy)
        await bed.stop()
        shutil.rmtree(home)


def _listens(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def _ask(authority: Authority, host: str, *headers: str) -> bytes:
    trusting = ssl.create_default_context(cafile=str(authority.root / "root.pem"))
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", authority.https_port, ssl=trusting, server_hostname=host
    )
    lines = ["GET /a?b=1 HTTP/1.1", f"Host: {host}", "Connection: close", *headers, "", ""]
    writer.write("\r\n".join(lines).encode())
    async with asyncio.timeout(20):
        got = await reader.read()
    writer.close()
    return got


async def test_a_host_gets_its_certificate_at_the_first_handshake(
    fronted: Bed, authority: Authority
) -> None:
    upstream: Upstream = await fronted.app(host=HOST)
    got = await _ask(
        authority, HOST, "X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: gopher",
        "X-Greenroom-Front: guessed",
    )  # fmt: skip
    assert got.startswith(b"HTTP/1.1 200")
    headers = dict(upstream.headers)
    assert headers["host"] == HOST
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert (headers["x-forwarded-proto"], headers["x-forwarded-port"]) == (
        "https", str(authority.https_port),
    )  # fmt: skip
    assert "x-greenroom-front" not in headers
    seen = await asyncio.to_thread(measure_certificate, HOST, authority.https_port)
    assert seen.names == (HOST,)
    assert "Pebble" in seen.issuer
    await _is_renewed(authority, seen.fingerprint)


async def _is_renewed(authority: Authority, before: str) -> None:
    def look() -> bool:
        try:
            return measure_certificate(HOST, authority.https_port).fingerprint != before
        except PlatformError:
            return False

    await asyncio.to_thread(_until, look, "the certificate is not renewed", 2 * VALID_SECONDS + 10)


async def test_an_unknown_host_gets_none(fronted: Bed, authority: Authority) -> None:
    await fronted.app(host=HOST)
    with pytest.raises(PlatformError, match="no certificate"):
        await asyncio.to_thread(
            measure_certificate, "evil.test", authority.https_port, "127.0.0.1", 20
        )


def test_plain_http_is_sent_to_https_and_the_console_may_be_behind_it_too() -> None:
    settings = Settings(home=Path("/x y"), tls="internal", https_port=8443, console_host="c.test")
    text = render_caddyfile(settings, "t0ken")
    assert "redir https://{host}:8443{uri} 308" in text
    assert text.count("tls internal {") == 2
    assert "https://c.test {" in text
    assert text.count("t0ken") == 1
    assert 'file_system "/x y/certificates"' in text


def test_a_configuration_that_caddy_refuses_is_told(
    tmp_path: Path, require: Callable[[bool, str, str], None]
) -> None:
    require(shutil.which("caddy") is not None, "caddy", "scripts/install-system")
    settings = Settings(home=tmp_path, tls="acme", acme_root=tmp_path / "gone.pem")
    with pytest.raises(PlatformError, match="refuses its configuration") as refused:
        front_program(settings)
    assert refused.value.hint
    with pytest.raises(PlatformError, match="not installed"):
        front_program(Settings(home=tmp_path, tls="acme", caddy=tmp_path / "none"))
