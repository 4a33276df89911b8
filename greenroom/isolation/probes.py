"""Tries to get out of a network, from inside of it: a program of its own, in plain Python.

It is started in the network of an environment's container, with more rights than the container has,
reads what to try as JSON, and says of each try how far it came.
Sources: RFC 5737 and RFC 3849 (addresses that belong to nobody), RFC 1035, RFC 8446.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import struct
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

SECONDS = 2.0
MARK = 0x74
"""Type of service of every packet that is sent here: it is kept wherever the packet goes."""
NOWHERE = "192.0.2."
NOWHERE_6 = "2001:db8::1"
PROBE_DOMAIN = ".probe.greenroom"
"""By which the guard knows that it is being tried: that is no wish of the application's."""
OURS = b"Greenroom keeps mail"
SINK = "198.18."
BLOCKED, CAPTURED, OURS_ANSWERED, GOT_OUT = "blocked", "captured", "answered by us", "got out"
Found = tuple[str, str]
"""How far it came, and a word about it."""


def _socket(kind: int, family: int = socket.AF_INET, protocol: int = 0) -> socket.socket:
    made = socket.socket(family, kind, protocol)
    made.settimeout(SECONDS)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, MARK)
    else:
        made.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, MARK)
    return made


def _connected(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = _socket(socket.SOCK_STREAM, family)
    try:
        made.connect((address, port))
    except BaseException:
        made.close()
        raise
    return made


def _why(error: OSError) -> str:
    return "no answer" if isinstance(error, TimeoutError) else (error.strerror or "refused")


def try_tcp(address: str, port: int, say: bytes = b"") -> Found:
    """Connect, say something, and see whether anybody answers."""
    try:
        with _connected(address, port) as made:
            if not say:
                return GOT_OUT, "connected"
            made.sendall(say)
            return (GOT_OUT, "answered") if made.recv(100) else (BLOCKED, "closed by the guard")
    except OSError as error:
        return BLOCKED, _why(error)


def try_mail(address: str, port: int, tls: bool = False) -> Found:
    """Connect as a mail client does, and see who greets."""
    try:
        with _connected(address, port) as made:
            if not tls:
                said = made.recv(200)
            else:
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                with context.wrap_socket(made, server_hostname=address) as wrapped:
                    said = wrapped.recv(200)
    except OSError as error:
        return BLOCKED, _why(error)
    return (CAPTURED, "kept here") if OURS in said else (GOT_OUT, "another server greeted")


def question(name: str, kind: int = 1) -> bytes:
    """Write a question for a name."""
    labels = b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0"
    return struct.pack("!6H", 0x4752, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!2H", kind, 1)


def _address_in(answer: bytes) -> str:
    return socket.inet_ntoa(answer[-4:]) if len(answer) > 12 and answer[7] else ""


def try_name(server: str, name: str, tcp: bool = False) -> Found:
    """Ask a server for a name, and see whose answer comes."""
    asked = question(name)
    try:
        if tcp:
            with _connected(server, 53) as made:
                made.sendall(struct.pack("!H", len(asked)) + asked)
                answer = made.recv(600)[2:]
        else:
            with _socket(socket.SOCK_DGRAM) as made:
                made.sendto(asked, (server, 53))
                answer = made.recv(600)
    except OSError as error:
        return BLOCKED, _why(error)
    address = _address_in(answer)
    if not address:
        return BLOCKED, "no address"
    return (OURS_ANSWERED, address) if address.startswith(SINK) else (GOT_OUT, address)


def try_datagram(address: str, port: int, token: bytes) -> Found:
    """Send a datagram; nobody answers where it went nowhere."""
    try:
        with _socket(socket.SOCK_DGRAM) as made:
            made.sendto(token, (address, port))
            return (GOT_OUT, "answered") if made.recv(100) else (BLOCKED, "")
    except OSError as error:
        return BLOCKED, _why(error)


def try_raw(address: str, protocol: int, octets: bytes) -> Found:
    """Send a packet of another protocol."""
    try:
        with _socket(socket.SOCK_RAW, protocol=protocol) as made:
            made.sendto(octets, (address, 0))
            while True:
                _, sender = made.recvfrom(2000)
                if sender[0] == address:
                    return GOT_OUT, "answered"
    except OSError as error:
        return BLOCKED, _why(error)


def echo_request(token: bytes) -> bytes:
    """Write a ping. Source: RFC 792, RFC 1071."""
    body = struct.pack("!BBHHH", 8, 0, 0, os.getpid() & 0xFFFF, 1) + token[: len(token) & ~1]
    total = sum(struct.unpack(f"!{len(body) // 2}H", body))
    total = (total >> 16) + (total & 0xFFFF)
    total += total >> 16
    return body[:2] + struct.pack("!H", ~total & 0xFFFF) + body[4:]


def hello(name: str) -> bytes:
    """Write the first message of a TLS client that asks for ``name``."""
    inside, outside = ssl.MemoryBIO(), ssl.MemoryBIO()
    made = ssl.create_default_context().wrap_bio(inside, outside, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        made.do_handshake()
    return outside.read()


def plan_probes(order: dict[str, Any]) -> list[tuple[str, str, Callable[[], Found]]]:
    """Plan what is tried: group, words, and the try itself."""
    token: str = order["token"]
    name, gateway = f"{token}{PROBE_DOMAIN}", str(order["gateway"])
    web = f"GET /{token} HTTP/1.0\r\nHost: {name}\r\n\r\n".encode()
    connect = f"CONNECT {name}:443 HTTP/1.1\r\nHost: {name}\r\n\r\n".encode()
    plan: list[tuple[str, str, Callable[[], Found]]] = []

    def add(group: str, words: str, do: Callable[..., Found], *given: Any) -> None:
        plan.append((group, words, lambda: do(*given)))

    for port in (25, 587, 2525):
        add("mail", f"port {port} of a hard-coded address", try_mail, f"{NOWHERE}25", port)
    add("mail", "port 465 with TLS of a hard-coded address", try_mail, f"{NOWHERE}25", 465, True)
    add("mail", "port 587 of a mail service's name", _by_name, order, f"smtp.{name}", 587)
    for port in (80, 8080, 22, 5432):
        add("web", f"port {port} of an address", try_tcp, f"{NOWHERE}80", port, web)
    add("web", "https of an address", try_tcp, f"{NOWHERE}80", 443, hello(name))
    add(
        "web", "https without a name", try_tcp, f"{NOWHERE}80", 443, b"\x16\x03\x01\0\x05\1\0\0\1\0"
    )
    add("web", "http by name", _by_name, order, name, 80, web)
    add("web", "https by name", _by_name, order, name, 443, hello(name))
    add("web", "through the guard's proxy", _by_proxy, order, connect)
    add("dns", "another server's answer (UDP)", try_name, f"{NOWHERE}53", name)
    add("dns", "another server's answer (TCP)", try_name, f"{NOWHERE}53", name, True)
    add("dns", "the engine's own resolver", try_name, "127.0.0.11", f"e.{name}")
    add("dns", "the host's resolver", try_name, gateway, f"h.{name}")
    add("dns", "over TLS", try_tcp, f"{NOWHERE}53", 853, hello(f"dns.{name}"))
    add("dns", "over https", try_tcp, f"{NOWHERE}53", 443, hello(f"dns.{name}"))
    for address in ("169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254"):
        add("metadata", address, try_tcp, address, 80, web)
    for address in order["host_addresses"]:
        for port in order["host_ports"]:
            add("host", f"port {port} at {address}", try_tcp, address, port)
    for address, port in order["siblings"]:
        add("sibling", f"port {port} at {address}", try_tcp, address, port)
    add("ipv6", "an address", try_tcp, NOWHERE_6, 443, hello(name))
    for port in (123, 443, 51820):
        add("udp", f"port {port}", try_datagram, f"{NOWHERE}1", port, token.encode())
    add("udp", "everybody nearby (multicast)", try_datagram, "224.0.0.251", 5353, question(name))
    add("icmp", "ping", try_raw, f"{NOWHERE}1", socket.IPPROTO_ICMP, echo_request(token.encode()))
    add("other", "GRE", try_raw, f"{NOWHERE}1", 47, b"\0\0\x08\0" + token.encode())
    add("other", "SCTP", try_raw, f"{NOWHERE}1", 132, token.encode())
    return plan


def _by_name(order: dict[str, Any], name: str, port: int, say: bytes = b"") -> Found:
    with _socket(socket.SOCK_DGRAM) as made:
        try:
            made.sendto(question(name), ("127.0.0.11", 53))
            address = _address_in(made.recv(600))
        except OSError as error:
            return BLOCKED, f"its name: {_why(error)}"
    if not address:
        return BLOCKED, "the name has no address"
    return try_tcp(address, port, say) if say else try_mail(address, port)


def _by_proxy(order: dict[str, Any], connect: bytes) -> Found:
    if not order.get("proxy_port"):
        return BLOCKED, "there is none"
    try:
        with _connected(str(order["gateway"]), int(order["proxy_port"])) as made:
            made.sendall(connect)
            said = made.recv(100)
            return (GOT_OUT, "it connected") if b" 200 " in said else (BLOCKED, "it refused")
    except OSError as error:
        return BLOCKED, _why(error)


def main() -> None:
    """Try everything at once, and print how far each try came."""
    plan = plan_probes(json.load(sys.stdin))
    with ThreadPoolExecutor(len(plan)) as pool:
        found = list(pool.map(lambda one: one[2](), plan))
    told = [
        {"group": group, "what": what, "outcome": outcome, "detail": detail}
        for (group, what, _), (outcome, detail) in zip(plan, found, strict=True)
    ]
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
