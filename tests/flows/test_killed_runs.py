"""A flow run's process is killed at each of its steps; reconcile leaves a true state."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from greenroom.store import deployments
from greenroom.store.work import unit_of_work

pytestmark = pytest.mark.flows


def version(site: Any) -> str:
    return str(json.loads(site.get().text)["version"])


def reach(site: Any, order: Any, *statuses: str) -> Any:
    """Wait, asking without a pause, until the deployment has one of the statuses."""

    def look() -> bool:
        with unit_of_work() as work:
            return deployments.get_deployment(work, order.deployment_id).status in statuses

    return site.stage.eventually(look, "/".join(statuses), pause=0.002)


def kill(site: Any, order: Any) -> Any:
    """Kill the run's process, let reconcile repair, and give the deployment as it ended."""
    process = site.stage.process_of(site.environment().id)
    process.kill()
    psutil.wait_procs([process], timeout=10)
    site.heal()
    return site.stage.wait(order.deployment_id)


BUILD = "build: {command: sleep 617}"
RELEASE = "sleep 618"


@pytest.mark.parametrize("step", ["source", "build", "release", "start", "health"])
def test_killed_before_the_switch(new_site: Callable[..., Any], app: Any, step: str) -> None:
    site = new_site(app("1"))
    site.deploy()
    files = app("2", BUILD if step == "build" else "")
    if step == "release":
        files["greenroom.yaml"] = files["greenroom.yaml"].replace(
            "run:\n", f"run:\n  release: {RELEASE}\n"
        )
    if step == "health":
        files["greenroom.yaml"] = files["greenroom.yaml"].replace("exec ", "sleep 619; exec ")
    site.commit(files)
    with site.visitor() as visitor:
        order = site.order()
        if step in ("build", "release", "health"):
            asleep = {"build": 617, "release": 618, "health": 619}[step]
            site.stage.eventually(lambda: site.stage.is_asleep(asleep), step)
        elif step == "start":
            reach(site, order, "starting", "checking")
        ended = kill(site, order)
        assert ended.status == "failed"
        assert "killed" in ended.error["detail"]
        assert ended.error["hint"]
        assert not any(site.stage.is_asleep(seconds) for seconds in (617, 618, 619))
        assert version(site) == "1"
        site.commit(app("3"))
        site.deploy()
        assert version(site) == "3"
    assert visitor.wrong == []
    assert visitor.count > 20
    assert site.stage.run_state(ended, "CRASHED", "FAILED", "CANCELLED", "COMPLETED")
    site.check_truth()


def test_killed_after_the_switch(new_site: Callable[..., Any], app: Any) -> None:
    site = new_site(app("1"))
    site.deploy()
    site.commit(app("2"))
    with site.visitor() as visitor:
        order = site.order()
        reach(site, order, "live")
        assert kill(site, order).status == "live"
        assert version(site) == "2"
        site.rollback()
        assert version(site) == "1"
    assert visitor.wrong == []
    site.check_truth()


def test_killed_on_a_first_deployment(new_site: Callable[..., Any], app: Any) -> None:
    site = new_site(app("1", BUILD))
    order = site.order()
    site.stage.eventually(lambda: site.stage.is_asleep(617), "the build")
    process = site.stage.process_of(site.environment().id)
    process.kill()
    psutil.wait_procs([process], timeout=10)
    site.heal(status="error")
    assert site.stage.wait(order.deployment_id, "failed")
    assert not site.stage.is_asleep(617)
    site.commit(app("2"))
    site.deploy()
    site.check_truth()


def test_killed_while_it_is_destroyed(new_site: Callable[..., Any], app: Any) -> None:
    from greenroom import orders

    site = new_site(app("1", "database: {engine: postgres}"))
    files = app("1", "database: {engine: postgres}")
    files["greenroom.yaml"] = files["greenroom.yaml"].replace("run:\n", "run:\n  stop_seconds: 8\n")
    files["app.py"] = (
        "import signal; signal.signal(signal.SIGTERM, lambda *_: None)\n" + (files["app.py"])
    )
    site.commit(files, branch="gone")
    site.deploy("gone")
    environment = site.environment("gone")
    orders.place_destroy(f"{site.name}/{environment.name}", actor="ada")
    process = site.stage.process_of(environment.id)
    process.kill()
    psutil.wait_procs([process], timeout=10)

    def is_gone() -> bool:
        site.stage.reconcile()
        found = site.environment("gone")
        return found.status == "destroyed" and found.database_url is None

    site.stage.eventually(is_gone, "the environment's end")
    assert site.get(branch="gone").status == 404
    assert site.stage.copies(environment.id) == []
