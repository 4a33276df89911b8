"""A part of the platform is killed while a deployment is under way; nothing needs a hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from greenroom.programs import Programs
from greenroom.runs import Runs
from greenroom.store import deployments
from greenroom.store.work import unit_of_work

pytestmark = pytest.mark.flows
OFFLINE = ("ConnectionRefused", "ConnectionReset", "RemoteDisconnected")


def version(site: Any) -> str:
    return str(json.loads(site.get().text)["version"])


def kill(stage: Any, program: str) -> None:
    """Kill a part of the platform, and see that it is started again."""
    process = stage.program(program)
    process.kill()
    psutil.wait_procs([process], timeout=10)
    stage.eventually(lambda: stage.program(program).pid != process.pid, f"another {program}")


def answers(site: Any) -> bool:
    try:
        return bool(site.get().status == 200)
    except OSError:
        return False


@pytest.mark.parametrize("program", ["worker", "engine", "prefect", "gateway", "postgres"])
def test_killed_during_a_deployment(new_site: Callable[..., Any], app: Any, program: str) -> None:
    site = new_site(app("1"))
    site.deploy()
    site.commit(app("2", "build: {command: sleep 3.617}"))
    with site.visitor() as visitor:
        order = site.order()
        site.stage.eventually(lambda: site.stage.is_asleep(3.617), "the build")
        kill(site.stage, program)
        site.heal()
        ended = site.stage.wait(order.deployment_id)
        assert ended.status in ("live", "failed"), ended.error
        site.stage.eventually(lambda: answers(site), "the site")
        assert version(site) == ("2" if ended.status == "live" else "1")
        site.commit(app("3"))
        assert site.deploy().status == "live"
        assert version(site) == "3"
    wrong = visitor.wrong
    if program == "gateway":  # nobody listens for a moment; whoever is answered is answered well
        wrong = [text for text in wrong if not text.startswith(OFFLINE)]
    assert wrong == []
    site.check_truth()


def test_a_run_that_its_worker_took_and_never_began(
    new_site: Callable[..., Any], app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds the environment's only place in Prefect's queue, and nothing tells Prefect."""
    site = new_site(app("1"))
    stage, runs = site.stage, Runs()
    stage.platform.programs.stop("worker")
    try:
        order = site.order()
        with unit_of_work() as work:
            lost = deployments.get_deployment(work, order.deployment_id).flow_run_id
        runs.end(lost, "PENDING", "taken")
    finally:
        stage.platform.programs.start("worker")
    monkeypatch.setattr("greenroom.runs.MOST_PENDING_SECONDS", 5)
    stage.eventually(lambda: f"end_lost_run {lost}" in stage.reconcile(), "that it is lost")
    assert stage.wait(order.deployment_id).status == "live"
    assert version(site) == "1"
    found = runs.find(lost)
    assert found is not None
    assert found.state == "CRASHED"


def test_a_copy_that_dies_comes_back(new_site: Callable[..., Any], app: Any) -> None:
    site = new_site(app("1"))
    site.deploy()
    before = json.loads(site.get().text)["pid"]
    psutil.Process(before).kill()

    def is_back() -> bool:
        answer = site.get()
        return bool(answer.status == 200 and json.loads(answer.text)["pid"] != before)

    site.stage.eventually(is_back, "another copy")
    site.check_truth()


def test_a_restart_brings_everything_back(new_site: Callable[..., Any], app: Any) -> None:
    site, still = new_site(app("1")), new_site({"index.html": "still here"})
    site.deploy()
    still.deploy()
    stage = site.stage
    stage.platform.stop()
    assert not Programs(stage.settings).is_alive()
    assert not stage.platform.was_killed
    stage.platform.start()
    stage.eventually(lambda: site.get().status == 200, "the app")
    assert still.get().text == "still here"
    site.heal()

    manager = psutil.Process(int(stage.settings.path("run", "supervisord.pid").read_text()))
    manager.kill()
    psutil.wait_procs([manager], timeout=10)
    assert stage.platform.was_killed
    stage.platform.start()
    stage.eventually(lambda: site.get().status == 200, "the app")
    site.heal()
    site.commit(app("2"))
    site.deploy()
    assert version(site) == "2"
    site.check_truth()
