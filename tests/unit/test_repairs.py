"""What reconcile plans for what it sees: a table of situations."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from greenroom.hosting.repairs import (
    AGAIN_SECONDS,
    CANCEL_GRACE_SECONDS,
    START_GRACE_SECONDS,
    Kind,
    Repair,
    Seen,
    SeenCopy,
    SeenDeployment,
    SeenEnvironment,
    SeenLock,
    plan_repairs,
)

pytestmark = pytest.mark.unit
HERE, THERE = UUID(int=1), UUID(int=2)
FIRST, SECOND = UUID(int=11), UUID(int=12)


def lock(alive: bool, deployment: UUID | None = FIRST) -> SeenLock:
    return SeenLock(HERE, deployment, alive)


def order(
    key: UUID = FIRST, *, queued: bool = False, age: float = 60, run: bool = True,
    ended: bool = False, cancel: float | None = None, crashed: bool = False,
) -> SeenDeployment:  # fmt: skip
    return SeenDeployment(key, HERE, queued, age, run, ended or crashed, cancel, crashed)


def copy(state: str = "serving", alive: bool = True, name: str = "shop-1") -> SeenCopy:
    return SeenCopy(name, HERE, state, alive)


def place(
    status: str = "active", serving: bool = True, alive: bool = True,
    destroy: float | None = None, leftovers: bool = False,
) -> SeenEnvironment:  # fmt: skip
    return SeenEnvironment(HERE, status, serving, alive, destroy, leftovers)


def kinds(**seen: object) -> list[tuple[str, str]]:
    return [(p.kind.value, p.subject) for p in plan_repairs(Seen(**seen))]  # type: ignore[arg-type]


HEALTHY = {
    "copies": (copy(),),
    "environments": (place(),),
    "known_names": frozenset({"shop-1"}),
    "running_names": frozenset({("process", "shop-1")}),
}
UNDER_WAY = {
    "locks": (lock(alive=True),),
    "deployments": (order(),),
    "copies": (copy(), copy("starting", alive=False, name="shop-2")),
    "environments": (place("building"),),
    "known_names": frozenset({"shop-1", "shop-2"}),
    "running_names": frozenset({("process", "shop-1"), ("process", "shop-2")}),
}


@pytest.mark.parametrize("seen", [{}, HEALTHY, UNDER_WAY], ids=["nothing", "healthy", "under way"])
def test_what_is_as_it_should_be_is_left_alone(seen: dict[str, object]) -> None:
    assert kinds(**seen) == []


def test_the_run_was_killed_before_the_switch() -> None:
    assert kinds(**{**UNDER_WAY, "locks": (lock(alive=False),)}) == [
        ("free_lock", ""),
        ("stop_copy", "shop-2"),
        ("true_status", ""),
    ]


def test_the_run_was_killed_after_the_switch() -> None:
    seen = {**UNDER_WAY, "locks": (lock(alive=False),), "deployments": ()}
    seen |= {"copies": (copy(), copy("draining", name="shop-2")), "environments": (place(),)}
    assert kinds(**seen) == [("free_lock", ""), ("stop_copy", "shop-2")]


def test_the_run_was_killed_on_a_first_deployment() -> None:
    seen = {"locks": (lock(alive=False),), "deployments": (order(),)}
    seen |= {"environments": (place("building", serving=False, alive=False),)}
    assert kinds(**seen) == [("free_lock", "")]  # which ends the deployment, and tells the status


@pytest.mark.parametrize(
    ("seen", "wanted"),
    [
        (order(queued=True, run=False, age=START_GRACE_SECONDS - 1), []),
        (order(queued=True, run=False, age=START_GRACE_SECONDS + 1), ["start_order"]),
        (order(queued=True, run=True), []),
        (order(queued=True, run=True, ended=True), ["fail_deployment"]),
        (order(queued=True, crashed=True), ["start_order"]),
        (order(queued=True, crashed=True, age=AGAIN_SECONDS + 1), ["fail_deployment"]),
        (order(queued=True, crashed=True, cancel=1), ["fail_deployment"]),
        (order(crashed=True), ["fail_deployment"]),
        (order(run=True, ended=True), ["fail_deployment"]),
        (order(run=False), ["fail_deployment"]),
        (order(run=True), []),
        (order(cancel=CANCEL_GRACE_SECONDS - 1), []),
        (order(cancel=CANCEL_GRACE_SECONDS + 1), ["end_run"]),
        (order(queued=True, run=False, age=1, cancel=CANCEL_GRACE_SECONDS + 1), []),
    ],
    ids=[
        "just placed", "never started", "waits its turn", "its run ended early", "its run was lost",
        "lost again and again", "lost and cancelled", "lost at work", "the run is over",
        "no run", "works", "is cancelled", "does not obey", "cancelled before its run",
    ],
)  # fmt: skip
def test_an_unfinished_deployment(seen: SeenDeployment, wanted: list[str]) -> None:
    assert kinds(deployments=(seen,)) == [(kind, str(FIRST)) for kind in wanted]


def test_a_lost_run_is_ended_first_for_others_wait_behind_it() -> None:
    seen = (order(queued=True, crashed=True),)
    assert kinds(lost_runs=frozenset({SECOND}), deployments=seen) == [
        ("end_lost_run", str(SECOND)),
        ("start_order", str(FIRST)),
    ]


def test_a_run_that_is_over_is_believed_only_when_nobody_holds_the_lock() -> None:
    held = (lock(alive=True),)
    assert kinds(deployments=(order(ended=True),), locks=held) == []


def test_only_the_killed_deployment_ends_with_its_lock() -> None:
    waiting = order(SECOND, queued=True, run=False)
    assert kinds(locks=(lock(alive=False),), deployments=(order(), waiting)) == [
        ("free_lock", ""),
        ("start_order", str(SECOND)),
    ]


@pytest.mark.parametrize(
    ("seen", "wanted"),
    [
        (copy("serving", alive=True), []),
        (copy("serving", alive=False), ["revive_copy"]),
        (copy("starting", alive=True), ["stop_copy"]),
        (copy("draining", alive=False), ["stop_copy"]),
    ],
)
def test_a_copy_nobody_works_on(seen: SeenCopy, wanted: list[str]) -> None:
    assert kinds(copies=(seen,)) == [(kind, "shop-1") for kind in wanted]
    assert kinds(copies=(seen,), locks=(lock(alive=True),)) == []


def test_what_runs_unknown_is_removed() -> None:
    running = frozenset({("process", "shop-1"), ("docker", "shop-2"), ("docker", "shop-1-cmd")})
    assert kinds(known_names=frozenset({"shop-1"}), running_names=running) == [
        ("remove_orphan", "docker:shop-2")
    ]


@pytest.mark.parametrize(
    ("seen", "wanted"),
    [
        (place("active", serving=True, alive=False), ["true_status"]),
        (place("active", serving=False, alive=False), ["true_status"]),
        (place("error", serving=True, alive=True), ["true_status"]),
        (place("error", serving=True, alive=False), []),
        (place("error", serving=False, alive=False), []),
        (place("building", serving=True), ["true_status"]),
        (place("sleeping", serving=False, alive=False), ["true_status"]),
        (replace(place("sleeping", alive=False), is_asleep=True), []),
        (replace(place("active", alive=False), is_asleep=True), ["true_status"]),
        (place("active", destroy=1), []),
        (place("active", destroy=60), ["start_teardown"]),
        (place("destroyed", destroy=60, leftovers=True), ["start_teardown"]),
        (place("destroyed", destroy=60), []),
    ],
)
def test_an_environments_status(seen: SeenEnvironment, wanted: list[str]) -> None:
    assert kinds(environments=(seen,)) == [(kind, "") for kind in wanted]


def test_a_repair_tells_why() -> None:
    plan = plan_repairs(Seen(copies=(copy("draining"),)))
    assert plan == [Repair(Kind.STOP_COPY, HERE, "shop-1", "left draining")]


@pytest.mark.parametrize(
    ("seen", "wanted"),
    [
        (replace(copy(), asleep="stopped", is_alive=False), []),
        (replace(copy(), asleep="stopped"), ["park_copy"]),
        (replace(copy(), asleep="paused"), []),
        (replace(copy(), asleep="paused", is_alive=False), ["revive_copy"]),
        (replace(copy("kept"), kept_left_seconds=5), []),
        (replace(copy("kept"), kept_left_seconds=-5), ["stop_copy"]),
        (replace(copy("kept", alive=False), kept_left_seconds=5), ["stop_copy"]),
    ],
)
def test_copies_that_sleep_or_are_kept(seen: SeenCopy, wanted: list[str]) -> None:
    assert [kind for kind, _ in kinds(copies=(seen,), known_names=frozenset())] == wanted
