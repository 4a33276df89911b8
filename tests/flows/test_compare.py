"""An environment's pages beside production's, by real deployments and a real browser."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from prefect.logging import disable_run_logger
from sqlalchemy import select

from greenroom.cli.main import main
from greenroom.compare_verdicts import worst
from greenroom.comparing import (
    decide_changes,
    folder_of,
    heed_part,
    ignore_part,
    pictures_root,
    place_comparison,
)
from greenroom.errors import InvalidInput
from greenroom.settings import load_settings
from greenroom.store import comparisons, deployments, environments, notices, projects
from greenroom.store.models import Comparison, Notice, now
from greenroom.store.states import NoticeKind
from greenroom.store.work import unit_of_work
from tasks.compare_orders import order_comparison, order_comparisons
from tasks.comparing import repair_comparisons
from tasks.values import DeployRequest
from tests.contract.forge_server import REPOSITORY, SERVERS, TOKEN, ForgeServer

pytestmark = [pytest.mark.flows, pytest.mark.needs_browser]


PULL = 7
RULES = """version: 1
compare:
  viewports: [phone]
  before: [{click: "#consent", if_there: true}]
  states: [{name: pointed, page: /about/, steps: [{hover: h1}]}]
"""


WITH_NEW = "<a href='/new/'></a>"


def page(price: str, more: str = "") -> dict[str, str]:
    html = (
        "<!doctype html><html lang=en><head><title>Shop</title></head><body style='margin:0'>"
        f"<h1>Shop</h1><p id=price>{price}</p><p id=clock></p><a href='/about/'>About</a>"
        f"{more}<script>"
        "setInterval(() => clock.textContent = Date.now() + Math.random(), 7)</script>"
        "</body></html>"
    )
    about = "<!doctype html><html lang=en><body><h1>About us</h1></body></html>"
    new = {"new/index.html": about} if more else {}
    return {"index.html": html, "about/index.html": about, "greenroom.yaml": RULES, **new}


@pytest.fixture
def forge() -> Iterator[ForgeServer]:
    """A stand-in for GitHub, as its clients' own tests use it."""
    with SERVERS["github"]() as server:
        yield server


def ended_of(comparison_id: uuid.UUID) -> Callable[[], Comparison | None]:
    def ended() -> Comparison | None:
        with unit_of_work() as work:
            row = comparisons.get_comparison(work, comparison_id)
        return row if row.status in comparisons.FINAL else None

    return ended


def compare(reference: str, *more: str) -> tuple[int, dict[str, Any]]:
    """Compare by the command that a pipeline uses; give its exit code and what it printed."""
    said = CliRunner().invoke(main, ["compare", reference, *more, "--json"])
    return said.exit_code, json.loads(said.output)


def artifact_of(stage: Any, key: str) -> str:
    wanted = {"artifacts": {"key": {"any_": [key]}}}
    (found,) = stage.runs._ask_ok("POST", "/artifacts/latest/filter", json=wanted)
    return str(found["data"])


def test_what_changed_is_named_and_told_and_what_did_not_is_left_alone(
    new_site: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, forge: ForgeServer
) -> None:
    site = new_site(page("9.90"))
    site.deploy("main")
    base = site.environment("main").last_deployed_commit
    production = f"{site.name}/{site.environment('main').name}"
    with pytest.raises(InvalidInput, match="production is what others"):
        place_comparison(production, actor="ada")
    reference, head = f"{site.name}/feature", site.commit(page("8.90", WITH_NEW), "feature")
    site.deploy("feature", commit=head)
    with unit_of_work() as work:
        project = projects.get_project(work, site.name)
        projects.set_forge(work, project, "github", REPOSITORY, forge.url, TOKEN, actor="ada")
        environment = environments.get_environment(work, reference)
        environment.pull_number = PULL
        notices.add_target(
            work, site.name, "json", "json://127.0.0.1:9/x", project=project,
            kinds=(NoticeKind.CHANGED,), actor="ada",
        )  # fmt: skip
        (shown,) = deployments.list_deployments(work, environment.id)
    monkeypatch.setenv("GREENROOM_COMPARE_AFTER_DEPLOYMENT", "true")
    load_settings.cache_clear()
    order_comparison.fn(DeployRequest(shown.id, environment.id, reference, ""))
    with disable_run_logger():
        assert order_comparisons.fn([f"{site.name}/none"]) == 0
    with unit_of_work() as work:
        (row,) = comparisons.list_comparisons(work, environment)
        made = row.id
        assert row.requested_by == "deployment"

    row = site.stage.eventually(ended_of(made), "the comparison's end", 120)
    assert (row.status, row.error, row.baseline) == ("done", None, "production")
    assert (row.commit_hash, row.production_commit) == (head, base)
    verdicts = {(p["path"], p["viewport"], p["state"]): p["verdict"] for p in row.pages}
    assert verdicts == {
        ("/", "phone", ""): "changed",
        ("/about/", "phone", ""): "unchanged",
        ("/about/", "phone", "pointed"): "unchanged",
        ("/new/", "phone", ""): "new",  # which production does not have
    }
    (change,) = row.pages[0]["changes"]
    assert (change["text_before"], change["text_after"]) == ("9.90", "8.90")
    assert "8.90" in (folder_of(made) / "report.html").read_text()

    # Whoever wants to know is told: by notice, pull request, status, and on Prefect's pages.
    line = "1 changed, 1 new, 2 unchanged; / (phone): changed: “9.90” → “8.90”"
    assert site.stage.run(row.flow_run_id).state == "COMPLETED"
    status = forge.statuses[head, "greenroom/feature/pages"]
    assert (status["state"], status["description"]) == ("success", line)
    (comment,) = forge.comments[PULL].values()
    assert "| Pages | ✅ 1 changed, 1 new, 2 unchanged" in comment["text"]
    with unit_of_work() as work:
        told = work.scalars(select(Notice).where(Notice.kind == "changed")).all()
    assert [n.body.count("8.90") for n in told if reference in n.title] == [1]
    summary = artifact_of(site.stage, f"comparison-{made}")
    assert "| `/about/` | phone | unchanged | 0 |" in summary
    assert summary.count("](data:image/jpeg;base64,/9j/") == 3  # both sides, and the new one
    listed = CliRunner().invoke(main, ["env", "show", reference]).output
    assert "pages: 1 changed, 1 new, 2 unchanged" in listed

    # What is approved is not asked again; what is compared with is recorded. Production goes on.
    for path in ("/", "/new/"):
        assert decide_changes(reference, "approved", path=path, actor="ada") == 1
    region = ignore_part(reference, box=(0, 5000, 9, 9), actor="ada")
    code, said = compare(reference, "--page", "/none/")
    assert (code, said["verdict"]) == (1, "failed")
    heed_part(reference, region, actor="ada")
    site.repository.git("checkout", "--quiet", "main")
    site.deploy("main", commit=site.commit(page("7.00")))
    based = place_comparison(reference, ["/"], baseline="approved", actor="ada")
    code, said = compare(reference, "--page", "/", "--baseline", "merge-base")  # two at once
    assert (code, said["verdict"], said["baseline"]) == (0, "approved", "merge-base")
    approved = site.stage.eventually(ended_of(based), "the one beside it", 120)
    assert (approved.baseline, worst(approved.pages)) == ("approved", "unchanged")
    assert approved.production_commit == head
    code, said = compare(reference, "--page", "/")
    assert (code, said["verdict"], said["baseline"]) == (9, "changed", "production")
    with unit_of_work() as work:
        rows = comparisons.list_comparisons(work, environment)
    latest = site.environment("main").last_deployed_commit
    assert [r.production_commit for r in rows if r.baseline != "approved"] == [
        latest, base, base, base,
    ]  # fmt: skip
    pictures = list((pictures_root() / "pictures").rglob("*.png"))
    assert 0 < len(pictures) <= 9  # each look of each page and width once

    # A run that was killed is ended by reconcile; pictures that nobody knows go.
    with unit_of_work() as work:
        lost = comparisons.create_comparison(
            work, environments.get_environment(work, f"{site.name}/feature"), [], by="ada"
        )
        lost.status, lost.process, lost.host = "running", "999999:1.00", row.host
        lost.flow_run_id, lost.started_at = made, now()
    orphan = folder_of(made).with_name("orphan")
    orphan.mkdir()
    assert repair_comparisons.fn() >= 1
    with unit_of_work() as work:
        ended_row = comparisons.get_comparison(work, lost.id)
        assert ended_row.status == "failed"
        assert ended_row.error is not None
        assert "killed" in ended_row.error["detail"]
    assert not orphan.exists()
    assert folder_of(made).exists()
