"""Returning to a release that served before; nobody notices the switch."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from greenroom import orders
from greenroom.errors import GreenroomError, InvalidInput, NotFound
from greenroom.store import environments
from greenroom.store.work import unit_of_work

pytestmark = pytest.mark.flows


def version(site: Any) -> str:
    return str(json.loads(site.get().text)["version"])


def artifacts(site: Any) -> list[Path]:
    """Give the folders that are kept of a site's builds."""
    return sorted(site.stage.settings.path("releases", site.name).iterdir())


def test_back_and_forth_without_a_dropped_request(new_site: Callable[..., Any], app: Any) -> None:
    site = new_site(app("1"))
    first = site.deploy()
    with site.visitor() as visitor:
        site.commit(app("2"))
        second = site.deploy()
        site.commit(app("3", "build: {command: exit 9}"))
        site.deploy("main", "failed")
        assert version(site) == "2"
        back = site.rollback()
        assert (version(site), back.release_id) == ("1", first.release_id)
        assert back.kind == "rollback"
        site.rollback(f"#{second.number}")
        assert version(site) == "2"
    assert visitor.wrong == []
    assert visitor.count > 50
    site.check_truth()
    assert "build" not in site.stage.log(back)


def test_where_there_is_nothing_to_go_back_to(new_site: Callable[..., Any], static: Any) -> None:
    site = new_site(static("only"))
    site.deploy()
    reference = f"{site.name}/{site.environment().name}"
    with pytest.raises(GreenroomError, match="release") as refused:
        orders.place_rollback(reference, actor="ada")
    assert refused.value.hint
    with pytest.raises(NotFound):
        orders.place_rollback(reference, to="#77", actor="ada")
    site.commit({"greenroom.yaml": "version: 1\nbuild: {command: exit 1}\n"})
    broken = site.deploy("main", "failed")
    with pytest.raises(InvalidInput):
        orders.place_rollback(reference, to=f"#{broken.number}", actor="ada")


def test_only_some_releases_are_kept(new_site: Callable[..., Any], static: Any) -> None:
    site = new_site(static("0"))
    site.deploy()
    oldest = site.environment()
    for number in range(1, site.stage.settings.keep_releases + 1):
        site.commit(static(str(number)))
        site.deploy()
    with pytest.raises(InvalidInput, match="cleaned up"):
        orders.place_rollback(f"{site.name}/{oldest.name}", to="#1", actor="ada")
    site.rollback()
    assert site.get().text == f"<h1>{site.stage.settings.keep_releases - 1}</h1>"
    assert len(artifacts(site)) == site.stage.settings.keep_releases


def test_what_never_served_is_not_kept(new_site: Callable[..., Any], app: Any) -> None:
    site = new_site(app("1"))
    site.deploy()
    site.commit({**app("broken"), "app.py": "raise SystemExit(3)\n"})
    site.deploy("main", "failed")
    assert len(artifacts(site)) == 2
    site.commit(app("2"))
    site.deploy()
    site.stage.eventually(lambda: len(artifacts(site)) == 2, "the broken one's end")
    site.rollback()
    assert version(site) == "1"


def test_a_destroyed_environment_leaves_nothing(new_site: Callable[..., Any], app: Any) -> None:
    site = new_site(app("1", "database: {engine: postgres}"))
    site.commit(app("1", "database: {engine: postgres}"), branch="gone")
    site.deploy("gone")
    before = site.environment("gone")
    assert "DATABASE_URL" in json.loads(site.get(branch="gone").text)["env"]
    orders.place_destroy(f"{site.name}/{before.name}", actor="ada")

    def is_gone() -> bool:
        with unit_of_work() as work:
            found = work.get_one(type(before), before.id)
            left = environments.list_instances(work, before.id)
        return found.status == "destroyed" and found.database_url is None and not left

    site.stage.eventually(is_gone, "the environment's end")
    assert site.get(branch="gone").status == 404
    programs = site.stage.platform.programs.states()
    assert not [name for name in programs if before.name in name and site.name in name]


def test_a_destroyed_environment_gives_its_room_back(
    new_site: Callable[..., Any], static: Any
) -> None:
    site = new_site(static("both"))
    site.deploy()
    site.commit(static("both"), branch="twin")
    site.deploy("twin")
    site.commit(static("own"), branch="gone")
    site.deploy("gone")
    kept = len(artifacts(site))
    for branch in ("twin", "gone"):
        environment = site.environment(branch)
        orders.place_destroy(f"{site.name}/{environment.name}", actor="ada")
    site.stage.eventually(lambda: len(artifacts(site)) < kept, "the end of the artifact")
    assert site.get().text == "<h1>both</h1>"
    site.commit(static("next"))
    site.deploy()
    site.rollback()
    assert site.get().text == "<h1>both</h1>"
