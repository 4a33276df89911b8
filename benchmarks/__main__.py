"""Run a benchmark anew: ``python -m benchmarks <name>``; without a name, all of them."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

NAMES = (
    "deploy", "rollback", "switch", "gateway", "first_run", "leak_scan", "clone", "sync",
)  # fmt: skip


def main(names: list[str]) -> int:
    """Run each benchmark by name and print its line; give the exit code."""
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
