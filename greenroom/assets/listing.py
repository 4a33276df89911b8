"""Read pages of a bucket's listing. Pure.

Source: Amazon S3 API reference, ListObjectsV2 with ``encoding-type=url``.
"""

from __future__ import annotations

import re
from datetime import datetime
from html import unescape
from typing import NamedTuple
from urllib.parse import unquote_plus

from greenroom.assets.base import Entry
from greenroom.assets.keys import printable

_FAST = re.compile(
    r"<Contents><Key>([^<]*)</Key><LastModified>([^<]*)</LastModified><ETag>([^<]*)</ETag>"
    r"(?:<Checksum\w+>[^<]*</Checksum\w+>)*<Size>(\d+)</Size>"
)
"""The order that the schema gives; other servers' pages are read block by block."""
_BLOCK = re.compile(r"<Contents>(.*?)</Contents>", re.DOTALL)
_PREFIX = re.compile(r"<CommonPrefixes>\s*<Prefix>([^<]*)</Prefix>")
_NEXT = re.compile(r"<NextContinuationToken>([^<]*)</NextContinuationToken>")


class Page(NamedTuple):
    """A page of a listing."""

    entries: list[Entry]
    prefixes: list[str]
    """Without the place's own prefix, like the entries' keys."""
    token: str
    """Asks for the next page; empty for the last."""
    strange: list[str]
    """Keys that are no text in UTF-8: S3 itself has none such, other servers may."""


def read_page(body: bytes, prefix: str) -> Page:
    """Read a page; a key that is the prefix itself is left out."""
    text, skip = body.decode("utf-8", "surrogateescape"), len(prefix)
    rows = _FAST.findall(text)
    if len(rows) != text.count("<Contents>"):
        rows = [_fields(block) for block in _BLOCK.findall(text)]
    entries, strange = [], list[str]()
    for raw, changed, etag, size in rows:
        key = _key(raw)[skip:]
        if not key.isascii() and _is_strange(key):
            strange.append(printable(key))
        elif key:
            entries.append(Entry(key, int(size), _etag(etag), _moment(changed)))
    token = _NEXT.search(text)
    prefixes = [_key(found)[skip:] for found in _PREFIX.findall(text)]
    return Page(entries, prefixes, unescape(token[1]) if token else "", strange)


def _fields(block: str) -> tuple[str, str, str, str]:
    def one(tag: str) -> str:
        found = re.search(f"<{tag}>([^<]*)</{tag}>", block)
        return found[1] if found else ""

    return one("Key"), one("LastModified"), one("ETag"), one("Size") or "0"


def _key(raw: str) -> str:
    if "&" in raw:
        raw = unescape(raw)
    return unquote_plus(raw, errors="surrogateescape") if "%" in raw or "+" in raw else raw


def _is_strange(key: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in key)


def _etag(raw: str) -> str:
    return (unescape(raw) if "&" in raw else raw).strip('"')


def _moment(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0
