"""Ports for running copies, here and at hosts elsewhere."""

from __future__ import annotations

import ipaddress
import random
import socket
from collections.abc import Collection

from greenroom.errors import HostingError
from greenroom.store.machines import Host

FIRST, LAST = 20_000, 31_999
"""Below the range that systems take the ports of outgoing connections from (32768 and up on
Linux, 49152 and up elsewhere): a copy that is down for a moment must find its port free again.
Source: ip_local_port_range, Linux kernel documentation; RFC 6335 section 6."""


def is_free(port: int) -> bool:
    """Whether nobody listens on a loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(taken: Collection[int] = (), *, is_here: bool = True) -> int:
    """Choose a port that is not in ``taken``, and that nobody listens on if it ``is_here``.

    Errors: HostingError when a hundred in a row are taken.
    """
    for _ in range(100):
        port = random.randint(FIRST, LAST)  # noqa: S311 - not a secret
        if port not in taken and (not is_here or is_free(port)):
            return port
    raise HostingError(f"no port between {FIRST} and {LAST} is free")


def address_of(host: Host | None, port: int | str) -> str:
    """Give the address at which the gateway reaches a port that a host publishes. Pure."""
    at = host.address if host else "127.0.0.1"
    return f"http://[{at}]:{port}" if ":" in at else f"http://{at}:{port}"


def binding_of(host: Host | None) -> str:
    """Give what ports are bound to: the address itself where it is a number. Pure."""
    if host is None:
        return "127.0.0.1"
    try:
        ipaddress.ip_address(host.address)
    except ValueError:
        return "0.0.0.0"  # noqa: S104
    return host.address
