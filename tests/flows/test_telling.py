"""The forge is told how each deployment stands, and never stands in its way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from greenroom import orders
from greenroom.store import environments, projects
from greenroom.store.work import unit_of_work
from tests.contract.forge_server import REPOSITORY, SERVERS, TOKEN, Fault, ForgeServer

pytestmark = pytest.mark.flows
PULL = 7


@pytest.fixture
def forge() -> Iterator[ForgeServer]:
    """A stand-in for GitHub, as its clients' own tests use it."""
    with SERVERS["github"]() as server:
        yield server


@pytest.fixture
def reported(new_site: Callable[..., Any], static: Any, forge: ForgeServer) -> Any:
    """A project with a branch under a pull request, whose deployments are reported."""
    site = new_site(static("main"))
    site.head = site.commit(static("feature"), "feature")
    with unit_of_work() as work:
        project = projects.get_project(work, site.name)
        projects.set_forge(work, project, "github", REPOSITORY, forge.url, TOKEN, actor="ada")
        made = environments.ensure_environment(work, project, "feature", actor="ada")
        made.pull_number = PULL
    return site


def states(forge: ForgeServer) -> list[str]:
    return [a.body["state"] for a in forge.asked if "/statuses/" in a.path and a.method == "POST"]


def comments(forge: ForgeServer) -> list[str]:
    return [str(one["text"]) for one in forge.comments.get(PULL, {}).values()]


def test_a_commit_and_its_pull_request_are_told(reported: Any, forge: ForgeServer) -> None:
    reported.deploy("feature", commit=reported.head)
    assert states(forge)[0] == "pending"
    assert states(forge)[-1] == "success"
    (text,) = comments(forge)
    assert reported.environment("feature").url in text
    broken = {"greenroom.yaml": "version: 1\nbuild: {command: echo of no use; exit 3}\n"}
    commit = reported.commit(broken, "feature")
    failed = reported.deploy("feature", "failed", commit=commit)
    assert states(forge)[-1] == "failure"
    (text,) = comments(forge)
    assert "of no use" in text
    orders.place_destroy(f"{reported.name}/feature", actor="ada")
    reported.stage.eventually(lambda: "was removed" in comments(forge)[0], "the last word", 60)
    assert TOKEN not in reported.stage.log(failed) + str(failed.error)


def test_a_forge_that_refuses_or_is_away_holds_nothing_up(
    reported: Any, forge: ForgeServer
) -> None:
    forge.faults += [Fault(401), Fault(500), Fault(429, {"Retry-After": "3600"})] * 3
    reported.deploy("feature", commit=reported.head)
    with unit_of_work() as work:
        project = projects.get_project(work, reported.name)
        gone = "http://127.0.0.1:1"
        projects.set_forge(work, project, "github", REPOSITORY, gone, TOKEN, actor="ada")
    ended = reported.deploy("feature")
    assert ended.status == "live"
    run = reported.stage.run(ended.flow_run_id)
    assert run.state == "COMPLETED"
