"""What has to be copied and what is too much: two sorted listings side by side. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from greenroom.assets.base import Entry
from greenroom.assets.keys import MARK
from greenroom.errors import InvalidInput


class Act(StrEnum):
    """What becomes of one key."""

    COPY = "copy"
    """It is not there."""
    REPLACE = "replace"
    """It is there, and differs."""
    LOOK = "look"
    """Sizes are equal and the ETags cannot be compared: the octets decide."""
    DELETE = "delete"
    """It is there, and production has it no more."""


class Step(NamedTuple):
    """One thing to do."""

    act: Act
    entry: Entry
    """The source's; the target's where it is deleted."""
    known_etag: str = ""
    """The target's."""


@dataclass(frozen=True)
class Rules:
    """What comes along."""

    include: tuple[str, ...] = ()
    """Only keys like these; nothing means all. ``*`` stays in a folder, ``**`` does not."""
    exclude: tuple[str, ...] = ()
    is_exact: bool = False
    """Compare by checksums, where times and sizes would do."""
    deletes: bool = False
    """Delete from the target what the source has no more."""
    acl: str = ""
    """Access list of what is written: empty for the bucket's rule, ``keep``, or a canned one."""
    not_after: bool = False
    """Leave out what is newer than the database's snapshot."""
    most_bytes_per_second: int = 0
    """0 for no limit."""
    workers: int = 16

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Rules:
        """Read them as they are kept.

        Errors: InvalidInput.
        """
        made = cls(
            tuple(data.get("include", ())), tuple(data.get("exclude", ())),
            bool(data.get("is_exact")), bool(data.get("deletes")), str(data.get("acl", "")),
            bool(data.get("not_after")), int(data.get("most_bytes_per_second", 0)),
            int(data.get("workers", 16)),
        )  # fmt: skip
        if made.acl not in ("", "keep", "private", "public-read"):
            raise InvalidInput(f"{made.acl!r} is no access list", hint="keep, private, public-read")
        for pattern in (*made.include, *made.exclude):
            _compiled(pattern)
        return made

    def as_json(self) -> dict[str, Any]:
        """Give them as they are kept: what is not the default."""
        default = Rules()
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in self.__dict__.items()
            if value != getattr(default, name)
        }

    def has(self, key: str) -> bool:
        """Whether a key comes along."""
        if self.include and not any(_compiled(p).fullmatch(key) for p in self.include):
            return False
        return not any(_compiled(p).fullmatch(key) for p in self.exclude)


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Make a pattern of a glob: ``*``, ``**``, ``?``; a trailing slash means all below."""
    if not pattern or len(pattern) > 1024:
        raise InvalidInput(f"{pattern[:50]!r} is no pattern", hint="uploads/**, *.jpg, **/*.tmp")
    made, rest = "", pattern + ("**" if pattern.endswith("/") else "")
    while rest:
        if rest.startswith("**/"):
            made, rest = made + "(?:.*/)?", rest[3:]
        elif rest.startswith("**"):
            made, rest = made + ".*", rest[2:]
        else:
            made += {"*": "[^/]*", "?": "[^/]"}.get(rest[0], re.escape(rest[0]))
            rest = rest[1:]
    return re.compile(made, re.DOTALL)


@dataclass
class Totals:
    """What two listings came to."""

    listed: int = 0
    """Files of the source that come along."""
    listed_bytes: int = 0
    same: int = 0
    copies: int = 0
    copy_bytes: int = 0
    deletes: int = 0
    extras: int = 0
    """Files of the target that production has no more, deleted or not."""
    newer: int = 0
    """Left out: newer than the snapshot."""
    left_out: int = 0
    """Left out by the patterns."""
    strange: int = 0
    """Left out: their names are no text in UTF-8."""
    strange_names: list[str] = field(default_factory=list)
    bounds: list[str] = field(default_factory=list)

    def __iadd__(self, other: Totals) -> Totals:
        for name, value in other.__dict__.items():
            setattr(self, name, getattr(self, name) + value)
        return self


IsEqual = Callable[[str, str, str], bool]


def plan_copies(
    source: Iterable[Entry], target: Iterable[Entry], rules: Rules, totals: Totals,
    is_equal: IsEqual, at: datetime | None = None, *, every: int = 5000,
) -> Iterator[Step]:  # fmt: skip
    """Say what to do about each key of one stretch; both sides rise by their keys' octets.

    ``is_equal`` knows ETags that differ and stand for the same octets. ``at`` is the moment after
    which nothing comes along.
    """
    latest = at.timestamp() if at is not None else float("inf")
    theirs = iter(target)
    have = next(theirs, None)
    for wanted in source:
        octets = wanted.key.encode()
        while have is not None and have.key.encode() < octets:
            yield from _extra(have, rules, totals)
            have = next(theirs, None)
        known = have if have is not None and have.key == wanted.key else None
        if known is not None:
            have = next(theirs, None)
        if wanted.key == MARK:
            continue
        if not rules.has(wanted.key):
            totals.left_out += 1
            continue
        if wanted.changed > latest:
            totals.newer += 1
            continue
        totals.listed += 1
        totals.listed_bytes += wanted.size_bytes
        if totals.listed % every == 0:
            totals.bounds.append(wanted.key)
        act = Act.COPY if known is None else judge(wanted, known, rules, is_equal)
        if act is None:
            totals.same += 1
            continue
        totals.copies += 1
        totals.copy_bytes += wanted.size_bytes
        yield Step(act, wanted, known.etag if known else "")
    while have is not None:
        yield from _extra(have, rules, totals)
        have = next(theirs, None)


def _extra(have: Entry, rules: Rules, totals: Totals) -> Iterator[Step]:
    if have.key != MARK and rules.has(have.key):  # what patterns leave out was never ours to delete
        totals.extras += 1
        if rules.deletes:
            totals.deletes += 1
            yield Step(Act.DELETE, have)


def judge(wanted: Entry, known: Entry, rules: Rules, is_equal: IsEqual) -> Act | None:
    """Compare a file with its copy; None when they are the same."""
    if wanted.size_bytes != known.size_bytes:
        return Act.REPLACE
    if wanted.etag and known.etag:
        if wanted.etag == known.etag or is_equal(wanted.key, wanted.etag, known.etag):
            return None
        return Act.REPLACE
    if rules.is_exact:
        return Act.LOOK
    if known.etag:  # a folder in a bucket: the copy is as young as its making
        return None if known.changed >= int(wanted.changed) else Act.LOOK
    return None if abs(known.changed - wanted.changed) < 0.01 else Act.LOOK
