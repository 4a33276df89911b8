"""A small S3 API in memory, in a process of its own. It stands in for a paid service.

It answers listings, HEAD, GET, PUT, copies and deletions as the schema says, checks no signature,
and is fast enough that the clients are what is measured: moto takes longer for
a request than they do.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import sys
from bisect import bisect_right
from typing import Any
from urllib.parse import parse_qs, quote, unquote

import uvloop

STAMP = "2026-01-01T00:00:00.000Z"
HEAD_STAMP = "Thu, 01 Jan 2026 00:00:00 GMT"


class Store:
    """Buckets of ``{key: (etag, octets)}`` with their sorted keys and listing fragments."""

    def __init__(self) -> None:
        self.buckets: dict[str, dict[str, tuple[str, bytes]]] = {}
        self._sorted: dict[str, tuple[list[str], list[str]]] = {}

    def fill(self, bucket: str, count: int, size: int) -> None:
        """Make ``count`` files of ``size`` octets in folders of a thousand."""
        made = self.buckets.setdefault(bucket, {})
        for number in range(count):
            octets = f"{number:010}".encode() * (size // 10 + 1)
            etag = hashlib.md5(octets[:size], usedforsecurity=False).hexdigest()
            made[f"uploads/{number // 1000:04}/image-{number:07}.jpg"] = (etag, octets[:size])
        self._sorted.pop(bucket, None)

    def put(self, bucket: str, key: str, etag: str, octets: bytes) -> None:
        """Put a file."""
        self.buckets.setdefault(bucket, {})[key] = (etag, octets)
        self._sorted.pop(bucket, None)

    def listed(self, bucket: str) -> tuple[list[str], list[str]]:
        """Give the sorted keys and their fragments of a listing."""
        if bucket not in self._sorted:
            files = self.buckets.setdefault(bucket, {})
            keys = sorted(files, key=str.encode)
            fragments = [
                f"<Contents><Key>{quote(k)}</Key><LastModified>{STAMP}</LastModified>"
                f"<ETag>&quot;{files[k][0]}&quot;</ETag><Size>{len(files[k][1])}</Size>"
                "<StorageClass>STANDARD</StorageClass></Contents>"
                for k in keys
            ]
            self._sorted[bucket] = (keys, fragments)
        return self._sorted[bucket]


STORE = Store()


def _listing(bucket: str, query: dict[str, list[str]]) -> bytes:
    keys, fragments = STORE.listed(bucket)
    prefix = query.get("prefix", [""])[0]
    most = min(1000, int(query.get("max-keys", ["1000"])[0]))
    after = query.get("continuation-token", query.get("start-after", [""]))[0]
    start = bisect_right(keys, max(after, prefix)) if after else bisect_right(keys, prefix)
    body, prefixes, taken, at = [], [], 0, start
    delimiter = query.get("delimiter", [""])[0]
    while at < len(keys) and keys[at].startswith(prefix) and taken < most:
        rest = keys[at][len(prefix) :]
        if delimiter and delimiter in rest:
            common = prefix + rest.split(delimiter)[0] + delimiter
            prefixes.append(common)
            at = bisect_right(keys, common + "\U0010ffff")
        else:
            body.append(fragments[at])
            at += 1
        taken += 1
    more = at < len(keys) and keys[at].startswith(prefix)
    token = f"<NextContinuationToken>{keys[at - 1]}</NextContinuationToken>" if more else ""
    folders = "".join(
        f"<CommonPrefixes><Prefix>{quote(p)}</Prefix></CommonPrefixes>" for p in prefixes
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>{bucket}</Name><Prefix>{quote(prefix)}</Prefix><KeyCount>{taken}</KeyCount>"
        f"<MaxKeys>{most}</MaxKeys><EncodingType>url</EncodingType>"
        f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{''.join(body)}{folders}"
        "</ListBucketResult>"
    ).encode()


def answer(method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
    """Give status, headers and body of an answer."""
    path, _, asked = target.partition("?")
    bucket, _, raw = path.lstrip("/").partition("/")
    key, query = unquote(raw), parse_qs(asked, keep_blank_values=True)
    if not key:
        if method == "GET":
            return 200, ([("Content-Type", "application/xml")], _listing(bucket, query))
        return 200, ([], b"")
    files = STORE.buckets.setdefault(bucket, {})
    if method == "PUT":
        origin = headers.get("x-amz-copy-source")
        if origin:
            name, _, key_there = unquote(origin).lstrip("/").partition("/")
            etag, octets = STORE.buckets[name][key_there]
            STORE.put(bucket, key, etag, octets)
            made = (
                f'<CopyObjectResult><LastModified>{STAMP}</LastModified><ETag>"{etag}"</ETag>'
                "</CopyObjectResult>"
            ).encode()
            return 200, ([("Content-Type", "application/xml")], made)
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        STORE.put(bucket, key, etag, body)
        return 200, ([("ETag", f'"{etag}"')], b"")
    if method == "DELETE":
        files.pop(key, None)
        STORE._sorted.pop(bucket, None)
        return 204, ([], b"")
    if key not in files:
        return 404, ([], b"<Error><Code>NoSuchKey</Code></Error>")
    etag, octets = files[key]
    about = [("ETag", f'"{etag}"'), ("Last-Modified", HEAD_STAMP), ("Content-Type", "image/jpeg")]
    if "tagging" in query:
        return 200, ([], b"<Tagging><TagSet></TagSet></Tagging>")
    span = re.fullmatch(r"bytes=(\d+)-(\d+)", headers.get("range", ""))
    if span:
        start, end = int(span[1]), min(int(span[2]), len(octets) - 1)
        about.append(("Content-Range", f"bytes {start}-{end}/{len(octets)}"))
        return 206, (about, octets[start : end + 1])
    return 200, (about, octets)


class Connection(asyncio.Protocol):
    """One client's requests, one after the other."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while (end := self._waiting.find(b"\r\n\r\n")) >= 0:
            head = self._waiting[:end].decode("latin-1")
            first, _, rest = head.partition("\r\n")
            headers = {}
            for line in rest.split("\r\n"):
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            length = int(headers.get("content-length") or 0)
            if headers.get("expect"):
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                del headers["expect"]
            if len(self._waiting) < end + 4 + length:
                return
            body = bytes(self._waiting[end + 4 : end + 4 + length])
            del self._waiting[: end + 4 + length]
            method, target, _ = first.split(" ", 2)
            status, (about, octets) = answer(method, target, headers, body)
            lines = [f"HTTP/1.1 {status} OK", f"Content-Length: {len(octets)}"]
            lines += [f"{name}: {value}" for name, value in about]
            text = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
            self._transport.write(text if method == "HEAD" else text + octets)


async def _serve(fills: list[str]) -> None:
    for fill in fills:
        bucket, count, size = fill.split(":")
        STORE.fill(bucket, int(count), int(size))
        STORE.listed(bucket)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1:]))
