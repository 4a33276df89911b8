"""Two who want the same environment: order, overtaking, cancelling, and who holds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from greenroom import orders
from greenroom.errors import EnvironmentLocked
from greenroom.store import deployments
from greenroom.store.work import unit_of_work

pytestmark = pytest.mark.flows


def sleeping(text: str, seconds: int) -> dict[str, str]:
    """Give a static site whose build sleeps."""
    build = f"version: 1\nbuild: {{command: sleep {seconds}}}\n"
    return {"index.html": text, "greenroom.yaml": build}


def test_a_newer_commit_overtakes_one_that_builds(
    new_site: Callable[..., Any], static: Any
) -> None:
    site = new_site(sleeping("old", 614))
    older = site.order()
    site.stage.eventually(lambda: site.stage.is_asleep(614), "the build")
    site.commit({**static("new"), "greenroom.yaml": "version: 1\n"})
    newer = site.order()
    old = site.stage.wait(older.deployment_id, "cancelled")
    assert site.stage.wait(newer.deployment_id, "live")
    assert f"overtaken by deployment #{newer.number}" in site.stage.log(old)
    assert site.stage.run_state(old, "CANCELLED")
    assert not site.stage.is_asleep(614)
    assert site.get().text == "<h1>new</h1>"
    site.check_truth()


def test_many_pushes_at_once_end_with_the_newest(new_site: Callable[..., Any], static: Any) -> None:
    site = new_site(static("0"))
    placed = []
    for number in range(1, 6):
        site.commit(static(str(number)))
        placed.append(site.order())
    site.stage.wait(placed[-1].deployment_id, "live")
    for order in placed[:-1]:
        assert site.stage.wait(order.deployment_id).status in ("cancelled", "retired")
    assert site.get().text == "<h1>5</h1>"
    site.check_truth()


def test_a_cancelled_build_ends_and_leaves_nothing(
    new_site: Callable[..., Any], static: Any
) -> None:
    site = new_site(static("before"))
    site.deploy()
    site.commit(sleeping("after", 615))
    order = site.order()
    site.stage.eventually(lambda: site.stage.is_asleep(615), "the build")
    orders.place_cancel(f"{site.name}/{site.environment().name}", f"#{order.number}", actor="bob")
    ended = site.stage.wait(order.deployment_id, "cancelled")
    assert ended.completed_at is not None
    assert not site.stage.is_asleep(615)
    assert site.get().text == "<h1>before</h1>"
    site.check_truth()


def test_a_refused_lock_says_who_what_and_since_when(new_site: Callable[..., Any]) -> None:
    site = new_site(sleeping("x", 616))
    order = site.order()
    site.stage.eventually(lambda: site.stage.is_asleep(616), "the build")
    environment = site.environment()
    with pytest.raises(EnvironmentLocked) as refused, unit_of_work() as work:
        deployments.take_lock(
            work, environment.id, purpose="looking", holder="bob", host="h", process="1:1",
            deployment_id=None, flow_run_id=None,
        )  # fmt: skip
    words = refused.value.message + refused.value.hint
    assert "ada" in words
    assert "deploying main" in words
    assert "since" in words
    reference = f"{site.name}/{environment.name}"
    orders.place_cancel(reference, f"#{order.number}", actor="bob")
    site.stage.wait(order.deployment_id, "cancelled")
