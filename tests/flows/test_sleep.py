"""Staging that nobody visits sleeps and wakes; production's last version waits for a rollback."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest
from prefect.logging import disable_run_logger

from greenroom import living
from greenroom.store import deployments
from greenroom.store.models import now
from greenroom.store.work import unit_of_work
from tasks.expiring import end_lifetimes
from tasks.timing import machine_alone
from tasks.values import Measured

pytestmark = pytest.mark.flows
IDLE = "idle: {{pause_seconds: {pause}, stop_seconds: {stop}}}"


def instance(site: Any, branch: str) -> Any:
    (found,) = site.stage.copies(site.environment(branch).id)
    return found


def test_what_nobody_visits_sleeps_and_wakes(new_site: Callable[..., Any], app: Any) -> None:
    site = new_site(app("1"))
    site.commit(app("1", IDLE.format(pause=1, stop=4)), branch="quiet")
    site.deploy("quiet")
    pid = json.loads(site.get(branch="quiet").text)["pid"]
    site.stage.eventually(lambda: instance(site, "quiet").asleep == "paused", "a pause")
    site.stage.eventually(
        lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED, "no more CPU"
    )
    assert site.environment("quiet").status == "sleeping"
    assert json.loads(site.get(branch="quiet").text)["pid"] == pid
    site.stage.eventually(lambda: site.environment("quiet").status == "active", "awake")

    site.stage.eventually(lambda: instance(site, "quiet").asleep == "stopped", "its stop")
    site.stage.eventually(lambda: not psutil.pid_exists(pid), "its end")
    assert site.stage.reconcile() == []  # what sleeps is as it shall be
    site.check_truth("quiet", "sleeping")
    with ThreadPoolExecutor(50) as visitors:
        answers = list(visitors.map(lambda _: site.get(branch="quiet"), range(50)))
    assert {answer.status for answer in answers} == {200}
    assert {json.loads(answer.text)["version"] for answer in answers} == {"1"}
    assert {json.loads(answer.text)["pid"] for answer in answers} != {pid}

    site.stage.eventually(lambda: instance(site, "quiet").asleep == "stopped", "its stop")
    measured = Measured(uuid.uuid4(), site.environment("quiet").url, "", ("/",))
    with disable_run_logger(), machine_alone(measured):  # it is measured awake
        site.stage.eventually(lambda: site.environment("quiet").status == "active", "awake")
    site.stage.eventually(lambda: instance(site, "quiet").asleep == "stopped", "its stop")
    site.commit(app("2", IDLE.format(pause=0, stop=0)), branch="quiet")
    site.deploy("quiet")  # over a version that sleeps
    assert json.loads(site.get(branch="quiet").text)["version"] == "2"
    site.check_truth("quiet")


def test_the_version_before_waits_paused(new_site: Callable[..., Any], app: Any) -> None:
    site = new_site(app("1"))
    site.deploy()
    pid = json.loads(site.get().text)["pid"]
    site.commit(app("2"))
    site.deploy()
    (kept,) = [c for c in site.stage.copies(site.environment().id) if c.state == "kept"]
    assert psutil.Process(pid).status() == psutil.STATUS_STOPPED
    with site.visitor() as visitor:
        back = site.rollback()
    assert visitor.wrong == []
    assert json.loads(site.get().text)["pid"] == pid
    assert "goes on" in site.stage.log(back)
    states = {c.name: c.state for c in site.stage.copies(site.environment().id)}
    assert states.pop(kept.name) == "serving"
    assert list(states.values()) == ["kept"]  # the one that was left waits in its turn
    site.check_truth()


def test_scripts_run_in_their_order_and_once(new_site: Callable[..., Any], app: Any) -> None:
    files = app("1")
    files["greenroom.yaml"] = files["greenroom.yaml"].replace(
        "run:\n",
        "run:\n  release: echo released\n  seed: echo sown\n"
        "  after_deploy: echo told; exit 3\n  after_deploy_timeout_seconds: 20\n",
    )
    site = new_site(files)
    site.commit(files, branch="sown")
    first = site.deploy("sown")
    log = site.stage.log(first)
    lines = [f"[{name}] {word}" for name, word in
             (("release", "released"), ("seed", "sown"), ("after_deploy", "told"))]  # fmt: skip
    assert [log.index(line) for line in lines] == sorted(log.index(line) for line in lines)
    assert log.index(lines[1]) < log.index("[switch]") < log.index(lines[2])
    assert "exit code 3; the new version serves all the same" in log
    with unit_of_work() as work:
        first = deployments.get_deployment(work, first.id)
    assert {"release", "seed", "after_deploy"} <= set(first.phases)
    assert "limits:" in log
    again = site.stage.log(site.deploy("sown"))
    assert "[seed]" not in again
    assert "[release] released" in again
    assert "[seed]" not in site.stage.log(site.deploy())  # production is never seeded


def test_an_environment_whose_time_is_over_is_warned_then_goes(
    new_site: Callable[..., Any], static: Any
) -> None:
    site = new_site(static("home"))
    site.commit({**static("short"), "greenroom.yaml": "version: 1\nlifetime: {days: 3}\n"}, "short")
    site.deploy("short")
    found = site.environment("short")
    assert 2.9 < (found.expires_at - now()).total_seconds() / 86400 <= 3

    def let_time_pass() -> Any:
        with unit_of_work() as work:
            work.get_one(type(found), found.id).expires_at = now()
        with disable_run_logger():
            end_lifetimes.fn()
        return site.environment("short")

    warned = let_time_pass()
    assert warned.expiry_told_at is not None
    assert warned.destroy_requested_at is None
    assert 23 < (warned.expires_at - now()).total_seconds() / 3600 <= 24  # nobody goes unwarned
    living.place_extend(f"{site.name}/short", 2, actor="ada")
    assert site.environment("short").expiry_told_at is None
    let_time_pass()
    assert let_time_pass().destroy_requested_by == "lifetime"
    site.stage.eventually(lambda: site.environment("short").status == "destroyed", "its end")
