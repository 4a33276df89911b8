"""Many small files to a bucket that has none, beside ``aws s3 sync``; processes' start included."""

from __future__ import annotations

import tempfile

from benchmarks.asset_rival import aws, memory_server, sync_with_aws
from benchmarks.assets_noop import our_sync
from benchmarks.line import Line

COUNT, SIZE_BYTES, GOAL = 10_000, 4096, 3.0


def run(scale: float = 1.0) -> Line:
    """Copy 10,000 files of 4 KiB within one server; then through us, from one name to another."""
    count = int(COUNT * scale)
    with memory_server(f"shop:{count}:{SIZE_BYTES}") as url, aws() as program:
        with tempfile.TemporaryDirectory() as folder:
            ours = our_sync(url, "shop", "ours", folder)
        rival, version = sync_with_aws(program, url, "shop", "theirs")
    assert ours["copied"] == count
    value = ours["wall_seconds"]
    return Line(
        "assets_small", value, f"s for {count:,} files of {SIZE_BYTES:,} bytes", version, rival,
        f"at least {GOAL:g} times as fast", rival / value >= GOAL,
        {
            "times_as_fast": round(rival / value, 1),
            "files_per_s": round(count / value),
            "peak_mib": round(ours["peak_mib"]),
            "server": "in memory, stands in for S3",
        },
    )  # fmt: skip
