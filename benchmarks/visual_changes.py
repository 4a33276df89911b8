"""Forty seeded changes of ten kinds in Chromium: each found, and boxed close to its element."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from benchmarks.line import Line
from benchmarks.seeded_pages import page
from benchmarks.served_pages import served
from greenroom.compare.browser import started_browser
from greenroom.compare.capture import View
from greenroom.compare.judge import Question, answer
from greenroom.compare.visit import Visitor, opened
from greenroom.compare_rules import Rules, State, Viewport

EACH, GOAL_PX = 4, 8
WINDOW = Viewport(name="desktop", width=1280, height=800)
KINDS: dict[str, tuple[str, str]] = {
    "colour": ("button", "e.style.background = '#b3123f'"),
    "border": (".card", "e.style.borderColor = '#d22'"),
    "font": (".card b", "e.style.fontFamily = 'serif'; e.style.fontStyle = 'italic'"),
    "moved": (".card .art", "e.style.position = 'relative'; e.style.top = '9px'"),
    "inserted": (
        "body > *",
        """const n = document.createElement('div'); n.textContent = 'Now';
        n.style.cssText = 'padding:14px;background:#ffe08a'; e.before(n); e = n""",
    ),
    "removed": ("header span, .hero p", "e.style.visibility = 'hidden'"),
    "text": (".card b, aside p", "e.textContent = 'anew'"),
    "image": (
        ".art",
        """e.style.background =
        'repeating-linear-gradient(45deg,#333 0 8px,#fc0 0 16px)'""",
    ),
    "z-order": (
        ".hero h1",
        """const o = document.createElement('div'); o.style.cssText =
        'position:absolute;left:0;top:0;width:60px;height:40px;background:#0a0;z-index:9';
        e.style.position = 'relative'; e.append(o); e = o""",
    ),
    "hover": (
        "button",
        """const s = document.createElement('style'); document.head.append(s);
        s.textContent = 'button:hover { background: #b3123f }'""",
    ),
}
"""What is changed, and how."""
_SCRIPT = """<script>addEventListener('DOMContentLoaded', () => {{
  const all = [...document.querySelectorAll({query!r})]; let e = all[{pick} % all.length];
  {act}; e.dataset.changed = 1; }});</script>"""
_BOX = """() => { const r = document.querySelector('[data-changed]').getBoundingClientRect();
  return [r.left, r.top + scrollY, r.right, r.bottom + scrollY]; }"""


def run(each: int = EACH) -> Line:
    """Change, compare, and look how far each box is from its element."""
    rows: dict[str, list[float | None]] = {}
    with tempfile.TemporaryDirectory() as folder, started_browser() as browser:
        for kind in KINDS:
            rows[kind] = [_distance(browser, kind, number, folder) for number in range(1, each + 1)]
    found = [far for row in rows.values() for far in row if far is not None]
    near = [far for far in found if far <= GOAL_PX]
    total = each * len(KINDS)
    return Line(
        "visual_changes", len(near), f"of {total} changes boxed within {GOAL_PX} px", "none", None,
        "all", len(near) == total,
        {"found": len(found), "table": {kind: [None if far is None else round(far) for far in row]
                                        for kind, row in rows.items()}},
    )  # fmt: skip


def _distance(browser: Browser, kind: str, number: int, folder: str) -> float | None:
    """Give how far the nearest box's edges are from the element's at most; None if none is."""
    query, act = KINDS[kind]

    def change(_: str, html: str) -> str:
        return html + _SCRIPT.format(query=query, pick=number * 7, act=act)

    with served() as before, served(change) as after:
        one, other = Visitor(before, Rules()), Visitor(after, Rules())
        with opened(browser, other, WINDOW) as tab:
            tab.goto(f"{after}/{number}", wait_until="networkidle")  # some of it comes late
            truth = tab.evaluate(_BOX)
        state = None
        if kind == "hover":
            count = page(number).count("<button")
            nth = number * 7 % count
            step: dict[str, Any] = {"hover": f"button >> nth={nth}"}
            state = State.model_validate({"name": "hover", "page": f"/{number}", "steps": [step]})
        view = View(f"/{number}", WINDOW, "light", state)
        said = answer(browser, Question(one, other, view, str(Path(folder))))
    boxes = [change["after"] or change["before"] for change in said["changes"]]
    far = [
        max(abs(box["left"] - truth[0]), abs(box["top"] - truth[1]),
            abs(box["left"] + box["width"] - truth[2]), abs(box["top"] + box["height"] - truth[3]))
        for box in boxes
    ]  # fmt: skip
    inside = [_outside(box, truth) for box in boxes]
    return min([*far, *inside], default=None) if boxes else None


def _outside(box: dict[str, int], truth: list[float]) -> float:
    """Give how far a box reaches out of an element it lies in: ink is smaller than its element."""
    return max(truth[0] - box["left"], truth[1] - box["top"], box["left"] + box["width"] - truth[2],
              box["top"] + box["height"] - truth[3], 0.0)  # fmt: skip
