"""What a trace says of a page's long tasks."""

from __future__ import annotations

from typing import Any

import pytest

from greenroom.compare.main_thread import blocked_ms

pytestmark = pytest.mark.unit
PAGE = {"isOutermostMainFrame": True, "documentLoaderURL": "http://127.0.0.1/"}


def start(at: int, pid: int = 7, frame: str = "A", **more: Any) -> dict[str, Any]:
    return {"name": "navigationStart", "ph": "R", "pid": pid, "tid": pid, "ts": at,
            "args": {"frame": frame, "data": PAGE | more}}  # fmt: skip


def task(at: int, ms: int, pid: int = 7, tid: int = 7) -> dict[str, Any]:
    return {"name": "RunTask", "ph": "X", "pid": pid, "tid": tid,
            "ts": at, "dur": ms * 1000}  # fmt: skip


def test_what_is_beyond_fifty_milliseconds_counts() -> None:
    tasks = [task(200_000, 50), task(10_000, 80), task(300_000, 151), task(500_000, 3)]
    assert blocked_ms([start(0), *tasks]) == 30 + 101


def test_only_the_thread_that_loaded_the_outermost_page_counts_and_from_then_on() -> None:
    others = [task(9, 900, pid=8, tid=8), task(9, 900, tid=9), task(1, 900)]
    blank = start(7, pid=8, documentLoaderURL="")
    frame = start(6, pid=8, isOutermostMainFrame=False)
    assert blocked_ms([*others, blank, frame, start(5), task(5, 60)]) == 10


def test_what_a_page_names_like_a_navigation_and_windows_that_it_opens_count_for_nothing() -> None:
    own = [{**start(2), "args": args} for args in ({}, {"data": "x"}, {"data": {}})]
    opened = [start(9, pid=8, frame="B"), task(9, 900, pid=8, tid=8)]
    redirected = [start(5), start(50_000), task(10_000, 80), task(200_000, 70)]
    assert blocked_ms([*own, *opened, *redirected]) == 20


def test_of_tasks_within_a_task_only_the_outer_one_counts() -> None:
    assert blocked_ms([start(0), task(10_000, 90), task(200_000, 150), task(200_000, 200)]) == 190


def test_without_a_page_there_is_no_answer() -> None:
    assert blocked_ms([task(0, 100)]) is None
    assert blocked_ms([]) is None
