"""Run a benchmark anew: ``python -m benchmarks <name>``; without a name, all of them.

``python -m benchmarks sync 0.05`` sets the scale of one that has a scale;
``python -m benchmarks visual_noise --whole`` does all that its goal is about, ``visual_noise 3``
three of its runs.
"""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

NAMES = (
    "deploy", "rollback", "switch", "gateway", "first_run", "leak_scan", "text", "pii_quality",
    "clone", "sync",
    "torture", "diff", "visual_seeded", "visual_changes", "visual_noise", "capture",
    "reanchor", "overlay", "live_comments",
    "assets_noop", "assets_small",
    "wake", "density", "certificate", "chaos", "kinds", "died",
    "mail", "isolation",
    "sync_rivals", "sync_scale", "perf_verdict",
)  # fmt: skip

SCALED = ("sync", "assets_noop", "assets_small", "density", "chaos", "perf_verdict", "visual_noise")
_SCALE = re.compile(r"\d+(\.\d+)?")


def main(names: list[str]) -> int:
    """Run each benchmark by name and print its line; give the exit code."""
    if len(names) == 2 and names[0] in SCALED and _SCALE.fullmatch(names[1]):
        print(importlib.import_module(f"benchmarks.{names[0]}").run(float(names[1])), flush=True)
        return 0
    if names == ["visual_noise", "--whole"]:
        noise = importlib.import_module("benchmarks.visual_noise")
        print(noise.run(noise.RUNS), flush=True)
        return 0
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"there is no benchmark {unknown[0]!r}; there are: {', '.join(NAMES)}")
        return 2
    for name in names or NAMES:
        line = importlib.import_module(f"benchmarks.{name}").run()
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    sys.exit(main(sys.argv[1:]))
