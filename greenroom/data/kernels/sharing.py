"""Tells numba to keep what it compiles for a user, not for a checkout.

numba keeps it beside the source, and takes it for stale where the file is another or younger: each
fresh checkout would compile for a minute. Here what counts is what the source says. numba itself
keeps apart what was compiled for another processor or Python.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core import caching

from greenroom.data.kernels.places import ROOM, digest, folder

_Locator: Any = getattr(caching, "_CacheLocator")  # noqa: B009 - numba's types do not show it


def compiled(function: Callable[..., Any], **how: Any) -> Callable[..., Any]:
    """Give a function compiled, and kept where there is a place to keep it."""
    try:
        made: Callable[..., Any] = numba.njit(nogil=True, cache=True, **how)(function)
    except RuntimeError:  # nowhere to keep it
        made = numba.njit(nogil=True, **how)(function)
    return made


class Shared(_Locator):  # type: ignore[misc]
    """Tells numba where to keep a function of ours."""

    def __init__(self, function: Any, file: str, kept: Path) -> None:
        self._line, self._kept = function.__code__.co_firstlineno, kept
        self._name = Path(file).parent.name

    def get_cache_path(self) -> str:
        """Give the folder."""
        return str(self._kept)

    def get_source_stamp(self) -> str:
        """Give what the source says."""
        return digest()

    def get_disambiguator(self) -> str:
        """Tell functions of one name apart."""
        return f"{self._name}-{self._line}"

    @classmethod
    def from_function(cls, function: Any, file: str) -> Shared | None:
        """Give one for a function of ours; None for others."""
        kept = folder() if ROOM in Path(file).resolve().parents else None
        return None if kept is None else cls(function, file, kept)


numba.config.CACHE_LOCATOR_CLASSES = f"{__name__}.Shared,InTreeCacheLocator,UserWideCacheLocator"  # type: ignore[attr-defined]
