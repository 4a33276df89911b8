"""Buckets of any S3 API: production's, which are only read, and staging's."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from greenroom.assets.base import Check, Credentials, Entry, Facts, Range, Source
from greenroom.assets.listing import Page, read_page
from greenroom.assets.parts import COPY_MOST_BYTES
from greenroom.assets.places import Bucket
from greenroom.assets.uploads import BucketUpload, Ledger, parallel_copy
from greenroom.assets.wire import Answer, Wire
from greenroom.errors import AssetsRefused, FileGone

PAGE_KEYS = 1000
"""Most that a page has. Source: S3 API reference, ListObjectsV2."""
_KEPT = frozenset(
    {
        "content-type", "cache-control", "content-disposition", "content-encoding",
        "content-language", "expires", "x-amz-website-redirect-location",
    }
)  # fmt: skip
_PROBES = "0123456789ABCEGIKMOQSUWYabcdefghijklmnopqrstuvwxyz"
_EVERYBODY = b"http://acs.amazonaws.com/groups/global/AllUsers"


class BucketSource:
    """A bucket that is read: its wire refuses everything that could write."""

    may_write = False

    def __init__(self, bucket: Bucket, *, sleep: object = None) -> None:
        self.bucket = found_credentials(bucket)
        self.identity, self.strange = bucket.identity, set[str]()
        renew = None if bucket.credentials.key_id else lambda: _ambient(fresh=True)
        self.wire = Wire(self.bucket, self.may_write, renew, sleep or time.sleep)  # type: ignore[arg-type]

    def list_entries(self, part: Range) -> Iterator[Entry]:
        """List the files of a stretch in rising order of their keys' octets."""
        token = ""
        limit = part.until.encode() if part.until else b""
        while True:
            page = self._page(part.after, token)
            self.strange.update(page.strange)
            for entry in page.entries:
                if limit and entry.key.encode() > limit:
                    return
                yield entry
            token = page.token
            if not token:
                return

    def _page(self, after: str, token: str = "", delimiter: str = "", below: str = "",
              most: int = PAGE_KEYS) -> Page:  # fmt: skip
        prefix = self.bucket.prefix
        query = [("list-type", "2"), ("encoding-type", "url"), ("max-keys", str(most))]
        query += [("prefix", prefix + below)] if prefix or below else []
        query += [("delimiter", delimiter)] if delimiter else []
        if token:
            query.append(("continuation-token", token))
        elif after:
            query.append(("start-after", prefix + after))
        return read_page(self.wire.ask("GET", query=query).body, prefix)

    def find_bounds(self, wanted: int) -> list[str]:
        """Cut by common prefixes, else by what follows single letters."""
        first = self._page("", delimiter="/")
        found, level = list(first.prefixes), list(first.prefixes)
        while level and len(found) < wanted and len(level) <= wanted:
            pages = [self._page("", delimiter="/", below=above) for above in level]
            level = [prefix for page in pages for prefix in page.prefixes]
            found += level
        if not found and first.token:  # all lie in one folder
            for letter in _PROBES[:: max(1, len(_PROBES) // (wanted + 1))]:
                found += [entry.key for entry in self._page(letter, most=1).entries]
        ordered = sorted(set(found), key=str.encode)
        step = max(1, len(ordered) // wanted)
        return ordered[step - 1 :: step][: wanted * 2]

    def facts(self, key: str) -> Facts:
        """Ask for what belongs to a file."""
        return _facts(self.wire.ask("HEAD", self.bucket.prefix + key))

    def read(self, key: str, start: int, length: int, etag: str) -> bytes:
        """Read a part of a file, if it is still the one with this ETag."""
        headers = {"If-Match": f'"{etag}"'} if etag else {}
        headers["Range"] = f"bytes={start}-{start + length - 1}"
        octets = self.wire.ask("GET", self.bucket.prefix + key, headers=headers).body
        if len(octets) != length:
            raise FileGone(f"{key[:200]!r} has become shorter")
        return octets

    def fetch(self, key: str) -> tuple[Facts, bytes]:
        """Read a whole, small file with what belongs to it."""
        answer = self.wire.ask("GET", self.bucket.prefix + key)
        return _facts(answer), answer.body

    def digest(self, key: str, like: str) -> str:
        """Give the ETag: a bucket knows it."""
        return self.facts(key).etag

    def is_public(self, key: str) -> bool:
        """Whether everybody may read a file by its access list."""
        answer = self.wire.ask("GET", self.bucket.prefix + key, [("acl", "")])
        return _EVERYBODY in answer.body

    def close(self) -> None:
        """Close its connections."""
        self.wire.close()


class BucketTarget(BucketSource):
    """A bucket of staging's."""

    may_write = True

    def __init__(self, bucket: Bucket, ledger: Ledger, *, sleep: object = None) -> None:
        super().__init__(bucket, sleep=sleep)
        self.ledger = ledger

    def write(self, key: str, facts: Facts, octets: bytes, *, acl: str = "") -> str:
        """Put a whole file."""
        headers = {**facts.headers, **_acl(acl)}
        return self.wire.ask("PUT", self.bucket.prefix + key, headers=headers, body=octets).etag

    def begin(self, key: str, facts: Facts, *, acl: str = "") -> BucketUpload:
        """Begin a multipart upload, or take up the one that a killed process had begun."""
        return BucketUpload(
            self.wire, self.ledger, self.bucket.prefix + key, facts,
            {**facts.headers, **_acl(acl)},
        )  # fmt: skip

    def copy_within(self, origin: Source, entry: Entry, *, acl: str, check: Check) -> str | None:
        """Let the server copy; None when the source is elsewhere, or we may not read it there."""
        if not isinstance(origin, BucketSource) or origin.bucket.server != self.bucket.server:
            return None
        name = quote(f"{origin.bucket.name}/{origin.bucket.prefix}{entry.key}", safe="/~-_.")
        source = {
            "x-amz-copy-source": "/" + name,
            "x-amz-copy-source-if-match": f'"{entry.etag}"',
        }
        try:
            if entry.size_bytes <= COPY_MOST_BYTES and "-" not in entry.etag:
                return self._copy(entry, {**source, **_acl(acl)})
            return self._copy_parts(origin, entry, source, acl, check)
        except FileGone:
            raise
        except AssetsRefused as error:
            if error.transient:
                raise
            return None  # its credentials do not reach the source: the octets go through us

    def _copy(self, entry: Entry, headers: Mapping[str, str]) -> str:
        answer = self.wire.ask("PUT", self.bucket.prefix + entry.key, headers=headers)
        return _copied_etag(answer, entry)

    def _copy_parts(
        self, origin: BucketSource, entry: Entry, source: Mapping[str, str], acl: str, check: Check
    ) -> str:
        facts = origin.facts(entry.key)
        if (facts.etag, facts.size_bytes) != (entry.etag, entry.size_bytes):
            raise FileGone(f"{entry.key[:200]!r} was changed meanwhile")
        upload = self.begin(entry.key, facts, acl=acl)
        return parallel_copy(upload, source, check)

    def delete(self, keys: Sequence[str]) -> list[str]:
        """Delete files one by one on the kept connection; give those that stayed."""
        stayed = []
        for key in keys:
            try:
                self.wire.ask("DELETE", self.bucket.prefix + key)
            except FileGone:
                pass
            except AssetsRefused as error:
                if error.transient:
                    raise
                stayed.append(key)
        return stayed


def _copied_etag(answer: Answer, entry: Entry) -> str:
    from greenroom.assets.wire import first_text

    if b"<Error>" in answer.body:  # Source: S3 API reference, CopyObject: errors after the 200
        raise FileGone(f"the server did not copy {entry.key[:200]!r}")
    return first_text(answer.body, "ETag").strip('"')


def _facts(answer: Answer) -> Facts:
    headers = {
        name: value
        for name, value in answer.headers.items()
        if name in _KEPT or name.startswith("x-amz-meta-")
    }
    total = answer.headers.get("content-range", "").rpartition("/")[2]
    size = int(total or answer.headers.get("content-length") or len(answer.body))
    told = answer.headers.get("last-modified")
    changed = parsedate_to_datetime(told).timestamp() if told else 0.0
    return Facts(size, answer.etag, changed, headers)


def _acl(acl: str) -> dict[str, str]:
    return {"x-amz-acl": acl} if acl else {}


def found_credentials(bucket: Bucket) -> Bucket:
    """Give the bucket with the machine's own credentials, if it has none of its own."""
    from dataclasses import replace

    return bucket if bucket.credentials.key_id else replace(bucket, credentials=_ambient())


def _ambient(*, fresh: bool = False) -> Credentials:
    """Take what the machine offers: variables, ~/.aws, the instance's role (renewed by itself)."""
    import botocore.session

    found = botocore.session.Session().get_credentials()
    if found is None:
        return Credentials()
    frozen = found.get_frozen_credentials()
    return Credentials(frozen.access_key, frozen.secret_key, frozen.token or "")
