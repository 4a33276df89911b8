"""Recording how a piece of work ended, whatever the end is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from prefect import Task

from greenroom.errors import GreenroomError, PlatformError


@contextmanager
def recorded_end(end: Task[[UUID, GreenroomError | None], None], key: UUID) -> Iterator[None]:
    """Call ``end`` with ``key`` and the error that ended the block, or with none."""
    try:
        yield
    except GreenroomError as error:
        end(key, error)
        raise
    except BaseException as error:
        unknown = PlatformError(f"unexpected {type(error).__name__}")
        end.fn(key, unknown)  # the engine may be going down
        raise
    else:
        end(key, None)
