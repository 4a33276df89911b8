"""The comparison on an environment's page: what it tells, and what anybody may have written."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from greenroom.comparing import folder_of
from greenroom.store import comparisons, environments
from greenroom.store.work import unit_of_work
from tests.ui.conftest import HOSTILE

pytestmark = [pytest.mark.ui, pytest.mark.needs_postgres]
ENV = "shop/fix-tax"


def compared(status="done", pages=()):
    with unit_of_work() as work:
        row = comparisons.create_comparison(
            work, environments.get_environment(work, ENV), ["/"], by="ada"
        )
        row.status, row.pages = status, list(pages)
    folder = folder_of(row.id)
    folder.mkdir(parents=True)
    for name in ("0-before.png", "0-after.png"):
        cv2.imwrite(str(folder / name), np.full((60, 90, 3), 230, np.uint8))
    (folder / "report.html").write_text("<!doctype html>")
    return row


def page(**other):
    plain = {"path": "/", "viewport": "phone", "verdict": "unchanged", "failure": "", "masks": 0,
             "changes": [], "ratio": 0.0, "before": None, "after": None}  # fmt: skip
    return plain | other


def test_changes_are_told_with_their_pictures_and_as_text(seeded, open_page, shown):
    change = {"kind": "changed", "what": HOSTILE, "selector": "main > h1", "text_before": "old",
              "text_after": HOSTILE, "styles": {}, "before": None, "after": None, "pixels": 9,
              "signature": "x"}  # fmt: skip
    compared(pages=[
        page(verdict="changed", changes=[change], before="0-before.png", after="0-after.png"),
        page(path="/x", verdict="failed", failure=f"here: {HOSTILE}"),
    ])  # fmt: skip
    text = shown(open_page("environment", env=ENV, part="compare"))
    for word in ("Comparison #1", "/ · phone · changed", "main &gt; h1", "old", "/x · phone"):
        assert word in text, word
    assert "<img src=x" not in text
    assert text.count("Production") >= 1


def test_one_that_is_under_way_says_so(seeded, open_page, shown):
    compared("running", [page()])
    text = shown(open_page("environment", env=ENV, part="compare"))
    assert "1 pictures so far" in text


def test_a_path_that_is_none_is_refused(seeded, open_page, shown):
    test = open_page("environment", env=ENV, part="compare")
    next(t for t in test.text_input if t.label == "Pages").input("about")
    next(b for b in test.button if b.label == "Compare").click()
    assert "is no path" in shown(test.run())
    with unit_of_work() as work:
        environment = environments.get_environment(work, ENV)
        assert not comparisons.list_comparisons(work, environment)
