"""Whose a domain is: a TXT record that only its owner can write."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path

from dnslib import DNSError, DNSRecord

from greenroom.errors import DnsUnavailable, InvalidInput

LABEL = "_greenroom"
PREFIX = "greenroom="
TIMEOUT_SECONDS = 5.0
_RESOLVERS = Path("/etc/resolv.conf")


def record_name(host: str) -> str:
    """Give the name of the record that shows whose a domain is."""
    return f"{LABEL}.{host}"


def record_value(token: str) -> str:
    """Give what that record must say."""
    return f"{PREFIX}{token}"


def check_owner(host: str, token: str, server: str | None = None) -> None:
    """Return if the domain's TXT record says what it must.

    ``server`` is a DNS server, ``address`` or ``address:port``; without it, the machine's.

    Errors: InvalidInput when it does not, DnsUnavailable when nobody answers.
    """
    name, wanted = record_name(host), record_value(token)
    found = look_up_texts(name, server)
    if wanted not in found:
        said = f"it says {found[0][:60]!r}" if found else "there is no such record"
        raise InvalidInput(
            f"the TXT record {name} does not show that {host} is yours: {said}",
            hint=f"Let it say {wanted} and try again; a new record may take minutes to be seen.",
        )


def look_up_texts(name: str, server: str | None = None) -> list[str]:
    """Give the TXT records of a name. Source: RFC 1035 section 3.3.14.

    Errors: DnsUnavailable.
    """
    address, port = _server(server)
    question = DNSRecord.question(name, "TXT")
    try:
        raw = question.send(address, port, timeout=TIMEOUT_SECONDS)
        answer = DNSRecord.parse(raw)
        if answer.header.tc:  # it did not fit into a datagram
            answer = DNSRecord.parse(question.send(address, port, tcp=True, timeout=5.0))
    except (OSError, DNSError) as error:
        raise DnsUnavailable(
            f"the DNS server {address} does not answer",
            hint="Name another in GREENROOM_DNS_SERVER.",
        ) from error
    return [
        b"".join(row.rdata.data).decode("utf-8", "replace") for row in answer.rr if row.rtype == 16
    ]


def _server(given: str | None) -> tuple[str, int]:
    if given:
        address, _, port = given.partition(":")
        return address, int(port or 53)
    try:
        lines = _RESOLVERS.read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver":
            address = words[1].partition("%")[0]
            if ipaddress.ip_address(address).version == 4 or socket.has_ipv6:
                return address, 53
    raise DnsUnavailable(
        "this machine names no DNS server", hint="Name one in GREENROOM_DNS_SERVER."
    )
