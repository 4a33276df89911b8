"""The one place that decides which failures are tried again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun

from greenroom.errors import GreenroomError

P = ParamSpec("P")
R = TypeVar("R")

RETRY_DELAYS_SECONDS: list[float] = [0.5, 2, 5, 10]


def is_transient(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Retry only what may pass by itself; never a failed build or a user's mistake."""
    try:
        state.result()
    except GreenroomError as error:
        return error.transient
    except BaseException:  # noqa: BLE001 - anything unknown is not tried again
        return False
    return False


def step(function: Callable[P, R]) -> Task[P, R]:
    """Make a function a task under the project's one policy."""
    decorate = task(
        retries=len(RETRY_DELAYS_SECONDS),
        retry_delay_seconds=RETRY_DELAYS_SECONDS,
        retry_condition_fn=is_transient,
        cache_policy=NO_CACHE,
        persist_result=False,
    )
    return decorate(function)
