"""Which pages are compared, and how a comparison reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from greenroom.compare.report import markdown, render
from greenroom.compare.run import MOST_LINKED, linked_paths
from greenroom.compare.words import count_verdicts, describe_change, short_selector

pytestmark = pytest.mark.unit
HOSTILE = "<script>alert(1)</script>"


def change(**other: Any) -> dict[str, Any]:
    plain = {"kind": "changed", "what": "price", "selector": "b", "text_before": "1",
             "text_after": "2", "styles": {}, "before": None, "after": None, "pixels": 1,
             "signature": "x"}  # fmt: skip
    return plain | other


def page(**other: Any) -> dict[str, Any]:
    plain = {"path": "/", "viewport": "phone", "verdict": "unchanged", "failure": "",
             "changes": [], "ratio": 0.0, "masks": 0, "before": None, "after": None}  # fmt: skip
    return plain | other


def test_the_pages_are_those_that_the_front_page_links_to() -> None:
    links = ["http://shop.test/a?x=1#y", "/b", "http://shop.test/a", "https://shop.test/tls",
             "http://other.test/c", "mailto:x@y.test", "b", ""]  # fmt: skip
    assert linked_paths("http://shop.test/", links) == ["/", "/a", "/b"]
    assert len(linked_paths("http://shop.test/", [f"/{n}" for n in range(50)])) == MOST_LINKED


def test_a_change_is_said_in_words() -> None:
    assert describe_change(change()) == "changed: “1” → “2”"
    styled = change(text_after="1", styles={"color": ["red", "blue"]})
    assert describe_change(styled) == "changed (color: red → blue)"
    assert describe_change(change(kind="inserted", text_before="")) == "added: “2”"
    assert describe_change(change(kind="removed", text_before="", text_after="")) == "removed"
    assert describe_change(change(kind="moved", text_after="1")) == "moved"
    path = "html > body:nth-of-type(1) > main:nth-of-type(1) > p:nth-of-type(2)"
    assert short_selector(path) == "main > p:nth-of-type(2)"


def test_a_report_is_one_file_whose_texts_are_text(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.full((40, 60, 3), 200, np.uint8))
    changed = page(path=HOSTILE, verdict="changed", before="a.png", after="a.png",
                   changes=[change(what=HOSTILE, text_after=HOSTILE)])  # fmt: skip
    failed = page(path="/x", verdict="failed", failure=HOSTILE)
    made = render(HOSTILE, [changed, failed, page()], tmp_path)
    assert "<script" not in made
    assert made.count("data:image/jpeg;base64,") == 2
    assert "http" not in made.replace("http-equiv", "")
    assert "1 changed, 1 failed, 1 unchanged" in made
    assert count_verdicts([]) == ""
    assert "| `/x` | phone | failed | 0 |" in markdown("t", [failed])
