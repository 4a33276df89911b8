from __future__ import annotations

import uuid

import pytest

from greenroom.orders import pick_rollback_target
from greenroom.store.models import Deployment, Release, now

RELEASES = {letter: Release(id=uuid.UUID(int=ord(letter))) for letter in "abcd"}
GONE = Release(id=uuid.UUID(int=99), removed_at=now())


def history(*rows: str) -> list[Deployment]:
    """Make deployments from ``number status release [#origin]``, oldest first as one reads them."""
    made = []
    for row in rows:
        number, status, letter, *origin = row.split()
        made.append(
            Deployment(
                number=int(number),
                status=status,
                kind="rollback" if origin else "deploy",
                ref=origin[0] if origin else "main",
                release={"x": GONE, "-": None}.get(letter, RELEASES.get(letter)),
            )
        )
    return made[::-1]


@pytest.mark.parametrize(
    ("rows", "serving", "target"),
    [
        ([], None, None),
        (["1 live a"], "a", None),
        (["1 retired a", "2 live b"], "b", 1),
        (["1 retired a", "2 retired b", "3 live c"], "c", 2),
        (["1 retired a", "2 failed -", "3 live b"], "b", 1),
        (["1 retired a", "2 live b", "3 failed -", "4 cancelled c"], "b", 1),
        # the release is the same: going back would change nothing
        (["1 retired a", "2 retired b", "3 live b"], "b", 1),
        # its artifact was cleaned up
        (["1 retired a", "2 retired x", "3 live c"], "c", 1),
        (["1 retired x", "2 live c"], "c", None),
        # after a rollback from 3 to 2 the next goes to 1, not back to 3
        (["1 retired a", "2 retired b", "3 retired c", "4 live b #2"], "b", 1),
        (["1 retired a", "2 retired b", "3 live a #1"], "a", None),
        # a rollback that failed is no rollback
        (["1 retired a", "2 retired b", "3 live c", "4 failed b #2"], "c", 2),
        # nothing is live (its copy died and was torn down): the newest that served
        (["1 retired a", "2 retired b"], None, 2),
        (["1 retired a", "2 retired b"], "b", 1),
    ],
)
def test_which_deployment_a_rollback_returns_to(
    rows: list[str], serving: str | None, target: int | None
) -> None:
    found = pick_rollback_target(history(*rows), RELEASES[serving].id if serving else None)
    assert (found.number if found else None) == target
