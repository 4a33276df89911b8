"""An S3 API in a process of its own, and a way to it on which things go wrong."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from greenroom.assets.places import Bucket
from tests.contract.assets.s3_server import s3_server
from tests.contract.assets.world import ACCESS, Faulty, World


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with s3_server() as url:
        yield url


@pytest.fixture
def world(server: str, tmp_path: Path, request: pytest.FixtureRequest) -> World:
    client = boto3.client(
        "s3", endpoint_url=server, region_name="us-east-1", aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )  # fmt: skip
    stem = f"t{abs(hash(request.node.name)) % 10**9}"
    for name in (f"{stem}-shop", f"{stem}-staging"):
        client.create_bucket(Bucket=name)
    source = Bucket(f"{stem}-shop", "", server, credentials=ACCESS)
    target = Bucket(f"{stem}-staging", "copy/", server, credentials=ACCESS)
    return World(server, client, tmp_path, source, target)


@pytest.fixture
def faulty(server: str) -> Iterator[Faulty]:
    class Way(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            octets = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            way.count += 1
            way.seen.append((self.command, self.path))
            bad = way.wrong(self.command, self.path, way.count)
            if bad is not None:
                status, code = bad
                headers: list[tuple[str, str]] = []
                body = f"<Error><Code>{code}</Code></Error>".encode()
            else:
                status, headers, body = self.ask(octets)
            self.send_response(status)
            for name, value in headers:
                if self.command == "HEAD" and name.lower() == "content-length":
                    self.send_header(name, value)
                if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                    self.send_header(name, value)
            if self.command != "HEAD":
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def ask(self, octets: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            behind = http.client.HTTPConnection(server.removeprefix("http://"), timeout=30)
            with contextlib.closing(behind):
                behind.request(self.command, self.path, octets or None, dict(self.headers))
                got = behind.getresponse()
                return got.status, got.getheaders(), got.read()

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer  # noqa: N815

        def log_message(self, *_: object) -> None: ...

    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Way)
    listener.daemon_threads = True
    way = Faulty(f"http://127.0.0.1:{listener.server_port}", server, lambda *_: None)
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    yield way
    listener.shutdown()
    listener.server_close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let no pause last; tell them."""
    paused: list[float] = []
    monkeypatch.setattr("greenroom.assets.s3.time.sleep", paused.append)
    return paused
