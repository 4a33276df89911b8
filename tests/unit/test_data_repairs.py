"""Syncs that nobody works at go on, or end."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from greenroom.data.repairs import MOST_ATTEMPTS, Mend, SeenSync, plan_mends

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
