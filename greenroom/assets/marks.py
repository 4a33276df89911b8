"""The mark of a place that was empty when its first sync came: all that is in it is ours.

A whole bucket is never marked: others may come to use it, too.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from greenroom.assets.base import Check, Facts, Range, Target
from greenroom.assets.keys import MARK
from greenroom.assets.s3 import BucketTarget
from greenroom.errors import AssetsRefused, FileGone

AT_ONCE = 8
BATCH = 200


def mark_place(target: Target, project: str) -> None:
    """Mark a place as a project's if it is empty; a second project's coming unmarks it. Idempotent.

    Errors: AssetsUnavailable, AssetsRefused.
    """
    if isinstance(target, BucketTarget) and not target.bucket.prefix:
        return
    owner = read_mark(target)
    if owner == project:
        return
    if owner is not None:
        _write(target, "")  # two use it: nobody's leaving clears it
    elif next(iter(target.list_entries(Range())), None) is None:
        _write(target, project)


def read_mark(target: Target) -> str | None:
    """Give whose a place is; empty for nobody's, None where it has no mark."""
    try:
        said = json.loads(target.fetch(MARK)[1])
    except FileGone:
        return None
    except ValueError:
        return ""
    return str(said.get("project", "")) if isinstance(said, dict) else ""


def _write(target: Target, project: str) -> None:
    octets = json.dumps({"made by": "Greenroom", "project": project}).encode()
    facts = Facts(len(octets), "", time.time(), {"content-type": "application/json"})
    target.write(MARK, facts, octets)


def look_at_place(target: Target) -> tuple[int, float]:
    """Give how many octets a place holds, and when the newest of its files was changed."""
    size, newest = 0, 0.0
    for entry in target.list_entries(Range()):
        size, newest = size + entry.size_bytes, max(newest, entry.changed)
    return size, newest


def clear_place(target: Target, project: str, check: Check) -> None:
    """Delete all files of a place that carries a project's mark; the mark goes last. Idempotent.

    Errors: AssetsRefused for a place that is another's, or of which something stays.
    """
    owner = read_mark(target)
    if owner is None and next(iter(target.list_entries(Range())), None) is None:
        return
    if owner != project:
        raise AssetsRefused("it does not carry our mark: it stays")

    def delete(some: list[str]) -> list[str]:
        check()
        return target.delete(some)

    keys = (entry.key for entry in target.list_entries(Range()) if entry.key != MARK)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        stayed = [key for kept in pool.map(delete, _batches(keys)) for key in kept]
    if stayed:
        raise AssetsRefused(f"{len(stayed):,} files could not be deleted: {stayed[0][:100]!r}")
    target.delete([MARK])


def _batches(keys: Iterator[str]) -> Iterator[list[str]]:
    while some := list(islice(keys, BATCH)):
        yield some
