"""One sync of files in a process of its own, so that its memory is measured: prints JSON."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from greenroom.assets.base import Credentials
from greenroom.assets.places import read_place
from greenroom.assets.plan import Rules
from greenroom.assets.work import sync_places

if __name__ == "__main__":
    url, source, target, folder = sys.argv[1:]
    keys = Credentials("testing", "testing")
    places = [read_place(f"s3://{name}?endpoint={url}", keys) for name in (source, target)]
    begun = time.perf_counter()
    totals, progress = sync_places(places[0], places[1], Rules(), Path(folder))
    print(json.dumps({
        "seconds": time.perf_counter() - begun, "listed": totals.listed, "same": totals.same,
        "copied": progress.done_files,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }))  # fmt: skip
