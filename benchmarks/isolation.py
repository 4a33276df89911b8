"""Packets that leave the machine while everything is tried that could lead out: none.

The rival is the same container without the guard: it shows that the wire is watched, and the tries
are tries. It needs root, a Docker Engine's programs and busybox.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from benchmarks.edge import needed, running_store
from benchmarks.line import Line
from benchmarks.rig import Rig, Wire
from benchmarks.town import Town, by_socket
from greenroom.isolation.probes import GOT_OUT
from greenroom.store import projects
from greenroom.store.work import database_url, unit_of_work

PORTS = ("mail_port", "mail_starttls_port", "mail_tls_port", "egress_port", "egress_dns_port")


def run() -> Line:
    """Try to get out with the guard, then without it."""
    busybox = Path(needed("busybox"))
    with running_store(*PORTS), contextlib.ExitStack() as stack:
        with unit_of_work() as work:
            projects.add_project(work, "shop", "/srv/shop", actor="benchmark")
        rig = Rig()
        stack.callback(rig.end)
        town = Town(rig, rig.load_image(busybox))
        for name in ("mail", "egress"):
            rig.start_server(name, by_socket(database_url()))
        for name in ("cart", "blog"):
            town.settle(name)
        wire = Wire(rig.outer)
        stack.callback(wire.close)
        wire.packets()
        began = time.monotonic()
        guarded = town.check("cart")
        seconds = time.monotonic() - began
        leaked = len(wire.packets())
        rig.remove_rules()
        town.check("cart")
        without = len(wire.packets())
        for copy in town.copies.values():
            town.runtime.stop(copy.name, 0)
            town.runtime.remove_network(copy.environment_id)
    got_out = sum(one["outcome"] == GOT_OUT for one in guarded.probes)
    tried = len(guarded.probes)
    return Line(
        "isolation", leaked, "packets on the wire", "the same without the guard", without,
        "0 with at least 20 probes", leaked == 0 and got_out == 0 and tried >= 20 and without > 0,
        {
            "probes": tried, "got_out": got_out, "verdict": guarded.verdict,
            "seconds": round(seconds, 1),
        },
    )  # fmt: skip
