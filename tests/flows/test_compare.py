"""An environment's pages beside production's, by real deployments and a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from greenroom.comparing import folder_of, place_comparison
from greenroom.errors import InvalidInput
from greenroom.store import comparisons, environments
from greenroom.store.models import Comparison, now
from greenroom.store.work import unit_of_work
from tasks.comparing import repair_comparisons

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


def test_what_changed_is_named_and_what_did_not_is_left_alone(
    new_site: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = new_site(page("Shop", "9.90"))
    site.deploy("main")
    reference = f"{site.name}/{site.environment('main').name}"
    with pytest.raises(InvalidInput, match="production is what others"):
        place_comparison(reference, actor="ada")
    site.deploy("feature", commit=site.commit(page("Shop", "8.90"), "feature"))
    made = place_comparison(f"{site.name}/feature", actor="ada")

    def ended() -> Comparison | None:
        with unit_of_work() as work:
            row = comparisons.get_comparison(work, made)
        return row if row.status in comparisons.FINAL else None

    row = site.stage.eventually(ended, "the comparison's end", 120)
    assert (row.status, row.error) == ("done", None)
    verdicts = {(p["path"], p["viewport"]): p["verdict"] for p in row.pages}
    assert verdicts == {
        ("/", "desktop"): "changed", ("/", "phone"): "changed",
        ("/about/", "desktop"): "unchanged", ("/about/", "phone"): "unchanged",
    }  # fmt: skip
    for found in row.pages[:2]:
        (change,) = found["changes"]
        assert (change["text_before"], change["text_after"]) == ("9.90", "8.90")
    assert "8.90" in (folder_of(made) / "report.html").read_text()

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
