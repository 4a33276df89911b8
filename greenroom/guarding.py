"""The egress guard as others see it: its ports, and whether it stands on this machine.

Who installs it (``greenroom.isolation.guard``) writes ``<home>/run/guard.json``; whoever starts a
container or an environment's server reads it here.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from greenroom.names import digest_tail, guarded_prefix
from greenroom.settings import Settings

CAP_NET_ADMIN = 12
"""Source: linux/capability.h."""


@dataclass(frozen=True)
class Guard:
    """One platform's guard: which interfaces it keeps, and where its servers listen."""

    prefix: str
    """Of the names of the interfaces of guarded networks."""
    label: str
    """Of its rules: one platform's are told from another's by it."""
    mail_port: int
    mail_starttls_port: int
    mail_tls_port: int
    proxy_port: int
    dns_port: int
    backend: str = ""
    """nftables or iptables; empty while it is not installed."""

    @property
    def ports(self) -> tuple[int, ...]:
        """Every TCP port of the host that a guarded environment reaches."""
        return (
            self.mail_port, self.mail_starttls_port, self.mail_tls_port, self.proxy_port,
            self.dns_port,
        )  # fmt: skip


def plan_guard(settings: Settings) -> Guard:
    """Plan the guard of a platform. Pure."""
    return Guard(
        prefix=guarded_prefix(str(settings.home)),
        label=f"greenroom_{digest_tail(str(settings.home), 6)}",
        mail_port=settings.mail_port,
        mail_starttls_port=settings.mail_starttls_port,
        mail_tls_port=settings.mail_tls_port,
        proxy_port=settings.egress_port,
        dns_port=settings.egress_dns_port,
    )


def why_impossible(settings: Settings) -> str:
    """Say why this machine can have no guard; empty where it can."""
    if settings.egress_guard == "off":
        return "it is switched off (GREENROOM_EGRESS_GUARD=off)"
    if sys.platform != "linux":
        return "it needs Linux: Docker Desktop keeps containers in a machine of its own"
    if not _may_change_networks():
        return "it needs root: the platform runs as an ordinary user"
    if settings.docker_host and not settings.docker_host.startswith("unix://"):
        return "the Docker Engine is on another machine"
    if not (shutil.which("nft") or shutil.which("iptables-restore")):
        return "neither nftables nor iptables is installed"
    return ""


def _may_change_networks() -> bool:
    if os.geteuid() != 0:
        return False
    with Path("/proc/self/status").open() as status:
        told = next((line for line in status if line.startswith("CapEff:")), "CapEff: 0")
    return bool(int(told.split()[1], 16) & (1 << CAP_NET_ADMIN))


def _file(settings: Settings) -> Path:
    return settings.path("run", "guard.json")


def installed_guard(settings: Settings) -> Guard | None:
    """Give the guard that stands; None where none does."""
    try:
        told = json.loads(_file(settings).read_text())
        return Guard(**told["guard"]) if told.get("guard") else None
    except (OSError, ValueError, TypeError):
        return None


def why_unguarded(settings: Settings) -> str:
    """Say why no guard stands; empty where one does."""
    try:
        return str(json.loads(_file(settings).read_text())["reason"])
    except (OSError, ValueError, KeyError):
        return "the platform has not been started since there is a guard"


def record_guard(settings: Settings, guard: Guard | None, reason: str = "") -> None:
    """Record that a guard stands, or why none does. Idempotent."""
    file = _file(settings)
    file.parent.mkdir(parents=True, exist_ok=True)
    made = file.with_suffix(".new")
    made.write_text(json.dumps({"guard": asdict(guard) if guard else None, "reason": reason}))
    made.replace(file)
