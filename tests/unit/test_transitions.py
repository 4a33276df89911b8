from __future__ import annotations

import itertools

import pytest

from greenroom.errors import InvalidTransition
from greenroom.store.models import EnvironmentStatus as Status
from greenroom.store.transitions import TRANSITIONS, check_transition

ALLOWED = {
    "building": {"building", "active", "error", "sleeping", "destroyed"},
    "active": {"active", "building", "error", "sleeping", "destroyed"},
    "error": {"error", "building", "active", "sleeping", "destroyed"},
    "sleeping": {"sleeping", "building", "active", "error", "destroyed"},
    "destroyed": {"destroyed"},
}
PAIRS = list(itertools.product(Status, repeat=2))


def test_there_are_25_pairs() -> None:
    assert len(PAIRS) == 25
    assert set(TRANSITIONS) == set(Status)


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_which_status_may_follow_which(before: Status, after: Status) -> None:
    if after in ALLOWED[before]:
        assert check_transition(before, after) is after
    else:
        with pytest.raises(InvalidTransition) as refused:
            check_transition(before, after)
        assert before in refused.value.message
        assert after in refused.value.message
        for possible in ALLOWED[before] - {before}:
            assert possible in refused.value.hint


def test_destroyed_is_final_and_says_so() -> None:
    with pytest.raises(InvalidTransition) as refused:
        check_transition("destroyed", "active")
    assert "final" in refused.value.hint
