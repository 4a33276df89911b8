"""The health probe against servers that behave badly."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from greenroom.hosting import health
from greenroom.hosting.ports import free_port, is_free
from greenroom.manifest import Health

pytestmark = pytest.mark.contract
Answer = Callable[[socket.socket], None]


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], str]]:
    servers = []

    def start(answer: Answer) -> str:
        server = socket.create_server(("127.0.0.1", 0))

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    try:
                        connection.recv(65536)
                        answer(connection)
                    except OSError:
                        pass

        thread = threading.Thread(target=accept)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.getsockname()[1]}"

    yield start
    for server, thread in servers:
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)
        server.close()


def says(text: bytes) -> Answer:
    return lambda connection: connection.sendall(text)


def drips(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(100):
        connection.sendall(b"x")
        time.sleep(0.05)


def hangs(connection: socket.socket) -> None:
    connection.settimeout(5)
    connection.recv(1)


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@pytest.mark.parametrize(
    ("answer", "settings", "wrong"),
    [
        (says(OK), Health(), ""),
        (says(OK), Health(text="hell"), ""),
        (says(OK), Health(text="heaven"), "/ answered without the expected text 'heaven'"),
        (says(b"HTTP/1.1 503 No\r\n\r\n"), Health(), "/ answered 503, expected 200"),
        (says(b"HTTP/1.1 302 No\r\nLocation: /x\r\n\r\n"), Health(status=302), ""),
        (says(b""), Health(path="/up"), "/up broke off: RemoteDisconnected"),
        (says(b"SSH-2.0-x\r\n"), Health(), "/ broke off: BadStatusLine"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"), Health(), "/ broke off"),
        (says(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1_000_000), Health(), ""),
        (says(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 1000), Health(), "/ broke off: HTTPException"),
        (drips, Health(), "/ did not answer within"),
        (hangs, Health(), "/ did not answer within"),
    ],
)
def test_what_a_probe_says(
    serve: Callable[[Answer], str], answer: Answer, settings: Health, wrong: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(health, "PROBE_TIMEOUT_SECONDS", 0.5)
    began = time.monotonic()
    found = health.probe(serve(answer), "shop.localhost", settings)
    assert found.startswith(wrong)
    assert bool(found) == bool(wrong)
    assert time.monotonic() - began < 3


def test_a_probe_asks_as_people_do(serve: Callable[[Answer], str]) -> None:
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            connection, _ = server.accept()
            with connection:
                seen.append(connection.recv(65536))
                connection.sendall(OK)

        thread = threading.Thread(target=accept)
        thread.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        assert health.probe(address, "shop.localhost", Health(path="/up?x=1")) == ""
        thread.join(5)
    assert seen[0].startswith(b"GET /up?x=1 HTTP/1.1\r\n")
    assert b"\r\nHost: shop.localhost\r\n" in seen[0]
    assert b"Greenroom-Health" in seen[0]


def test_nothing_listens() -> None:
    address = f"http://127.0.0.1:{free_port()}"
    assert health.probe(address, "x", Health()) == "nothing listens on its port yet"
    assert health.probe("file:///srv", "x", Health()) == ""


def test_a_port_that_is_taken_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not is_free(server.getsockname()[1])
    assert is_free(free_port())
