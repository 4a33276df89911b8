"""What a guarded environment that asks for a host gets: a pure decision.

Also the answer to each of its questions for a name. Nothing is ever asked outside for one.
"""

from __future__ import annotations

from dataclasses import dataclass

from dnslib import QTYPE, RCODE, RR, A, DNSError, DNSRecord

from greenroom.egress import (
    DATABASE_HOST,
    MAIL_HOST,
    PROXY_HOST,
    SINK,
    fake_address,
    is_allowed,
)
from greenroom.isolation.payments import live_vendor
from greenroom.store.networks import Inside

TTL_SECONDS = 5
"""Short: what a deployment allows holds soon."""


@dataclass(frozen=True)
class Doors:
    """What the platform itself offers to guarded environments."""

    gateway_port: int
    public_port: int
    """The port of environments' public addresses; 0 where TLS stands before the gateway."""
    database: tuple[str, int] | None = None
    """The server of the environments' databases, where it is reached by TCP."""


@dataclass(frozen=True)
class Passage:
    """Where a connection leads."""

    kind: str
    """world, gateway, database, refused."""
    host: str = ""
    port: int = 0
    reason: str = ""


def decide_passage(inside: Inside, host: str, port: int, doors: Doors) -> Passage:
    """Decide where a connection for ``host`` leads. Pure."""
    host = host.lower().removesuffix(".")
    if not host:
        return Passage("refused", reason="it names no host")
    if host == DATABASE_HOST and doors.database and port == doors.database[1]:
        return Passage("database", *doors.database)
    if host == inside.host and port == doors.public_port:
        return Passage("gateway", "127.0.0.1", doors.gateway_port)
    if not is_allowed(inside.allowed, host, port):
        return Passage("refused", host, port, "egress.allow does not name it")
    vendor = live_vendor(host)
    if vendor:
        return Passage("refused", host, port, f"it is {vendor}'s live address")
    return Passage("world", host, port)


def address_for(inside: Inside, name: str, doors: Doors) -> str:
    """Give the address that a name has inside. Pure."""
    if name in (MAIL_HOST, PROXY_HOST):
        return inside.gateway
    if name == DATABASE_HOST and doors.database:
        return fake_address(name)
    if name == inside.host or any(one.is_for(name, one.port) for one in inside.allowed):
        return fake_address(name)
    return SINK


def answer_question(octets: bytes, inside: Inside, doors: Doors) -> tuple[bytes, str, str]:
    """Answer a question for a name: ``(answer, name, address)``; no answer to what is none. Pure.

    Every name has an IPv4 address and nothing else, so that mail for any host can be captured.
    Source: RFC 1035.
    """
    try:
        asked = DNSRecord.parse(octets)
        if asked.header.qr or not asked.questions:
            return b"", "", ""
        question = asked.questions[0]
        name = str(question.qname).rstrip(".").lower()
        answer = asked.reply()
        address = ""
        if name.endswith((".in-addr.arpa", ".ip6.arpa")):
            answer.header.rcode = RCODE.NXDOMAIN
        elif question.qtype in (QTYPE.A, QTYPE.ANY):
            address = address_for(inside, name, doors)
            answer.add_answer(RR(question.qname, QTYPE.A, rdata=A(address), ttl=TTL_SECONDS))
        return answer.pack(), name, address
    except (DNSError, ValueError, IndexError, KeyError, UnicodeError, TypeError):
        return b"", "", ""
