"""Whether a masked copy costs in proportion to what is copied, and what a worker takes of memory.

``python -m benchmarks sync_scale all`` goes up to some 5 GB; by default sizes stay small. The plot
is written to ``sync-scale.svg`` in the folder for temporary files.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg

from benchmarks import data_shop
from benchmarks.cpu import Meter
from benchmarks.line import Line
from benchmarks.postgres import Served, serving
from benchmarks.sync import KEY, columns_of, warm
from greenroom.data import sync as stages
from greenroom.data.load import on_database
from greenroom.data.place import Place, discard_next
from greenroom.data.policy import dump_policy
from greenroom.data.prepare import prepare
from greenroom.data.source import hold_snapshot
from greenroom.data.sync import Job

SMALL, ALL = (0.02, 0.05, 0.1), (0.1, 0.5, 1.0, 2.5, 5.0)
GOAL_RATIO, GOAL_OCTETS = 1.25, 128 << 20
"""Cost of an octet at the largest size to that at the smallest; memory of a reader."""


def run(*, every: bool = False) -> Line:
    """Copy shops of several sizes; the value is how much dearer an octet is in the largest."""
    points = []
    with serving() as made:
        for scale in ALL if every else SMALL:
            with psycopg.connect(made.url, autocommit=True) as connection:
                connection.execute("create database shop")
                shop = on_database(made.url, "shop")
                data_shop.fill(shop, scale)
                if not points:
                    warm(made, shop)
                points.append(_measure(made, shop))
                connection.execute("drop database shop")
    picture = Path(tempfile.gettempdir()) / "sync-scale.svg"
    picture.write_text(_plot(points))
    first, last = (p["cpu_s"] / p["megabytes"] for p in (points[0], points[-1]))
    ratio, octets = last / first, max(p["reader_octets"] for p in points)
    return Line(
        "sync_scale", ratio, "cost of an octet in the largest shop to that in the smallest",
        "a cost in proportion", 1.0, f"<= {GOAL_RATIO:g}; a reader <= {GOAL_OCTETS >> 20} MiB",
        ratio <= GOAL_RATIO and octets <= GOAL_OCTETS,
        {"points": points, "reader_mib": octets >> 20, "plot": str(picture),
         "cores": os.cpu_count()},
    )  # fmt: skip


def _measure(made: Served, shop: str) -> dict[str, float]:
    text = dump_policy(
        data_shop.policy(columns_of(shop), documents=False, texts=False, masked=True)
    )
    place = Place(made.url, "staging")
    with hold_snapshot(shop) as snapshot:
        known = prepare(snapshot.connection, text, KEY, settings=made.settings)
        job = Job(made.settings, shop, snapshot.id, place, known.plan)
        stages.make_tables(job)
        with Meter(made.pid) as meter:
            for part in stages.plan_parts(job, snapshot.connection.info.server_version):
                stages.copy_part(job, part)
        octets = _reader(made, shop, snapshot.id, text)
        row = snapshot.connection.execute("select pg_database_size(current_database())").fetchone()
    discard_next(place)
    return {
        "megabytes": round(int(str(row[0])) / 1e6), "cpu_s": round(meter.total, 2),
        "wall_s": round(meter.wall, 2), "reader_octets": octets,
    }  # fmt: skip


def _reader(made: Served, shop: str, snapshot: str, text: str) -> int:
    """Give what memory a process takes that only copies: at most, beyond what it began with."""
    asked = {"url": made.url, "shop": shop, "snapshot": snapshot, "policy": text,
             "home": str(made.folder), "bin": str(made.programs)}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.sync_reader"], input=json.dumps(asked), text=True,
        check=True, capture_output=True,
    )  # fmt: skip
    return int(done.stdout)


def _plot(points: list[dict[str, float]]) -> str:
    """Draw cost by size. Pure."""
    most_x = max(p["megabytes"] for p in points)
    most_y = max(p["cpu_s"] for p in points)
    places = [(60 + 500 * p["megabytes"] / most_x, 320 - 280 * p["cpu_s"] / most_y) for p in points]
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4"/>' for x, y in places)
    words = "".join(
        f'<text x="{x - 8:.1f}" y="{y - 10:.1f}" text-anchor="end">{p["megabytes"]:,.0f} MB,'
        f" {p['cpu_s']:g} CPU-s</text>"
        for (x, y), p in zip(places, points, strict=True)
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 360" font-family="sans-serif"'
        ' font-size="12"><path d="M60 20V320H580" fill="none" stroke="#888"/>'
        f'<path d="M60 320L560 {places[-1][1]:.1f}" stroke="#bbb" stroke-dasharray="4 4"/>'
        f'<g fill="#06c">{dots}</g>{words}<text x="60" y="345">size of the database</text></svg>'
    )
