"""The comparison on an environment's page: what it tells, and what anybody may have written."""

from __future__ import annotations

import cv2
import httpx
import numpy as np
import pytest

from greenroom.compare.difference import Shot
from greenroom.compare.pictures import keep_shot
from greenroom.comparing import folder_of, ignore_part, pictures_root
from greenroom.store import comparisons, environments
from greenroom.store.work import unit_of_work
from tests.ui.conftest import HOSTILE
from tests.ui.test_browser import chromium, open_console  # noqa: F401

pytestmark = [pytest.mark.ui, pytest.mark.needs_postgres]
ENV = "shop/fix-tax"


def compared(status="done", pages=()):
    with unit_of_work() as work:
        row = comparisons.create_comparison(
            work, environments.get_environment(work, ENV), ["/"], by="ada"
        )
        row.status, row.pages, row.views = status, list(pages), 12
    folder = folder_of(row.id)
    folder.mkdir(parents=True)
    (folder / "report.html").write_text("<!doctype html>")
    return row


def picture(tint=230):
    canvas = np.full((2400, 1440, 3), 250, np.uint8)
    for top in range(40, 2300, 120):
        cv2.rectangle(canvas, (60, top), (1380, top + 80), (tint, 190, 150), -1)
    return keep_shot(pictures_root(), Shot(cv2.imencode(".png", canvas)[1].tobytes()))


def page(**other):
    plain = {"path": "/", "state": "", "viewport": "phone", "scheme": "light", "failure": "",
             "verdict": "unchanged", "masks": 0, "changes": [], "ratio": 0.0, "before": None,
             "after": None, "rows": [], "masked": {}, "notes": [], "left_out": 0}  # fmt: skip
    return plain | other


def change(number=1, **other):
    box = {"left": 60, "top": 40 + 120 * number, "width": 400, "height": 80}
    plain = {"kind": "changed", "what": "x", "selector": "main > h1", "text_before": "old",
             "text_after": "new", "styles": {}, "before": box, "after": box, "pixels": 9,
             "signature": f"signature{number}"}  # fmt: skip
    return plain | other


def test_the_viewer_shows_every_way_and_decisions_are_kept(
    seeded,
    console,
    chromium,  # noqa: F811
    tmp_path,
):
    before, after = picture(), picture(90)
    rows = [[0, 0, 400, "same"], [400, 400, 80, "inserted"], [400, 480, 1920, "changed"]]
    masked = {"before": [[700, 600, 300, 200]], "after": []}
    compared(pages=[
        page(viewport="desktop", verdict="changed", changes=[change(1), change(2)],
             before=before, after=after, rows=rows, masked=masked),
        page(verdict="changed", changes=[change(1, text_after=HOSTILE)], before=before,
             after=after),
        page(path="/x", verdict="failed", failure=f"here: {HOSTILE}"),
        page(path="/y", before=before, after=before),
    ])  # fmt: skip
    tab, foreign, complaints = open_console(chromium, console, 1440)
    tab.goto(f"{console}/environment?env={ENV}&part=compare")
    stage = tab.locator(".gv-stage")
    stage.wait_for()
    assert stage.locator(".gv-column").count() == 2
    assert stage.locator(".gv-gap").count() == 1
    assert stage.locator(".gv-mask").count() == 1
    asked = []
    tab.on("request", lambda request: asked.append(request.url))
    for key, name in zip("2345", ("slider", "overlay", "flicker", "difference"), strict=True):
        tab.keyboard.press(key)
        tab.locator(f".gv-pile.{name}").wait_for()
    tab.keyboard.press("z")
    assert stage.evaluate("e => e.scrollWidth") >= 1440
    tab.keyboard.press("v")
    assert stage.locator(".gv-column").count() == 2  # both widths of the page
    tab.keyboard.press("1")
    tab.keyboard.press("n")
    assert tab.locator(".gv-told li.on").inner_text().startswith("changed")
    tab.keyboard.press("a")
    tab.keyboard.press("r")  # while the first is still on its way
    tab.locator(".gv-told i.approved").first.wait_for()
    tab.locator(".gv-item i.rejected").first.wait_for()
    assert not [url for url in asked if not url.startswith(console)]
    assert tab.request.get(f"{console}/pictures/{before['picture']}").ok
    assert tab.request.get(f"{console}/pictures/..%2Fx.png").status in (400, 404)
    tab.screenshot(path=str(tmp_path / "viewer.png"))
    assert (foreign, complaints) == ([], [])
    answer = httpx.get(f"{console}/pictures/{before['picture']}")
    assert answer.status_code in (303, 401)
    with unit_of_work() as work:
        project = environments.get_environment(work, ENV).project_id
        said = comparisons.said_in(work, project)
    assert said == {("/", "signature1"): "approved", ("/", "signature2"): "rejected"}


def test_one_that_is_under_way_says_so(seeded, open_page, shown):
    compared("running", [page()])
    text = shown(open_page("environment", env=ENV, part="compare"))
    assert "1 of 12 pictures so far" in text


def test_what_does_not_count_is_listed_and_heeded_again(seeded, open_page, shown):
    compared(pages=[page()])
    ignore_part(ENV, page="/shop/*", selector=HOSTILE, actor="ada")
    test = open_page("environment", env=ENV, part="compare")
    text = shown(test)
    assert "&lt;img src=x" in text
    next(b for b in test.button if b.label == "Heed again").click().run()
    with unit_of_work() as work:
        project = environments.get_environment(work, ENV).project_id
        assert not comparisons.list_ignored(work, project)


def test_a_path_that_is_none_is_refused(seeded, open_page, shown):
    test = open_page("environment", env=ENV, part="compare")
    next(t for t in test.text_input if t.label == "Pages").input("about")
    next(b for b in test.button if b.label == "Compare").click()
    assert "is no path" in shown(test.run())
    with unit_of_work() as work:
        environment = environments.get_environment(work, ENV)
        assert not comparisons.list_comparisons(work, environment)
