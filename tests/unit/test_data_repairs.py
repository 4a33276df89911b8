"""Syncs that nobody works at go on, or end."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from greenroom.data.repairs import MOST_ATTEMPTS, Mend, SeenSync, plan_mends
from greenroom.runs import Run

pytestmark = pytest.mark.unit
RUNNING = SeenSync(uuid4(), True, True, True, False, 600, 1)
QUEUED = SeenSync(uuid4(), False, False, True, False, 600, 0)


def mend(sync: SeenSync) -> Mend | None:
    planned = plan_mends([sync])
    return planned[0][1] if planned else None


def test_one_that_is_worked_at_is_left_alone() -> None:
    assert mend(RUNNING) is None
    assert mend(QUEUED) is None


def test_a_killed_one_goes_on_until_it_was_killed_too_often() -> None:
    assert mend(replace(RUNNING, is_alive=False)) is Mend.RESUME
    assert mend(replace(RUNNING, is_alive=False, attempts=MOST_ATTEMPTS)) is Mend.END
    assert mend(replace(RUNNING, is_alive=False, is_cancelled=True)) is Mend.END


def test_an_order_whose_run_was_never_started() -> None:
    assert mend(replace(QUEUED, has_run=False)) is Mend.START
    assert mend(replace(QUEUED, has_run=False, age_seconds=1)) is None
    assert mend(replace(QUEUED, is_run_final=True)) is Mend.END


def test_a_run_that_is_being_started_is_not_ended_for_another() -> None:
    killed = replace(RUNNING, is_alive=False)
    assert mend(replace(killed, is_run_on_its_way=True)) is None
    assert mend(replace(QUEUED, is_run_on_its_way=True)) is None


@pytest.mark.parametrize(
    ("state", "seconds", "is_on_its_way"),
    [("SCHEDULED", 9e5, True), ("PENDING", 1, True), ("PENDING", 61, False), ("RUNNING", 0, False),
     ("CRASHED", 0, False)],
)  # fmt: skip
def test_a_run_on_its_way(state: str, seconds: float, is_on_its_way: bool) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    run = Run(uuid4(), "r", state, "", None, {}, None, at - timedelta(seconds=seconds))
    assert run.is_on_its_way(at) is is_on_its_way


MINE = f"{socket.gethostname()}:{os.getpid()}"
GONE = f"{socket.gethostname()}:{2**22 + 1}"  # more than Linux gives


@pytest.mark.parametrize(
    ("state", "seconds", "process", "is_lost"),
    [("PENDING", 61, "", True), ("PENDING", 1, "", False), ("PENDING", 9, GONE, True),
     ("RUNNING", 1, GONE, True), ("RUNNING", 1, MINE, False), ("RUNNING", 9e5, MINE, True),
     ("RUNNING", 9e5, "", False), ("RUNNING", 1, "elsewhere:1", False),
     ("CANCELLING", 1, GONE, True), ("SCHEDULED", 9e5, "", False), ("CRASHED", 9e5, GONE, False)],
    ids=range(11),
)  # fmt: skip
def test_a_lost_run(state: str, seconds: float, process: str, is_lost: bool) -> None:
    at = datetime.now(UTC)
    since = at - timedelta(seconds=seconds)
    assert Run(uuid4(), "r", state, "", None, {}, None, since, process).is_lost(at) is is_lost
