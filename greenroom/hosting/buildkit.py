"""Read BuildKit's progress messages, which Docker passes on as they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from greenroom.hosting.base import Log
from greenroom.hosting.commands import clean_line


class Trace:
    """Turns messages into lines of a log.

    Source: moby/buildkit api/services/control/control.proto, StatusResponse.
    """

    def __init__(self, log: Log) -> None:
        self.log = log
        self.named: set[bytes] = set()
        self.rest: dict[bytes, bytes] = {}

    def feed(self, message: bytes) -> None:
        """Read one message; log the steps it names and the lines it ends."""
        for number, value in _fields(message):
            if number == 1:
                vertex = dict(_fields(value))
                digest = vertex.get(1, b"")
                if digest not in self.named and (5 in vertex or 4 in vertex):
                    self.named.add(digest)
                    name = vertex.get(3, b"").decode(errors="replace")
                    if not name.startswith("[internal]"):
                        self.log(name + (" (cached)" if 4 in vertex else ""))
            elif number == 3:
                entry = dict(_fields(value))
                digest = entry.get(1, b"")
                *lines, rest = (self.rest.pop(digest, b"") + entry.get(4, b"")).split(b"\n")
                for line in lines:
                    self.log(clean_line(line))
                self.rest[digest] = rest

    def flush(self) -> None:
        """Log the lines that were never ended."""
        for rest in self.rest.values():
            if rest:
                self.log(clean_line(rest))
        self.rest.clear()


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Read a protobuf message's fields. Source: Protocol Buffers encoding guide."""
    position = 0

    def varint() -> int:
        nonlocal position
        value = shift = 0
        while True:
            octet = message[position]
            position += 1
            value |= (octet & 0x7F) << shift
            shift += 7
            if octet < 0x80:
                return value

    while position < len(message):
        key = varint()
        match key & 7:
            case 0:
                yield key >> 3, varint()
            case 2:
                size = varint()
                yield key >> 3, message[position : position + size]
                position += size
            case 1:
                position += 8
            case 5:
                position += 4
            case _:
                return
