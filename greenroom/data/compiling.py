"""Whether this process compiles what it runs often, or does without."""

from __future__ import annotations

import threading

_plainly = [False]
_loaded = threading.Event()


def go_plainly(plainly: bool) -> None:
    """Say whether what is not compiled yet stays so: a sync so small that it would only wait."""
    _plainly[0] = plainly


def goes_plainly() -> bool:
    """Whether the plain functions are used."""
    return _plainly[0]


def is_loaded() -> bool:
    """Whether the kernels have been loaded into this process."""
    return _loaded.is_set()


def tell_loaded() -> None:
    """Say that they have been."""
    _loaded.set()
