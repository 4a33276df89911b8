"""Be the only one on this machine who measures: two browsers make each other's pages late."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from greenroom.errors import PlatformError
from greenroom.settings import load_settings

PATIENCE_SECONDS = 3600.0
_ASK_SECONDS = 0.5


def turn_file() -> Path:
    """Give the file whose lock is the machine's turn."""
    return load_settings().path("run", "measuring.lock")


@contextmanager
def alone(file: Path, patience_seconds: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Hold the machine's turn for the block, after waiting for it.

    Locks: ``file``, by flock: the kernel gives it back when its holder dies, however it dies.

    Errors: PlatformError.
    """
    deadline = time.monotonic() + patience_seconds
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as turn:
        while True:
            try:
                fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise PlatformError(
                        f"somebody else has been measuring for {patience_seconds:g} seconds",
                        hint="Only one measurement runs at a time on a machine. Try again later.",
                    ) from None
                time.sleep(_ASK_SECONDS)
        yield
