"""Wake an environment before a program of ours, or a guest, visits it."""

from __future__ import annotations

import contextlib
import http.client

from greenroom.settings import load_settings

WAKE = "/_greenroom/wake"
"""Answered by the gateway, on an environment's host, to this machine only, once it is awake."""
PATIENCE_SECONDS = 60.0


def wake(host: str, timeout_seconds: float = PATIENCE_SECONDS) -> bool:
    """Wake the environment of a host, and wait for it; False when the gateway cannot.

    Idempotent: one that is awake answers at once.
    """
    port = load_settings().gateway_port
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_seconds)
    with contextlib.suppress(OSError, http.client.HTTPException):
        try:
            connection.request("GET", WAKE, headers={"Host": host, "User-Agent": "Greenroom"})
            with connection.getresponse() as answer:
                answer.read()
                return answer.status == 200
        finally:
            connection.close()
    return False
