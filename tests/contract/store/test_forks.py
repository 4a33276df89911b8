"""A stranger's pull request: its environment waits, and has no secret until somebody allows it."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest

from greenroom import living
from greenroom.errors import InvalidInput
from greenroom.intake import WAITS, act_on
from greenroom.sources.events import Event, EventKind
from greenroom.store import deployments, environments, projects
from greenroom.store.states import GivenAt
from greenroom.store.work import unit_of_work

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]
OPENED = Event(
    EventKind.PULL_OPENED, "d1", branch="patch", commit="a" * 40, author="eve", number=7,
    from_fork=True, target="main", pull_ref="refs/pull/7/head",
)  # fmt: skip


class Quiet:
    """Starts nothing: what is recorded is looked at."""

    def start(self, *_: Any, **__: Any) -> Any:

        return uuid.uuid4()


@pytest.fixture
def shop(store_url: str) -> str:
    with unit_of_work() as work:
        project = projects.add_project(work, "shop", "/srv/shop", actor="ada")
        projects.set_previews(work, project, {"forks": "ask"}, actor="ada")
        projects.set_variable(work, project, "KEY", "hunter2", actor="ada")
        projects.set_variable(work, project, "COLOUR", "red", is_secret=False, actor="ada")
        projects.set_variable(
            work, project, "NPM", "x", is_secret=False, given_at=GivenAt.BUILD, actor="ada"
        )
    return "shop"


def hear(event: Event) -> Any:
    with unit_of_work() as work:
        return act_on(work, projects.get_project(work, "shop"), event)


def test_it_waits_and_gets_no_secret_until_somebody_allows_it(shop: str) -> None:
    told = hear(OPENED)
    assert told.order is None
    assert told.outcome["environment"] == "shop/pr-7"
    with unit_of_work() as work:
        found = environments.get_environment(work, "shop/pr-7")
        assert (found.from_fork, found.is_guarded, found.status_reason) == (True, True, WAITS)
        assert deployments.list_deployments(work, found.id) == []
        assert projects.given_variables(found, GivenAt.RUN) == {"COLOUR": "red"}
        assert projects.given_variables(found, GivenAt.BUILD) == {"COLOUR": "red", "NPM": "x"}
    order = living.approve_fork("shop/pr-7", "a" * 40, actor="ada", runs=Quiet())
    with unit_of_work() as work:
        found = environments.get_environment(work, "shop/pr-7")
        assert deployments.get_deployment(work, order.deployment_id).ref == "a" * 40
        assert "KEY" not in projects.given_variables(found, GivenAt.RUN)
    living.approve_fork("shop/pr-7", "a" * 40, with_secrets=True, actor="ada", runs=Quiet())
    with unit_of_work() as work:
        found = environments.get_environment(work, "shop/pr-7")
        assert projects.given_variables(found, GivenAt.RUN) == {"COLOUR": "red", "KEY": "hunter2"}
        no_secrets = projects.given_variables(found, GivenAt.RUN, with_secrets=False)
        assert no_secrets == {"COLOUR": "red"}
    again = hear(replace(OPENED, kind=EventKind.PULL_UPDATED, commit="b" * 40))
    assert again.order is None
    with unit_of_work() as work:
        assert environments.get_environment(work, "shop/pr-7").is_guarded


def test_only_a_whole_commit_of_a_fork_is_approved(shop: str) -> None:
    hear(OPENED)
    with pytest.raises(InvalidInput, match="no full commit"):
        living.approve_fork("shop/pr-7", "aaaa", actor="ada")
    with unit_of_work() as work:
        project = projects.get_project(work, "shop")
        environments.ensure_environment(work, project, "mine", actor="ada")
    with pytest.raises(InvalidInput, match="does not come from a fork"):
        living.approve_fork("shop/mine", "a" * 40, actor="ada")


def test_its_end_takes_it_away(shop: str) -> None:
    hear(OPENED)
    assert hear(replace(OPENED, kind=EventKind.PULL_CLOSED)).teardown is not None
