"""Where compiled code is kept: once for a user, for every checkout whose kernels are the same."""

from __future__ import annotations

import hashlib
import os
import pwd
from functools import cache
from importlib.metadata import version
from pathlib import Path

ROOM = Path(__file__).resolve().parent.parent
_COMPILED = ("kernels/*.py", "search.py", "ner/features.py")
_others: list[Path] = []


@cache
def digest() -> str:
    """Give a hash of numba's version and everything that is compiled."""
    made = hashlib.sha256(version("numba").encode())
    for pattern in _COMPILED:
        for path in sorted(ROOM.glob(pattern)):
            made.update(path.read_bytes())
    return made.hexdigest()[:16]


def keep_in(other: Path) -> None:
    """Keep what is compiled in ``other`` where the user has no place for it."""
    _others[:] = [other]
    folder.cache_clear()


@cache
def folder() -> Path | None:
    """Give the folder, made when it is missing; None where there is no place for it.

    What stands there is run: it is the user's own and nobody else can write to it.
    """
    try:
        places = [Path(pwd.getpwuid(os.getuid()).pw_dir) / ".cache" / "greenroom" / "kernels"]
    except KeyError:
        places = []
    for place in (*places, *_others):
        made = place / digest()
        try:
            made.mkdir(0o700, parents=True, exist_ok=True)
            known = made.stat()
        except OSError:
            continue
        is_ours = known.st_uid == os.getuid() and not known.st_mode & 0o022
        if is_ours and os.access(made, os.W_OK):
            return made
    return None
