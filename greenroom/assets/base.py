"""What every place of files can do. A source can only be read: it has no way to write."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

Check = Callable[[], None]
"""Called often while something long runs; raises ``Overtaken`` to end it."""


class Entry(NamedTuple):
    """A file as a listing shows it; a tuple, for there are millions."""

    key: str
    """Below the place's own prefix or folder."""
    size_bytes: int
    etag: str
    """As the bucket tells it, without quotes; empty in a folder."""
    changed: float
    """Seconds since 1970."""


@dataclass(frozen=True)
class Facts:
    """What belongs to a file besides its octets."""

    size_bytes: int
    etag: str
    changed: float
    headers: Mapping[str, str] = field(default_factory=dict)
    """``Content-Type``, ``Cache-Control``, ``x-amz-meta-…``: what a copy keeps."""


@dataclass(frozen=True)
class Range:
    """A stretch of keys: after ``after`` up to and with ``until``; empty means open."""

    after: str = ""
    until: str = ""


class Source(Protocol):
    """A place that is read, and never written."""

    identity: str
    """Equal for two places of which one holds the other's files."""
    strange: set[str]
    """Files whose name is no text in UTF-8, as listings met them: no key names those."""

    def list_entries(self, part: Range) -> Iterator[Entry]:
        """List the files of a stretch, by their keys' octets in rising order.

        Errors: AssetsUnavailable, AssetsRefused.
        """

    def find_bounds(self, wanted: int) -> list[str]:
        """Give about so many keys that cut the place into stretches; any cut is right."""

    def facts(self, key: str) -> Facts:
        """Give what belongs to a file. Errors: FileGone."""

    def read(self, key: str, start: int, length: int, etag: str) -> bytes:
        """Read a part of a file, if it still is the one that was listed.

        Errors: FileGone when it was changed or deleted.
        """

    def fetch(self, key: str) -> tuple[Facts, bytes]:
        """Read a whole, small file with what belongs to it. Errors: FileGone."""

    def digest(self, key: str, like: str) -> str:
        """Give a file's ETag made from its octets, in as many parts as ``like`` has."""

    def is_public(self, key: str) -> bool:
        """Whether anybody may read it at the source."""

    def close(self) -> None:
        """Close connections."""


class Upload(Protocol):
    """A large file on its way, in parts that may come in any order."""

    part_bytes: int

    @property
    def done(self) -> Sequence[int]:
        """Numbers, from 1, of the parts that are there already."""

    def put(self, number: int, octets: bytes) -> None:
        """Take a part."""

    def finish(self) -> str:
        """Put the file in its place; give its ETag."""


class Target(Source, Protocol):
    """A place of staging's: it is written to."""

    def write(self, key: str, facts: Facts, octets: bytes, *, acl: str = "") -> str:
        """Write a whole file; it is seen whole or not at all. Give its ETag."""

    def begin(self, key: str, facts: Facts, *, acl: str = "") -> Upload:
        """Take up a large file, or go on with one that a killed process had begun."""

    def copy_within(self, origin: Source, entry: Entry, *, acl: str, check: Check) -> str | None:
        """Copy without the octets coming here; None where that cannot be. Errors: FileGone."""

    def delete(self, keys: Sequence[str]) -> list[str]:
        """Delete files; give the keys that stayed. Idempotent."""


@dataclass(frozen=True)
class Credentials:
    """What a bucket is opened with; nothing of it is printed."""

    key_id: str = ""
    secret: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Credentials:
        """Read them as they are kept."""
        return cls(
            str(data.get("key_id", "")), str(data.get("secret", "")),
            str(data.get("session_token", "")),
        )  # fmt: skip
