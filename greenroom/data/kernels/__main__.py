"""Compile everything that the first sync would compile: ``python -m greenroom.data.kernels``.

Where that was done before, for this user and these sources, it takes a second or two.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from greenroom.data.compiled import load
from greenroom.data.kernels import places


def main() -> None:
    """Compile, and say what it took."""
    begun = time.process_time()
    with tempfile.TemporaryDirectory(prefix="gr-kernels-") as other:
        load(Path(other))
        from greenroom.data.kernels.warming import warm

        warm()
        kept = places.folder()
    seconds = time.process_time() - begun
    where = "nowhere: no folder of this user can be written to" if kept is None else str(kept)
    sys.stdout.write(f"kernels: ready after {seconds:.1f} CPU-seconds, kept in {where}\n")


if __name__ == "__main__":
    main()
