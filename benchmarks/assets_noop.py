"""A pass over files of which none differs, beside ``aws s3 sync``; processes' start included."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from typing import Any

from benchmarks.asset_rival import aws, memory_server, sync_with_aws
from benchmarks.line import Line

COUNT, GOAL = 100_000, 5.0


def run(scale: float = 1.0) -> Line:
    """List both sides of 100,000 files; the first pass knows no stretches, the second does."""
    count = int(COUNT * scale)
    with memory_server(f"shop:{count}:10", f"staging:{count}:10") as url, aws() as program:
        with tempfile.TemporaryDirectory() as folder:
            first, second = (our_sync(url, "shop", "staging", folder) for _ in range(2))
        with tempfile.TemporaryDirectory() as folder:
            tenth = our_sync(url, "small", "small2", folder)
        rival, version = sync_with_aws(program, url, "shop", "staging")
    assert first["same"] == second["same"] == count
    value = max(first["wall_seconds"], second["wall_seconds"])
    return Line(
        "assets_noop", value, f"s for {count:,} files of which none differs", version, rival,
        f"at least {GOAL:g} times as fast", rival / value >= GOAL,
        {
            "times_as_fast": round(rival / value, 1),
            "first_pass_s": round(first["wall_seconds"], 2),
            "next_pass_s": round(second["wall_seconds"], 2),
            "in_process_s": round(first["seconds"], 2),
            "peak_mib": round(first["peak_mib"]),
            "peak_mib_of_none": round(tenth["peak_mib"]),
            "server": "in memory, stands in for S3",
        },
    )  # fmt: skip


def our_sync(url: str, source: str, target: str, folder: str) -> dict[str, Any]:
    """Sync in a process of its own."""
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.asset_child", url, source, target, folder],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    took = time.perf_counter() - begun
    return {**json.loads(done.stdout), "wall_seconds": took}
