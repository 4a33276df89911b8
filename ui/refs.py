"""A repository's branches and tags for a selector, asked for beside the script, not in it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass

from greenroom.errors import GreenroomError
from greenroom.sources import git

CACHE_SECONDS = 15.0
PATIENCE_SECONDS = 4.0
"""A script waits no longer; a name can be typed without the list."""


@dataclass(frozen=True)
class Refs:
    """What a repository answered; ``error`` is set when it did not."""

    names: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()
    error: GreenroomError | None = None

    def describe(self, name: str) -> str:
        """Give a name with its kind and commit."""
        if name not in self.names:
            return name
        at = self.names.index(name)
        word = "tag · " if self.kinds[at] == "tag" else ""
        return f"{name}  ({word}{self.commits[at][:7]})"


_askers = ThreadPoolExecutor(4, thread_name_prefix="refs")
_asked: dict[str, tuple[float, Future[Refs]]] = {}
_lock = threading.Lock()


def _ask(url: str) -> Refs:
    try:
        found = git.list_refs(git.check_source_url(url))
    except GreenroomError as error:
        return Refs(error=error)
    return Refs(
        tuple(ref.name for ref in found), tuple(ref.kind for ref in found),
        tuple(ref.commit for ref in found),
    )  # fmt: skip


def list_refs(url: str) -> Refs:
    """Give a repository's refs, at most ``CACHE_SECONDS`` old; an error when it is slow."""
    with _lock:
        begun, answer = _asked.get(url, (0.0, None))
        if answer is None or (answer.done() and time.monotonic() - begun > CACHE_SECONDS):
            if len(_asked) > 500:
                _asked.clear()
            answer = _askers.submit(_ask, url)
            _asked[url] = (time.monotonic(), answer)
    try:
        return answer.result(PATIENCE_SECONDS)
    except NotYet:
        return Refs(
            error=GreenroomError(
                "the repository is slow to answer",
                hint="Type a branch, tag or commit, or open this again in a moment.",
            )
        )
