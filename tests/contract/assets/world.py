"""What the tests of files use: two buckets, a folder, a way on which things go wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from greenroom.assets.base import Credentials
from greenroom.assets.places import Bucket, Place
from greenroom.assets.plan import Rules, Totals
from greenroom.assets.work import Progress, sync_places

KEYS = (
    "a", "a/b", "a.txt", "a//c", "d/", "../../etc/x", "./y", "sp ace+&<>\"'.txt", "uni-é-漢",
    "ctl\x01\x1f", "per%41cent", "~!*()", "zero",
)  # fmt: skip
MEBIBYTE = 1 << 20
ACCESS = Credentials("testing", "testing")


@dataclass
class World:
    """Two buckets and a folder."""

    url: str
    client: Any
    folder: Path
    source: Bucket
    target: Bucket

    def put(self, key: str, octets: bytes = b"octets", **options: Any) -> None:
        self.client.put_object(Bucket=self.source.name, Key=key, Body=octets, **options)

    def put_parts(self, key: str, *parts: bytes) -> None:
        name = {"Bucket": self.source.name, "Key": key}
        upload = self.client.create_multipart_upload(**name)["UploadId"]
        made = [
            {"PartNumber": n, "ETag": self.client.upload_part(
                **name, UploadId=upload, PartNumber=n, Body=part)["ETag"]}
            for n, part in enumerate(parts, 1)
        ]  # fmt: skip
        self.client.complete_multipart_upload(
            **name, UploadId=upload, MultipartUpload={"Parts": made}
        )

    def has(self, bucket: Bucket) -> dict[str, tuple[int, str]]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket.name)
        skip = len(bucket.prefix)
        return {o["Key"][skip:]: (o["Size"], o["ETag"].strip('"'))
                for page in pages for o in page.get("Contents", ())}  # fmt: skip

    def sync(self, source: Place, target: Place, state: str = "state", **rules: Any
             ) -> tuple[Totals, Progress]:  # fmt: skip
        return sync_places(source, target, Rules(**rules), self.folder / state)


def elsewhere(bucket: Bucket) -> Bucket:
    """Name the same server otherwise, so that the octets pass through us."""
    return replace(bucket, endpoint=bucket.endpoint.replace("127.0.0.1", "localhost"))


@dataclass
class Faulty:
    """A way to the server on which things go wrong."""

    url: str
    behind: str
    wrong: Callable[[str, str, int], tuple[int, str] | None]
    count: int = 0
    seen: list[tuple[str, str]] = field(default_factory=list)
