"""An environment's pages beside production's, by real deployments and a real browser."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from greenroom import orders
from greenroom.compare_verdicts import decided, worst
from greenroom.comparing import decide_changes, folder_of, pictures_root, place_comparison
from greenroom.errors import InvalidInput
from greenroom.settings import load_settings
from greenroom.store import comparisons, environments
from greenroom.store.models import Comparison, Deployment, now
from greenroom.store.work import unit_of_work
from tasks.compare_orders import order_comparison
from tasks.comparing import repair_comparisons
from tasks.values import DeployRequest

pytestmark = [pytest.mark.flows, pytest.mark.needs_browser]


def page(title: str, price: str) -> dict[str, str]:
    html = (
        "<!doctype html><html lang=en><head><title>Shop</title></head><body style='margin:0'>"
        f"<h1>{title}</h1><p id=price>{price}</p><p id=clock></p><a href='/about/'>About</a>"
        "<script>setInterval(() => clock.textContent = Date.now() + Math.random(), 7)</script>"
        "</body></html>"
    )
    about = "<!doctype html><html lang=en><body><h1>About us</h1></body></html>"
    stuck = "<!doctype html><html><body><script>while (true) {}</script></body></html>"
    return {"index.html": html, "about/index.html": about, "stuck/index.html": stuck}


def ended_of(comparison_id: uuid.UUID) -> Callable[[], Comparison | None]:
    def ended() -> Comparison | None:
        with unit_of_work() as work:
            row = comparisons.get_comparison(work, comparison_id)
        return row if row.status in comparisons.FINAL else None

    return ended


def test_what_changed_is_named_and_what_did_not_is_left_alone(
    new_site: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = new_site(page("Shop", "9.90"))
    site.deploy("main")
    reference = f"{site.name}/{site.environment('main').name}"
    with pytest.raises(InvalidInput, match="production is what others"):
        place_comparison(reference, actor="ada")
    site.deploy("feature", commit=site.commit(page("Shop", "8.90"), "feature"))
    monkeypatch.setenv("GREENROOM_COMPARE_AFTER_DEPLOYMENT", "true")
    load_settings.cache_clear()
    with unit_of_work() as work:
        order = orders.record_deploy(
            work, environments.get_environment(work, f"{site.name}/feature"), actor="ada"
        )
        deployment = work.get_one(Deployment, order.deployment_id)
        deployment.status = "live"
    order_comparison.fn(
        DeployRequest(order.deployment_id, order.environment_id, f"{site.name}/feature", "")
    )
    with unit_of_work() as work:
        environment = environments.get_environment(work, f"{site.name}/feature")
        (row,) = comparisons.list_comparisons(work, environment)
        made = row.id
        assert row.requested_by == "deployment"

    row = site.stage.eventually(ended_of(made), "the comparison's end", 120)
    assert (row.status, row.error) == ("done", None)
    verdicts = {(p["path"], p["viewport"]): p["verdict"] for p in row.pages}
    widths = ("desktop", "tablet", "phone")
    assert verdicts == {
        **{("/", width): "changed" for width in widths},
        **{("/about/", width): "unchanged" for width in widths},
    }
    for found in row.pages[:3]:
        (change,) = found["changes"]
        assert (change["text_before"], change["text_after"]) == ("9.90", "8.90")
    assert "8.90" in (folder_of(made) / "report.html").read_text()

    # What is approved is not asked again; with what was approved, nothing has changed.
    assert (
        decide_changes(f"{site.name}/feature", "approved", path="/", actor="ada") == 1
    )  # at every width
    again = site.stage.eventually(
        ended_of(place_comparison(f"{site.name}/feature", ["/"], actor="ada")), "another", 120
    )
    with unit_of_work() as work:
        said = comparisons.said_in(work, environment.project_id)
    assert worst(decided(again.pages, said)) == "approved"
    based = site.stage.eventually(
        ended_of(place_comparison(f"{site.name}/feature", ["/"], baseline="approved", actor="ada")),
        "one with what was approved", 120,
    )  # fmt: skip
    assert (based.baseline, worst(based.pages)) == ("approved", "unchanged")
    pictures = list((pictures_root() / "pictures").rglob("*.png"))
    assert 0 < len(pictures) <= 9  # two of three widths of the front page, one of the other's

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
