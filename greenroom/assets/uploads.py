"""Multipart uploads that go on after a kill, and the small ledger that remembers them.

The ledger is a cache: without it nothing is wrong, some things are copied once more.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from html import escape
from pathlib import Path

from greenroom.assets.base import Check, Facts
from greenroom.assets.parts import part_bytes_for, ranges
from greenroom.assets.wire import Wire, first_text
from greenroom.errors import AssetsRefused, FileGone

PARTS_AT_ONCE = 4
_PART = re.compile(rb"<PartNumber>(\d+)</PartNumber>.*?<ETag>(.*?)</ETag>", re.DOTALL)
_SCHEMA = """
create table if not exists equal (
  key text primary key, source text not null, target text not null) without rowid;
create table if not exists uploads (
  key text primary key, source text not null, upload text not null, part_bytes integer not null);
create table if not exists bounds (key text primary key) without rowid;
"""


class Ledger:
    """What is remembered between runs of one project. Threads may share it."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._mutex = threading.Lock()
        self._base = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._base.execute("pragma journal_mode=wal")
        self._base.execute("pragma synchronous=normal")
        self._base.executescript(_SCHEMA)

    def _ask(self, statement: str, *values: object) -> list[tuple[str, ...]]:
        with self._mutex:
            return list(self._base.execute(statement, values))

    def remember_equal(self, key: str, source: str, target: str) -> None:
        """Remember that these two ETags are of the same octets."""
        self._ask("insert or replace into equal values (?, ?, ?)", key, source, target)

    def is_equal(self, key: str, source: str, target: str) -> bool:
        """Whether they were remembered so."""
        return self._ask("select source, target from equal where key = ?", key) == [
            (source, target)
        ]

    def find_upload(self, key: str, source: str) -> tuple[str, int] | None:
        """Give the unfinished upload of exactly this file."""
        rows = self._ask("select source, upload, part_bytes from uploads where key = ?", key)
        return (rows[0][1], int(rows[0][2])) if rows and rows[0][0] == source else None

    def keep_upload(self, key: str, source: str, upload: str, part_bytes: int) -> None:
        """Remember an upload that was begun."""
        values = (key, source, upload, part_bytes)
        self._ask("insert or replace into uploads values (?, ?, ?, ?)", *values)

    def forget_upload(self, key: str) -> None:
        """Forget one that has ended."""
        self._ask("delete from uploads where key = ?", key)

    def bounds(self) -> list[str]:
        """Give the keys that cut the last listing into even stretches."""
        return [row[0] for row in self._ask("select key from bounds order by key")]

    def keep_bounds(self, keys: Sequence[str]) -> None:
        """Remember them for the next listing."""
        with self._mutex:
            self._base.execute("begin")
            self._base.execute("delete from bounds")
            self._base.executemany("insert or ignore into bounds values (?)", [(k,) for k in keys])
            self._base.execute("end")

    def close(self) -> None:
        """Close it."""
        with self._mutex:
            self._base.close()


class BucketUpload:
    """A multipart upload; threads may put its parts at the same time."""

    def __init__(
        self, wire: Wire, ledger: Ledger, key: str, facts: Facts, headers: Mapping[str, str]
    ) -> None:
        self.wire, self.ledger, self.key, self.facts = wire, ledger, key, facts
        self._etags: dict[int, str] = {}
        self._mark = f"{facts.etag} {facts.size_bytes} {facts.changed}"
        known = ledger.find_upload(key, self._mark)
        if known is not None and self._take_up(*known):
            return
        self.part_bytes = part_bytes_for(facts.size_bytes, facts.etag)
        answer = wire.ask("POST", key, [("uploads", "")], headers)
        self.upload = first_text(answer.body, "UploadId")
        if not self.upload:
            raise AssetsRefused(f"{wire.bucket} begins no multipart upload")
        ledger.keep_upload(key, self._mark, self.upload, self.part_bytes)

    def _take_up(self, upload: str, part_bytes: int) -> bool:
        marker = ""
        while True:
            query = [("uploadId", upload), *([("part-number-marker", marker)] if marker else [])]
            try:
                body = self.wire.ask("GET", self.key, query).body
            except AssetsRefused as error:
                if error.transient:
                    raise
                return False
            for number, etag in _PART.findall(body):
                self._etags[int(number)] = etag.decode().replace("&quot;", "").strip('"')
            if first_text(body, "IsTruncated") != "true":
                break
            marker = first_text(body, "NextPartNumberMarker")
        self.upload, self.part_bytes = upload, part_bytes
        return True

    @property
    def done(self) -> Sequence[int]:
        """Numbers of the parts that are there."""
        return tuple(self._etags)

    def put(self, number: int, octets: bytes) -> None:
        """Send a part."""
        query = [("partNumber", str(number)), ("uploadId", self.upload)]
        self._etags[number] = self.wire.ask("PUT", self.key, query, body=octets).etag

    def copy(self, number: int, source: Mapping[str, str], start: int, length: int) -> None:
        """Let the server copy a part."""
        query = [("partNumber", str(number)), ("uploadId", self.upload)]
        span = {"x-amz-copy-source-range": f"bytes={start}-{start + length - 1}"}
        body = self.wire.ask("PUT", self.key, query, {**source, **span}).body
        etag = first_text(body, "ETag").strip('"')
        if not etag:
            raise FileGone(f"the server did not copy part {number} of {self.key[:200]!r}")
        self._etags[number] = etag

    def finish(self) -> str:
        """Put the parts together; give the ETag."""
        parts = "".join(
            f"<Part><PartNumber>{n}</PartNumber><ETag>&quot;{escape(etag)}&quot;</ETag></Part>"
            for n, etag in sorted(self._etags.items())
        )
        body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
        answer = self.wire.ask("POST", self.key, [("uploadId", self.upload)], body=body)
        etag = first_text(answer.body, "ETag").strip('"')
        if not etag:  # Source: S3 API reference, CompleteMultipartUpload: errors after the 200
            raise AssetsRefused(f"the parts of {self.key[:200]!r} were not put together")
        self.ledger.forget_upload(self.key)
        return etag


def parallel_copy(upload: BucketUpload, source: Mapping[str, str], check: Check) -> str:
    """Let the server copy what is missing of a large file, some parts at a time."""
    missing = [
        part
        for part in ranges(upload.facts.size_bytes, upload.part_bytes)
        if part[0] not in upload.done
    ]

    def one(part: tuple[int, int, int]) -> None:
        check()
        upload.copy(part[0], source, part[1], part[2])

    with ThreadPoolExecutor(PARTS_AT_ONCE) as pool:
        for _ in pool.map(one, missing):
            pass
    return upload.finish()
