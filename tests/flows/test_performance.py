"""Load times beside production's, by real deployments, a real browser and real runs."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from greenroom.cli.main import main
from greenroom.errors import InvalidInput, LimitReached
from greenroom.measuring import measurement_folder
from greenroom.settings import load_settings
from greenroom.store import environments, measurements, notices, projects
from greenroom.store.comparisons import FINAL
from greenroom.store.models import Measurement, Notice, now
from greenroom.store.states import NoticeKind
from greenroom.store.work import unit_of_work
from tasks.comparing import begin_comparison
from tasks.timing import (
    begin_measurement,
    order_measurement,
    order_productions,
    repair_measurements,
)
from tasks.values import CompareRequest, DeployRequest, MeasureRequest

pytestmark = [pytest.mark.flows, pytest.mark.needs_browser]
BUSY = """<input id=word oninput="localStorage.word = value"><script>
if (localStorage.word === 'sesame') for (const t = Date.now(); Date.now() - t < 400;);</script>"""
"""Slow for who has logged in."""
RULES = """version: 1
compare:
  login: {page: /, steps: [{fill: "#word", secret: WORD}]}
  performance: {budgets: {/about/: {requests: 0}}, thresholds: {lcp: {least: 90}}}
"""


def page(more: str) -> dict[str, str]:
    head = "<!doctype html><html lang=en><head><title>Shop</title></head><body><h1>Shop</h1>"
    return {
        "index.html": f"{head}{more}<a href='/about/'>About</a></body></html>",
        "about/index.html": f"{head}<p>About us</p></body></html>",
        "greenroom.yaml": RULES if "Date" in more else "version: 1\n",
    }


def test_a_slower_version_is_told_and_production_has_its_trend(
    new_site: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = new_site(page(BUSY.partition("<script>")[0]))
    with pytest.raises(InvalidInput, match="nothing to measure"), unit_of_work() as work:
        project = projects.get_project(work, site.name)
        made = environments.ensure_environment(work, project, "empty", actor="ada")
        measurements.create_measurement(work, made, [], by="ada")
    site.deploy("main")
    site.set_variable("WORD", "sesame")
    site.deploy("feature", commit=site.commit(page(BUSY), "feature"))
    with unit_of_work() as work:
        project = projects.get_project(work, site.name)
        notices.add_target(
            work, site.name, "json", "json://127.0.0.1:9/x", project=project,
            kinds=(NoticeKind.REGRESSION,), actor="ada",
        )  # fmt: skip
    reference, environment = f"{site.name}/feature", site.environment("feature")
    monkeypatch.setenv("GREENROOM_MEASURE_AFTER_DEPLOY", "true")
    load_settings.cache_clear()
    request = DeployRequest(uuid.uuid4(), environment.id, reference, "feature")
    order_measurement.fn(request)

    def newest() -> Measurement | None:
        with unit_of_work() as work:
            rows = measurements.list_measurements(
                work, environments.get_environment(work, reference)
            )
        return rows[0] if rows and rows[0].status in FINAL else None

    row = site.stage.eventually(newest, "the measurement's end", 480)
    assert row.error is None, row.error
    assert (row.status, row.requested_by) == ("done", "deployment")
    verdicts = {(p["path"], p["viewport"]): p["verdict"] for p in row.pages}
    assert set(verdicts) == {("/", "desktop"), ("/", "phone"),
                             ("/about/", "desktop"), ("/about/", "phone")}  # fmt: skip
    assert (row.verdict, verdicts["/", "desktop"], verdicts["/about/", "desktop"]) == (
        "worse", "worse", "over",
    )  # fmt: skip
    assert "slower" in (measurement_folder(row.id) / "report.html").read_text()
    (findings,) = [p["findings"] for p in row.pages if (p["path"], p["viewport"]) == ("/", "phone")]
    assert {f["metric"]: f["least"] for f in findings}["lcp"] == 90
    with unit_of_work() as work:
        told = work.scalars(select(Notice).where(Notice.kind == "regression")).all()
    assert any(reference in notice.title and "/ (desktop)" in notice.body for notice in told)

    # Production alone, by the command that scripts use; then what the calendar does.
    name = f"{site.name}/{site.environment('main').name}"
    said = CliRunner().invoke(main, ["performance", name, "--page", "/about/", "--json"])
    assert said.exit_code == 0, said.output
    alone = json.loads(said.output)
    assert (alone["verdict"], alone["pages"][0]["findings"]) == ("same", [])
    assert alone["pages"][0]["alone"]["lcp"][0] > 0
    assert order_productions.fn([site.name]) == 1
    wrong = CliRunner().invoke(main, ["performance", reference, "--page", "about"])
    assert (wrong.exit_code, "is no path" in wrong.output) == (2, True)

    # A run that was killed is ended by reconcile.
    with unit_of_work() as work:
        lost = measurements.create_measurement(
            work, environments.get_environment(work, reference), [], by="ada"
        )
        lost.status, lost.process, lost.host = "running", "999999:1.00", row.host
        lost.flow_run_id, lost.started_at = row.flow_run_id, now()
    assert repair_measurements.fn() >= 1
    ended = newest()
    assert ended is not None
    assert (ended.id, ended.status) == (lost.id, "failed")
    assert ended.error is not None
    assert "killed" in ended.error["detail"]


def test_a_disk_without_room_refuses_before_anything_is_measured(
    new_site: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREENROOM_LEAST_FREE_BYTES", str(2**60))
    load_settings.cache_clear()
    with pytest.raises(LimitReached, match="nearly full"):
        begin_comparison.fn(CompareRequest(uuid.uuid4(), "shop/x"))
    with pytest.raises(LimitReached, match="nearly full"):
        begin_measurement.fn(MeasureRequest(uuid.uuid4(), "shop/x"))
