"""What a guarded environment may reach: the entries of ``egress.allow``. Pure.

Inside a guarded network every name has an address, and none is its real one. A name that nothing
allows has the address of the sink: mail to it is captured, all else refused. An allowed name has an
address of its own, by which the guard knows what was asked for, whatever the protocol.
Source: RFC 2544 and RFC 6890: 198.18.0.0/15 is routed nowhere.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

FAKE_NETWORK = ipaddress.IPv4Network("198.18.0.0/15")
SINK = str(FAKE_NETWORK[1])
MAIL_HOST = "mail.greenroom"
"""Inside a guarded network: the mail server."""
PROXY_HOST = "egress.greenroom"
"""Inside a guarded network: the proxy, for applications that want one (CONNECT)."""
DATABASE_HOST = "postgres.greenroom"
"""Inside a guarded network: the server of the environment's own database."""
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""Source: RFC 6052 section 2.1."""


@dataclass(frozen=True)
class Allowed:
    """A host that may be reached, at one port."""

    host: str
    """A name in lower case; ``*.`` before it allows every name below, but not itself."""
    port: int

    def __str__(self) -> str:
        """Give it as ``egress.allow`` has it."""
        return f"{self.host}:{self.port}"

    def is_for(self, host: str, port: int) -> bool:
        """Whether it allows ``host`` at ``port``."""
        if port != self.port:
            return False
        if self.host.startswith("*."):
            return host.endswith(self.host[1:]) and len(host) > len(self.host) - 1
        return host == self.host


def parse_allowed(text: str) -> Allowed:
    """Read an entry: ``host``, ``host:port`` (443 without one), ``*.host:port``.

    Errors: ValueError with what is wrong, as the end of a sentence.
    """
    host, colon, told = text.strip().lower().partition(":")
    host = host.removesuffix(".")
    if colon and not (told.isascii() and told.isdigit() and 0 < int(told) < 65536):
        raise ValueError("has no port from 1 to 65535 after its colon")
    bare = host.removeprefix("*.")
    if re.fullmatch(r"[0-9.]+", bare) or text.count(":") > 1:
        raise ValueError("is an address; only names are allowed, so that a certificate tells whose")
    labels = bare.split(".")
    if len(bare) > 253 or len(labels) < 2 or not all(_LABEL.fullmatch(one) for one in labels):
        raise ValueError("is no full host name, like api.partner.example")
    if labels[-1] in ("local", "localhost", "internal", "greenroom", "arpa", "home", "lan"):
        raise ValueError("is a name of a private network")
    port = int(told) if colon else 443
    if port in (25, 465, 587, 2525):
        raise ValueError("is a port of mail, which is captured and never sent")
    return Allowed(host, port)


def is_allowed(entries: Iterable[Allowed], host: str, port: int) -> bool:
    """Whether any entry allows ``host`` at ``port``."""
    host = host.lower().removesuffix(".")
    return any(entry.is_for(host, port) for entry in entries)


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet, also inside of IPv6's disguises."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo or (None, None))[1]
        if found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None and not is_public(str(inner)):
            return False
    return found.is_global and not found.is_multicast and not found.is_reserved


def fake_address(host: str) -> str:
    """Give the address that stands for an allowed name inside: always the same.

    Two names may meet in one; the guard then tells them apart by what they ask for, or refuses.
    """
    number = int.from_bytes(hashlib.sha256(host.encode()).digest()[:4], "big")
    return str(FAKE_NETWORK[2 + number % (FAKE_NETWORK.num_addresses - 3)])


def is_fake(address: str) -> bool:
    """Whether an address is one that the guard gave."""
    return ipaddress.ip_address(address) in FAKE_NETWORK


def server_name(hello: bytes) -> str:
    """Read whom a TLS client asks for; empty where it does not say, or speaks no TLS.

    Source: RFC 8446 section 4.1.2 (ClientHello), RFC 6066 section 3 (server_name).
    """
    try:
        if hello[0] != 0x16 or hello[5] != 0x01:
            return ""
        at = 5 + 4 + 2 + 32
        at += 1 + hello[at]  # session id
        at += 2 + int.from_bytes(hello[at : at + 2], "big")  # cipher suites
        at += 1 + hello[at]  # compression methods
        end = at + 2 + int.from_bytes(hello[at : at + 2], "big")
        at += 2
        while at + 4 <= end:
            kind = int.from_bytes(hello[at : at + 2], "big")
            size = int.from_bytes(hello[at + 2 : at + 4], "big")
            if kind == 0:
                length = int.from_bytes(hello[at + 7 : at + 9], "big")
                name = hello[at + 9 : at + 9 + length]
                return name.decode("ascii").lower() if len(name) == length else ""
            at += 4 + size
    except (IndexError, UnicodeDecodeError):
        pass
    return ""
