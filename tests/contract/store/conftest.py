"""What the store's tests share."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from greenroom.store import environments, projects
from greenroom.store.work import unit_of_work


@pytest.fixture
def environment_id(store_url: str) -> uuid.UUID:
    with unit_of_work() as work:
        project = projects.add_project(work, "shop", "/srv/shop", actor="ada")
        return environments.ensure_environment(work, project, "feature", actor="ada").id


def _at_once(count: int, action: Callable[[int], Any]) -> list[Any]:
    """Run an action in threads that start together; give results and errors."""
    barrier = threading.Barrier(count)

    def run(number: int) -> Any:
        barrier.wait()
        try:
            return action(number)
        except Exception as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.fixture
def at_once() -> Callable[[int, Callable[[int], Any]], list[Any]]:
    """Run an action in threads that start together; give results and errors."""
    return _at_once
