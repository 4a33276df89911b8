"""A process that copies one chunk of the largest table, and says what memory it took at most."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from greenroom.data import sync as stages
from greenroom.data.place import Place, discard_next
from greenroom.data.prepare import prepare
from greenroom.data.source import joined
from greenroom.data.sync import Job
from greenroom.settings import Settings


def main() -> None:
    """Read what to copy from standard input; print octets."""
    from benchmarks.sync import KEY
    from greenroom.data.kernels.warming import warm

    asked = json.loads(sys.stdin.read())
    settings = Settings(home=Path(asked["home"]), postgres_bin=Path(asked["bin"]))
    with joined(asked["shop"], asked["snapshot"]) as connection:
        plan = prepare(connection, asked["policy"], KEY, settings=settings).plan
        version = connection.info.server_version
    job = Job(settings, asked["shop"], asked["snapshot"], Place(asked["url"], "reader"), plan)
    stages.make_tables(job)
    warm()  # compiled code is no part of what rows take
    _ = plan.kernels.known
    before = _resident()
    for part in stages.plan_parts(job, version):
        stages.copy_part(job, part)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    discard_next(job.place)
    print(max(0, most - before))


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


if __name__ == "__main__":
    main()
