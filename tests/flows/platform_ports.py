"""Ports for a platform under test."""

from __future__ import annotations

import random
import socket

PORTS = (
    "GATEWAY", "CONSOLE", "PREFECT", "POSTGRES", "MAIL", "MAIL_STARTTLS",
    "MAIL_TLS", "EGRESS", "EGRESS_DNS", "API",
)  # fmt: skip


def choose_port() -> int:
    """Choose a port below those that the system gives to outgoing connections."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
