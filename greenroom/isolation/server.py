"""The guard's servers: names, and the gate to what ``egress.allow`` names.

Connections come here by the firewall's redirection; whom they were meant for is told by the address
that the name had inside, by the TLS client's own word (SNI), or by CONNECT. A name is resolved here
once more, by the machine's resolver: what leads to a private address is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import struct
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psutil

from greenroom.egress import DATABASE_HOST, fake_address, is_fake, is_public, server_name
from greenroom.isolation.gates import Doors, Passage, answer_question, decide_passage
from greenroom.isolation.insiders import Insiders
from greenroom.isolation.probes import NOWHERE, PROBE_DOMAIN
from greenroom.settings import Settings
from greenroom.store.networks import Inside

log = logging.getLogger("greenroom.egress")
SO_ORIGINAL_DST = 80
"""Source: linux/netfilter_ipv4.h."""
FIRST_SECONDS, CONNECT_SECONDS, IDLE_SECONDS = 10.0, 10.0, 3600.0
MOST_CONNECTIONS = 200
"""Of one environment."""
MOST_NAMES = 1000
HEAD_OCTETS = 65536
_READ = 65536


class _Refused(Exception):
    """It does not lead anywhere."""


class Servers:
    """Answers names, and passes on what is allowed."""

    def __init__(self, settings: Settings, doors: Doors) -> None:
        self._settings, self._doors = settings, doors
        self.insiders = Insiders()
        self._names: dict[UUID, OrderedDict[str, str]] = {}
        self._open: Counter[UUID] = Counter()

    # Names

    async def answer(self, octets: bytes, address: str) -> bytes:
        """Answer a question for a name; nothing to strangers."""
        inside = await self.insiders.find(address)
        if inside is None:
            return b""
        answer, name, given = answer_question(octets, inside, self._doors)
        if given and is_fake(given):
            known = self._names.setdefault(inside.environment_id, OrderedDict())
            known[given] = name
            known.move_to_end(given)
            if len(known) > MOST_NAMES:
                known.popitem(last=False)
        return answer

    def name_of(self, inside: Inside, address: str) -> str:
        """Tell which name has an address inside."""
        learned = self._names.get(inside.environment_id)
        if learned and address in learned:
            return learned[address]
        known = [inside.host, DATABASE_HOST, *(one.host for one in inside.allowed)]
        return next((host for host in known if fake_address(host) == address), "")

    async def serve_names(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer questions that come by TCP. Source: RFC 7766."""
        address = writer.get_extra_info("peername")[0]
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            while True:
                size = await asyncio.wait_for(reader.readexactly(2), FIRST_SECONDS)
                octets = await reader.readexactly(int.from_bytes(size, "big"))
                answer = await self.answer(octets, address)
                if not answer:
                    break
                writer.write(len(answer).to_bytes(2, "big") + answer)
                await writer.drain()
        writer.close()

    # Connections

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass a connection on, or close it."""
        inside = await self.insiders.find(writer.get_extra_info("peername")[0])
        if inside is None or self._open[inside.environment_id] >= MOST_CONNECTIONS:
            writer.transport.abort()
            return
        self._open[inside.environment_id] += 1
        try:
            await self._pass_on(inside, reader, writer)
        except (_Refused, OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
            pass
        finally:
            self._open[inside.environment_id] -= 1
            with contextlib.suppress(OSError):
                writer.close()

    async def _pass_on(
        self, inside: Inside, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        address, port = _meant_for(writer)
        first, is_asked = b"", port == self._settings.egress_port and not is_fake(address)
        if is_asked:
            host, port = await _read_connect(reader, writer)
        elif port == 443:  # by the client's own word, wherever its name led
            first = await _read_hello(reader)
            host = server_name(first)
        else:
            host = self.name_of(inside, address)
        passage = decide_passage(inside, host, port, self._doors)
        try:
            if passage.kind == "refused":
                self._refuse(inside, host or address, port, passage.reason)
            upstream = await self._connect(inside, passage)
        except _Refused:
            if is_asked:
                await _say(writer, b"403 Forbidden\r\nContent-Length: 0\r\nConnection: close")
            raise
        if is_asked:
            await _say(writer, b"200 Connected")
        if passage.kind == "gateway":
            first = await _one_request(reader, inside.host)
        await _splice(reader, writer, *upstream, first)

    def _refuse(self, inside: Inside, host: str, port: int, reason: str) -> None:
        if not host.endswith(PROBE_DOMAIN) and not host.startswith(NOWHERE):
            self.insiders.refuse(inside, f"{host}:{port}", reason)
        raise _Refused

    async def _connect(
        self, inside: Inside, passage: Passage
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        loop = asyncio.get_running_loop()
        addresses = [passage.host]
        if passage.kind == "world":
            found = await loop.getaddrinfo(passage.host, passage.port, type=socket.SOCK_STREAM)
            addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
            own = _own_addresses()
            if not addresses or any(a in own or not is_public(a) for a in addresses):
                self._refuse(inside, passage.host, passage.port, "it leads to a private address")
        for address in addresses:
            with contextlib.suppress(OSError, TimeoutError):
                return await asyncio.wait_for(
                    asyncio.open_connection(address, passage.port), CONNECT_SECONDS
                )
        raise _Refused


def _own_addresses() -> set[str]:
    return {
        one.address.partition("%")[0] for all_ in psutil.net_if_addrs().values() for one in all_
    }


def _meant_for(writer: asyncio.StreamWriter) -> tuple[str, int]:
    """Tell where a redirected connection was meant to go."""
    try:
        octets = writer.get_extra_info("socket").getsockopt(socket.SOL_IP, SO_ORIGINAL_DST, 16)
        _, port, address = struct.unpack("!HH4s8x", octets)
        return socket.inet_ntoa(address), port
    except OSError:
        own = writer.get_extra_info("sockname")
        return str(own[0]), int(own[1])


async def _read_hello(reader: asyncio.StreamReader) -> bytes:
    """Read a TLS client's first message; what is none is given as it is."""
    async with asyncio.timeout(FIRST_SECONDS):
        first = await reader.readexactly(5)
        if first[0] != 0x16:
            return first
        size = int.from_bytes(first[3:5], "big")
        if size > 16384 + 256:
            raise ValueError("no TLS")
        return first + await reader.readexactly(size)


async def _read_connect(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> tuple[str, int]:
    """Read ``CONNECT host:port``. Source: RFC 9110 section 9.3.6."""
    async with asyncio.timeout(FIRST_SECONDS):
        head = await reader.readuntil(b"\r\n\r\n")
    words = head.split(b"\r\n", 1)[0].split()
    host, _, port = words[1].decode("latin-1").rpartition(":") if len(words) == 3 else ("", "", "")
    if not words or words[0] != b"CONNECT" or not port.isdigit():
        await _say(writer, b"405 Method Not Allowed\r\nAllow: CONNECT\r\nConnection: close")
        raise _Refused
    return host.strip("[]").lower(), int(port)


async def _say(writer: asyncio.StreamWriter, status: bytes) -> None:
    writer.write(b"HTTP/1.1 " + status + b"\r\n\r\n")
    await writer.drain()


async def _one_request(reader: asyncio.StreamReader, host: str) -> bytes:
    """Read the head of a request to the environment itself: one, and to no other host."""
    async with asyncio.timeout(FIRST_SECONDS):
        head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head[:-4].split(b"\r\n")
    kept, hosts = [first], []
    is_upgrade = any(line.lower().startswith(b"upgrade:") for line in lines)
    for line in lines:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"host":
            hosts.append(value.strip().decode("latin-1").partition(":")[0].lower())
        if name.strip().lower() in (b"connection", b"keep-alive") and not is_upgrade:
            continue
        kept.append(line)
    if hosts != [host] or b"://" in first:
        raise _Refused
    return b"\r\n".join([*kept, *([] if is_upgrade else [b"Connection: close"]), b"", b""])


async def _splice(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter,
    up_reader: asyncio.StreamReader, up_writer: asyncio.StreamWriter, first: bytes,
) -> None:  # fmt: skip
    up_writer.write(first)
    try:
        async with asyncio.TaskGroup() as both:
            both.create_task(_pump(reader, up_writer))
            both.create_task(_pump(up_reader, writer))
    except* (OSError, TimeoutError):
        pass
    finally:
        up_writer.transport.abort()


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while octets := await asyncio.wait_for(source.read(_READ), IDLE_SECONDS):
        target.write(octets)
        await target.drain()
    if target.can_write_eof():
        target.write_eof()


class _Names(asyncio.DatagramProtocol):
    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._waiting: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, octets: bytes, address: tuple[str, int]) -> None:
        if len(self._waiting) < MOST_NAMES:
            task = asyncio.ensure_future(self._answer(octets, address))
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)

    async def _answer(self, octets: bytes, address: tuple[str, int]) -> None:
        answer = await self._servers.answer(octets, address[0])
        if answer:
            self._transport.sendto(answer, address)


async def serve(settings: Settings, doors: Doors, keep: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT; ``keep()`` is called often, to keep the rules in place."""
    loop, ended, servers = asyncio.get_running_loop(), asyncio.Event(), Servers(settings, doors)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    every = "0.0.0.0"  # noqa: S104 - the firewall closes these ports to all but guarded networks
    names, _ = await loop.create_datagram_endpoint(
        lambda: _Names(servers), local_addr=(every, settings.egress_dns_port)
    )
    by_tcp = await asyncio.start_server(servers.serve_names, every, settings.egress_dns_port)
    gate = await asyncio.start_server(
        servers.pass_on, every, settings.egress_port, limit=HEAD_OCTETS
    )
    log.info("guarding on ports %d and %d", settings.egress_port, settings.egress_dns_port)
    try:
        while not ended.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), 2)
            await servers.insiders.record()
            await asyncio.to_thread(keep)
    finally:
        names.close()
        by_tcp.close()
        gate.close()
