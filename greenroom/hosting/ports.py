"""Loopback ports for running copies."""

from __future__ import annotations

import random
import socket
from collections.abc import Collection

from greenroom.errors import HostingError

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


def free_port(taken: Collection[int] = ()) -> int:
    """Choose a loopback port that nobody listens on, and that is not in ``taken``.

    Errors: HostingError when a hundred in a row are taken.
    """
    for _ in range(100):
        port = random.randint(FIRST, LAST)  # noqa: S311 - not a secret
        if port not in taken and is_free(port):
            return port
    raise HostingError(f"no port between {FIRST} and {LAST} is free")
