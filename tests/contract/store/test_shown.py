"""A comparison is of one version of each side, whatever is switched while it is made."""

from __future__ import annotations

import uuid

import pytest
from prefect.logging import disable_run_logger
from sqlalchemy import select

from greenroom.errors import PlatformError
from greenroom.store import comparisons, deployments, environments, measurements, projects
from greenroom.store.models import Comparison, DeploymentStatus, Environment, Measurement, Release
from greenroom.store.work import Work, unit_of_work
from tasks import comparing, measure
from tasks.shown import LOOKS, look_at_one_version
from tasks.values import CompareRequest, Measured

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]


def show(work: Work, environment: Environment, commit: str) -> None:
    """Have an environment show a commit, as a switch does: by a deployment of its own."""
    release = work.scalar(select(Release).where(Release.commit_hash == commit)) or Release(
        project_id=environment.project_id, commit_hash=commit, runtime="process", manifest={},
        artifact=f"sha256:{commit}", location=f"/{commit}", manifest_digest=uuid.uuid4().hex,
    )  # fmt: skip
    work.add(release)
    work.flush()
    before = deployments.find_live(work, environment.id)
    if before is not None:
        before.status = DeploymentStatus.RETIRED
    made = deployments.create_deployment(
        work, environment, ref=commit, commit_hash=commit, deployed_by="ada"
    )
    deployments.finish(made, DeploymentStatus.LIVE)
    environment.release_id, environment.last_deployed_commit = release.id, commit


class Sides:
    """A comparison of a feature with production."""

    def __init__(self) -> None:
        with unit_of_work() as work:
            project = projects.add_project(work, "shop", "/srv/shop", actor="ada")
            self.ids = {}
            for name in ("feature", "main"):
                row = environments.ensure_environment(work, project, name, actor="ada")
                show(work, row, f"{name}-1")
                self.ids[name] = row.id
            work.flush()
            work.expire_all()
            feature = work.get_one(Environment, self.ids["feature"])
            self.key = comparisons.create_comparison(work, feature, [], by="ada").id

    def switch(self, name: str, commit: str) -> None:
        with unit_of_work() as work:
            show(work, work.get_one(Environment, self.ids[name]), commit)

    def row(self) -> Comparison:
        with unit_of_work() as work:
            return work.get_one(Comparison, self.key)

    def look(self, look: object, **more: bool) -> None:
        with disable_run_logger():
            look_at_one_version(lambda work: work.get_one(Comparison, self.key), look, **more)  # type: ignore[arg-type]


@pytest.fixture
def sides(store_url: str) -> Sides:
    return Sides()


def test_what_stays_is_looked_at_once(sides: Sides) -> None:
    seen: list[int] = []
    sides.look(lambda: seen.append(1))
    row = sides.row()
    assert seen == [1]
    assert (row.commit_hash, row.production_commit) == ("feature-1", "main-1")


@pytest.mark.parametrize("name", ["feature", "main"])
def test_what_is_switched_meanwhile_is_looked_at_anew(sides: Sides, name: str) -> None:
    seen: list[tuple[str, str]] = []

    def look() -> None:
        row = sides.row()
        seen.append((row.commit_hash, row.production_commit))
        if len(seen) == 1:
            sides.switch(name, f"{name}-2")

    sides.look(look)
    row = sides.row()
    assert len(seen) == 2
    assert seen[1] == (row.commit_hash, row.production_commit)
    assert f"{name}-2" in seen[1]
    if name == "feature":
        assert row.artifact == "sha256:feature-2"


def test_what_was_switched_there_and_back_is_looked_at_anew(sides: Sides) -> None:
    """As a promotion that is rolled back at once: the pictures may be of what was between."""
    seen: list[int] = []

    def look() -> None:
        seen.append(1)
        if len(seen) == 1:
            sides.switch("main", "main-2")
            sides.switch("main", "main-1")

    sides.look(look)
    assert len(seen) == 2
    assert sides.row().production_commit == "main-1"


def test_kept_pictures_stand_for_a_production_that_is_switched(sides: Sides) -> None:
    with unit_of_work() as work:
        work.get_one(Comparison, sides.key).production_commit = "the merge base"
    seen: list[int] = []

    def look() -> None:
        seen.append(1)
        sides.switch("main", f"main-{len(seen) + 1}")

    sides.look(look, with_production=False)
    assert (seen, sides.row().production_commit) == ([1], "the merge base")


def test_what_never_stays_is_given_up(sides: Sides) -> None:
    seen: list[int] = []

    def look() -> None:
        seen.append(1)
        sides.switch("feature", f"feature-{len(seen) + 1}")

    with pytest.raises(PlatformError, match="again and again"):
        sides.look(look)
    assert len(seen) == LOOKS


def test_without_a_merge_base_the_record_says_production(
    sides: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "_merge_base", lambda *_: None)
    with unit_of_work() as work:
        work.get_one(Comparison, sides.key).baseline = "merge-base"
    begun = comparing.begin_comparison.fn(CompareRequest(sides.key, "shop/feature"))
    assert comparing.find_baseline.fn(begun).baseline == "production"
    assert sides.row().baseline == "production"


@pytest.mark.parametrize("switched", ["before Lighthouse", "during it"])
def test_lighthouse_is_of_the_versions_that_were_timed(
    sides: Sides, monkeypatch: pytest.MonkeyPatch, switched: str
) -> None:
    with unit_of_work() as work:
        feature = work.get_one(Environment, sides.ids["feature"])
        key = measurements.create_measurement(work, feature, [], by="ada").id
    request = Measured(key, "http://main", "http://feature", ("/",), with_lighthouse=True)
    done: list[tuple[str, str]] = []

    def do(what: str) -> None:
        with unit_of_work() as work:
            done.append((what, work.get_one(Measurement, key).commit_hash))
        if switched == "during it" and done == [("run", "feature-1")]:
            sides.switch("feature", "feature-2")

    monkeypatch.setattr(measure, "_time_loads", lambda _: do("timed"))
    monkeypatch.setattr(measure, "_run_lighthouse", lambda _: do("run"))
    with disable_run_logger():
        measure.time_loads.fn(request)
        assert done.pop() == ("timed", "feature-1")
        if switched == "before Lighthouse":
            sides.switch("feature", "feature-2")
        measure.run_lighthouse.fn(request)
    assert done[-2:] == [("timed", "feature-2"), ("run", "feature-2")]
