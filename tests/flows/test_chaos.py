"""A short chaos: kills at random, then nothing is stuck, left over or dropped."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.chaos import Chaos
from benchmarks.village import app as small_app
from greenroom.errors import GreenroomError

pytestmark = pytest.mark.flows
KILLS, MOST_STRIKES = 5, 25


def test_a_few_kills_leave_a_true_state(new_site: Callable[..., Any]) -> None:
    site = new_site(small_app("1"))
    chaos = Chaos(site.stage.platform, site, site.commit, 7)
    chaos.prepare()
    struck, seen = 0, list[str]()
    with site.visitor() as visitor:
        for _ in range(MOST_STRIKES):
            struck += bool(chaos.strike())
            if struck == KILLS:
                break
            time.sleep(0.5)

        def is_true() -> bool:
            try:
                site.stage.reconcile()
            except GreenroomError as error:  # a part of the platform is still coming back
                seen.append(repr(error))
                return False
            seen.extend(chaos.wrongs())
            return not chaos.wrongs()

        try:
            site.stage.eventually(is_true, "a true state", 180, 0.5)
        except AssertionError:
            pytest.fail(f"still wrong: {chaos.wrongs()}; {chaos.done}; {seen[-3:]}")
    assert visitor.wrong == []
    assert struck == KILLS
