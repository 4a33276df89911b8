"""Has everything tried that could lead out of an environment's network, and watches the wire.

``python -m greenroom.isolation check`` does it for an order on its standard input: a program of its
own, so that it can be started in the network that the engine is in.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from greenroom.errors import PlatformError
from greenroom.isolation.probes import GOT_OUT, MARK

PROBES = Path(__file__).with_name("probes.py")
PROBE_SECONDS = 60
SETTLE_SECONDS = 0.3
"""How long after the last try a packet may still be on its way."""
PACKET_OUTGOING = 4
"""Source: packet(7)."""
ETH_P_ALL = 3


@dataclass(frozen=True)
class CheckOrder:
    """What is to be tried, and from where."""

    pid: int
    """A process of the container."""
    bridge: str
    """The interface of its network at the host: what is seen there is no way out."""
    gateway: str
    token: str
    """Occurs nowhere else: by it packets are known again."""
    proxy_port: int = 0
    host_addresses: list[str] = field(default_factory=list)
    host_ports: list[int] = field(default_factory=list)
    siblings: list[tuple[str, int]] = field(default_factory=list)


@dataclass(frozen=True)
class Checked:
    """How it went."""

    probes: list[dict[str, str]]
    packets: int | None
    """Of the probes, seen leaving by any other interface; None where nobody could look."""
    seen: list[str]

    @property
    def verdict(self) -> str:
        """Whether nothing got out, and that was seen."""
        if self.packets or any(one["outcome"] == GOT_OUT for one in self.probes):
            return "open"
        return "proved" if self.packets == 0 else "partly"


def is_ours(packet: bytes, token: bytes) -> str:
    """Tell what a packet of a probe is; empty for everybody else's. Pure.

    Shapes: from the Ethernet header on.
    """
    kind, at = struct.unpack("!H", packet[12:14])[0] if len(packet) > 14 else 0, 14
    if kind == 0x0800 and len(packet) >= at + 20:
        mark, protocol = packet[at + 1], packet[at + 9]
        target = socket.inet_ntop(socket.AF_INET, packet[at + 16 : at + 20])
    elif kind == 0x86DD and len(packet) >= at + 40:
        mark = (packet[at] & 0x0F) << 4 | packet[at + 1] >> 4
        protocol = packet[at + 6]
        target = socket.inet_ntop(socket.AF_INET6, packet[at + 24 : at + 40])
    else:
        return ""
    if mark & 0xFC == MARK or token in packet:
        return f"protocol {protocol} to {target}"
    return ""


class _Watch(threading.Thread):
    """Reads every interface but the network's own, and counts what the probes sent."""

    def __init__(self, order: CheckOrder) -> None:
        super().__init__(daemon=True)
        self.seen: list[str] = []
        self.count = 0
        self._token, self._own = order.token.encode(), _own_interfaces(order.bridge)
        self._ended = threading.Event()
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)

    def run(self) -> None:
        while True:
            ready, _, _ = select.select([self.socket], [], [], 0.1)
            if not ready:
                if self._ended.is_set():
                    return
                continue
            packet, where = self.socket.recvfrom(2048)
            if where[2] != PACKET_OUTGOING or where[0] in self._own:
                continue
            what = is_ours(packet, self._token)
            if what:
                self.count += 1
                if len(self.seen) < 20:
                    self.seen.append(f"{what} by {where[0]}")

    def end(self) -> None:
        self._ended.set()
        self.join()
        self.socket.close()


def _own_interfaces(bridge: str) -> set[str]:
    """Name loopback, the network's bridge and its ports: what is seen there has not left."""
    done = subprocess.run(
        ["ip", "-j", "link", "show", "master", bridge], capture_output=True, text=True
    )
    ports = json.loads(done.stdout or "[]") if done.returncode == 0 else []
    return {"lo", bridge, *(one["ifname"] for one in ports)}


def check_network(order: CheckOrder) -> Checked:
    """Try everything from inside the container's network, and watch the machine's interfaces.

    Errors: PlatformError when its network cannot be entered.
    """
    try:
        watch: _Watch | None = _Watch(order)
    except OSError:
        watch = None
    if watch is not None:
        watch.start()
    try:
        done = subprocess.run(
            ["nsenter", f"--net=/proc/{order.pid}/ns/net", sys.executable, "-I", str(PROBES)],
            input=json.dumps(asdict(order)), capture_output=True, text=True, timeout=PROBE_SECONDS,
        )  # fmt: skip
        time.sleep(SETTLE_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PlatformError(f"the probes did not run: {type(error).__name__}") from error
    finally:
        if watch is not None:
            watch.end()
    if done.returncode:
        raise PlatformError(
            f"the container's network cannot be entered: {done.stderr.strip()[-300:]}",
            hint="The check needs root on the machine of the Docker Engine.",
        )
    probes: list[dict[str, str]] = json.loads(done.stdout)
    return Checked(probes, watch.count if watch else None, watch.seen if watch else [])


def run_check(order: CheckOrder) -> Checked:
    """Do :func:`check_network` in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "greenroom.isolation", "check"],
        input=json.dumps(asdict(order)), capture_output=True, text=True, timeout=2 * PROBE_SECONDS,
    )  # fmt: skip
    return read_checked(done.returncode, done.stdout, done.stderr)


def read_checked(code: int, said: str, complaint: str) -> Checked:
    """Read what the program of its own said.

    Errors: PlatformError.
    """
    if code:
        raise PlatformError(f"the check did not run: {complaint.strip()[-300:]}")
    return Checked(**json.loads(said))


def main() -> None:
    """Check what the standard input orders, and print how it went."""
    told: dict[str, Any] = json.load(sys.stdin)
    told["siblings"] = [tuple(one) for one in told["siblings"]]
    json.dump(asdict(check_network(CheckOrder(**told))), sys.stdout)
