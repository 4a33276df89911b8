"""List both sides, and carry out what differs: in parallel, at a limited rate, with flat memory."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from greenroom.assets.base import Check, Entry, Range, Source, Target
from greenroom.assets.folder import FolderSource, FolderTarget
from greenroom.assets.parts import PART_BYTES, ranges
from greenroom.assets.places import Bucket, Place, check_apart
from greenroom.assets.plan import Act, Rules, Step, Totals, plan_copies
from greenroom.assets.s3 import BucketSource, BucketTarget
from greenroom.assets.uploads import PARTS_AT_ONCE, Ledger
from greenroom.errors import AssetsRefused, FileGone, NoFileName

LISTERS = 8
TOLD = 50
"""Keys of files that did not come which a report names."""
Tell = Callable[["Progress"], None]


@dataclass
class Progress:
    """How far the copying is."""

    files: int
    bytes: int
    done_files: int = 0
    done_bytes: int = 0
    deleted: int = 0
    unchanged: int = 0
    """Looked at, and found to be the same."""
    gone: int = 0
    """Changed or deleted at the source meanwhile: the next sync brings them."""
    refused: list[str] = field(default_factory=list)
    refused_count: int = 0
    changed_keys: list[str] = field(default_factory=list)
    changed_count: int = 0
    began: float = field(default_factory=time.monotonic)

    @property
    def seconds_left(self) -> float | None:
        """How long it will go on, if it goes on as it went."""
        took = time.monotonic() - self.began
        files = self.done_files / self.files if self.files else 1.0
        share = self.done_bytes / self.bytes if self.bytes else files
        ratio = (files + share) / 2
        return took * (1 - ratio) / ratio if ratio > 0.01 else None

    def as_json(self) -> dict[str, Any]:
        """Give it for the store."""
        left = self.seconds_left
        return {
            "files": self.files, "bytes": self.bytes, "done_files": self.done_files,
            "done_bytes": self.done_bytes, "deleted": self.deleted, "unchanged": self.unchanged,
            "gone": self.gone, "refused": self.refused_count,
            "seconds": round(time.monotonic() - self.began, 3),
            "seconds_left": None if left is None else round(left, 1),
        }  # fmt: skip


@contextmanager
def open_sides(source: Place, target: Place, ledger: Ledger) -> Iterator[tuple[Source, Target]]:
    """Open production's place to be read and staging's to be written.

    Errors: NotAllowed when they are one place.
    """
    check_apart(source, target)
    reading: Source = BucketSource(source) if isinstance(source, Bucket) else FolderSource(source)
    writing: Target
    writing = BucketTarget(target, ledger) if isinstance(target, Bucket) else FolderTarget(target)
    try:
        yield reading, writing
    finally:
        reading.close()
        writing.close()


def list_differences(
    source: Source, target: Target, rules: Rules, ledger: Ledger, file: Path, check: Check,
    at: datetime | None = None,
) -> Totals:  # fmt: skip
    """List both sides and write what differs to ``file``, a step a line. Changes nothing else.

    Errors: AssetsRefused when production lists nothing and everything would be deleted.
    """
    bounds = ledger.bounds() or source.find_bounds(LISTERS * 2)
    cuts = ["", *bounds, ""]
    stretches = [Range(a, b) for a, b in pairwise(cuts)]
    mutex, whole = threading.Lock(), Totals()
    moment = at if rules.not_after else None
    file.parent.mkdir(parents=True, exist_ok=True)

    def one(stretch: Range) -> None:
        nonlocal whole
        totals, lines = Totals(), list[str]()
        steps = plan_copies(
            source.list_entries(stretch), target.list_entries(stretch), rules, totals,
            ledger.is_equal, moment,
        )  # fmt: skip
        for number, step in enumerate(steps):
            lines.append(json.dumps([step.act, *step.entry, step.known_etag]))
            if number % 1000 == 999:
                check()
                _append(lines, written, mutex)
        _append(lines, written, mutex)
        check()
        with mutex:
            whole += totals

    with file.open("w") as written, ThreadPoolExecutor(LISTERS) as pool:
        for done in [pool.submit(one, stretch) for stretch in stretches]:
            done.result()
    whole.strange, whole.strange_names = len(source.strange), sorted(source.strange)[:TOLD]
    if whole.deletes and not whole.listed:
        raise AssetsRefused(
            f"production lists no file, and {whole.deletes:,} would be deleted in staging",
            hint="Is its address right? Nothing was changed.",
        )
    ledger.keep_bounds(sorted(whole.bounds, key=str.encode))
    return whole


def _append(lines: list[str], file: Any, mutex: threading.Lock) -> None:
    if lines:
        text = "\n".join(lines) + "\n"
        with mutex:
            file.write(text)
        lines.clear()


def read_steps(file: Path) -> Iterator[Step]:
    """Read the steps that a listing wrote."""
    with file.open() as lines:
        for line in lines:
            act, key, size, etag, changed, known = json.loads(line)
            yield Step(Act(act), Entry(key, size, etag, changed), known)


class Limiter:
    """Lets so many octets a second pass. Threads share it."""

    def __init__(self, per_second: int, sleep: Callable[[float], None] = time.sleep) -> None:
        self.per_second, self._sleep = per_second, sleep
        self._mutex, self._free_at = threading.Lock(), 0.0

    def take(self, octets: int) -> None:
        """Wait until these may pass."""
        if not self.per_second:
            return
        with self._mutex:
            begin = max(time.monotonic(), self._free_at)
            self._free_at = begin + octets / self.per_second
        self._sleep(max(0.0, begin - time.monotonic()))


@dataclass
class Carrier:
    """Carries out steps; one that fails for its file's sake is counted and told, no more."""

    source: Source
    target: Target
    rules: Rules
    ledger: Ledger
    progress: Progress
    check: Check
    tell: Tell = lambda progress: None
    keep_keys: int = 0
    """How many keys of what was changed are kept, for a CDN to forget."""
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._limiter = Limiter(self.rules.most_bytes_per_second)

    def carry_out(self, steps: Iterator[Step]) -> Progress:
        """Carry out all steps, some at a time; deletions wait for the copies.

        Errors: AssetsUnavailable, AssetsRefused; what was done stays done.
        """
        waiting: set[Future[None]] = set()
        with ThreadPoolExecutor(self.rules.workers) as pool:
            try:
                while True:
                    batch = list(islice(steps, self.rules.workers * 4 - len(waiting)))
                    waiting |= {pool.submit(self._one, step) for step in batch}
                    if not waiting:
                        return self.progress
                    done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    deque((future.result() for future in done), maxlen=0)
                    self.check()
                    self.tell(self.progress)
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _one(self, step: Step) -> None:
        try:
            self.check()
            if step.act is Act.DELETE:
                stayed = self.target.delete([step.entry.key])
                self._count(step.entry, deleted=not stayed)
                return
            if step.act is Act.LOOK and self._is_same(step):
                self._count(step.entry, unchanged=True)
                return
            self._count(step.entry, etag=self._copy(step.entry))
        except FileGone:
            self._count(step.entry, gone=True)
        except NoFileName as error:
            self._count(step.entry, refusal=error.message)

    def _is_same(self, step: Step) -> bool:
        like = step.known_etag or step.entry.etag
        key = step.entry.key
        if like:
            folder = self.source if step.known_etag else self.target
            return folder.digest(key, like) == like
        return self.source.digest(key, "") == self.target.digest(key, "")

    def _copy(self, entry: Entry) -> str:
        acl = self.rules.acl
        if acl == "keep":
            acl = "public-read" if self.source.is_public(entry.key) else "private"
        made = self.target.copy_within(self.source, entry, acl=acl, check=self.check)
        if made is not None:
            return made
        self._limiter.take(min(entry.size_bytes, PART_BYTES))
        if entry.size_bytes <= PART_BYTES and "-" not in entry.etag:
            facts, octets = self.source.fetch(entry.key)
            return self.target.write(entry.key, facts, octets, acl=acl)
        return self._copy_parts(entry, acl)

    def _copy_parts(self, entry: Entry, acl: str) -> str:
        facts = self.source.facts(entry.key)
        if facts.size_bytes != entry.size_bytes or facts.etag != entry.etag:
            raise FileGone(f"{entry.key[:200]!r} was changed meanwhile")
        if not facts.size_bytes:
            return self.target.write(entry.key, facts, b"", acl=acl)
        upload = self.target.begin(entry.key, facts, acl=acl)

        def part(which: tuple[int, int, int]) -> None:
            number, start, length = which
            self.check()
            if number > 1:
                self._limiter.take(length)
            upload.put(number, self.source.read(entry.key, start, length, entry.etag))

        missing = [
            p for p in ranges(facts.size_bytes, upload.part_bytes) if p[0] not in upload.done
        ]
        with ThreadPoolExecutor(PARTS_AT_ONCE) as pool:
            deque(pool.map(part, missing), maxlen=0)
        return upload.finish()

    def _count(
        self, entry: Entry, *, etag: str = "", deleted: bool = False, unchanged: bool = False,
        gone: bool = False, refusal: str = "",
    ) -> None:  # fmt: skip
        if etag and entry.etag and etag != entry.etag:
            self.ledger.remember_equal(entry.key, entry.etag, etag)
        with self._mutex:
            at = self.progress
            if deleted:
                at.deleted += 1
            else:
                at.done_files += 1
                at.done_bytes += entry.size_bytes
            at.unchanged, at.gone = at.unchanged + unchanged, at.gone + gone
            if refusal:
                at.refused_count += 1
                at.refused += [f"{entry.key[:200]!r}: {refusal}"] * (len(at.refused) < TOLD)
            elif not unchanged and not gone:
                at.changed_count += 1
                if len(at.changed_keys) < self.keep_keys:
                    at.changed_keys.append(entry.key)


def sync_places(
    source: Place, target: Place, rules: Rules, folder: Path, check: Check = lambda: None,
    at: datetime | None = None,
) -> tuple[Totals, Progress]:  # fmt: skip
    """List and carry out in one go; ``folder`` keeps plan and ledger. Run again, it goes on."""
    with (
        closing(Ledger(folder / "ledger.sqlite")) as ledger,
        open_sides(source, target, ledger) as (reading, writing),
    ):
        file = folder / "plan.jsonl"
        totals = list_differences(reading, writing, rules, ledger, file, check, at)
        progress = Progress(totals.copies, totals.copy_bytes)
        Carrier(reading, writing, rules, ledger, progress, check).carry_out(read_steps(file))
        return totals, progress
