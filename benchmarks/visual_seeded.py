"""Edit pages in Chromium: which edits are found, and what is flagged that nobody edited.

Rival: the same pixel rule on the two pictures laid on each other from the top.
"""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from playwright.sync_api import Browser, sync_playwright

from benchmarks.line import Line
from benchmarks.seeded_pages import EDIT, LOOK, NOW, edits, page
from greenroom.compare.difference import Box, ChangeKind, Element, Shot, difference
from greenroom.compare.pixels import changed, decode
from greenroom.compare.regions import boxes

PAGES = 80
MARGIN = 8
GOAL_AREA, GOAL_CLEAN = 0.005, 0.9
Flagged = list[tuple[int, Box]]
"""Boxes with the side they lie on: 0 before, 1 after."""


@dataclass
class Edited:
    before: Shot
    after: Shot
    truth: list[Flagged]
    kinds: list[str]


def run(pages: int = PAGES) -> Line:
    """Render, edit, compare; count what was found and what was flagged beside it."""
    edited = found = 0
    areas, naive_areas, seconds = [], [], []
    clean = naive_clean = 0
    missed: list[str] = []
    false_on: list[str] = []
    for seed, case in enumerate(_cases(pages)):
        begun = time.monotonic()
        told = difference(case.before, case.after)
        seconds.append(time.monotonic() - begun)
        flagged: Flagged = []
        for change in told.changes:
            if change.kind is not ChangeKind.MOVED:
                flagged += [(side, box) for side, box in enumerate((change.before, change.after))
                            if box]  # fmt: skip
        one, other = decode(case.before.png), decode(case.after.png)
        for kind, truth in zip(case.kinds, case.truth, strict=True):
            edited += 1
            if any(s == side and b.shared(box) for s, b in flagged for side, box in truth):
                found += 1
            else:
                missed.append(f"{seed}:{kind}")
        area, wrong = _false(flagged, case, one, other)
        areas.append(area)
        clean += not wrong
        if wrong:
            false_on.append(f"{seed}:{'+'.join(case.kinds)}:{area:.4f}")
        area, wrong = _false(_naive(one, other), case, one, other)
        naive_areas.append(area)
        naive_clean += not wrong
    mean, share = statistics.mean(areas), clean / pages
    met = found == edited and mean <= GOAL_AREA and share >= GOAL_CLEAN
    return Line(
        "visual_seeded", 100 * mean, "% of the page flagged outside edits, mean",
        "top-aligned pixels", 100 * statistics.mean(naive_areas),
        f"all edits found, <= {GOAL_AREA:.1%}, >= {GOAL_CLEAN:.0%} of pages without a false box",
        met,
        {"pages": pages, "edits": edited, "found": found, "clean_pages": clean,
         "clean_pages_naive": naive_clean, "worst": round(100 * max(areas), 3),
         "median_ms": round(1000 * statistics.median(seconds)), "missed": missed,
         "false_boxes_on": false_on},
    )  # fmt: skip


def _cases(pages: int) -> Iterator[Edited]:
    path = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        for seed in range(pages):
            yield _case(browser, seed)
        browser.close()


def _case(browser: Browser, seed: int) -> Edited:
    shown = browser.new_page(viewport={"width": 1280, "height": 800})
    shown.set_content(page(seed))
    before = Shot(shown.screenshot(full_page=True), _elements(shown.evaluate(LOOK)))
    kinds, was = [], []
    for kind, pick, text in edits(seed):
        was.append(shown.evaluate(EDIT, [kind, pick, text]))
        kinds.append(kind)
    now = shown.evaluate(NOW)
    after = Shot(shown.screenshot(full_page=True), _elements(shown.evaluate(LOOK)))
    shown.close()
    truth: list[Flagged] = []
    for kind, place in zip(kinds, was, strict=True):
        sides = [(0, _box(place))] if place else []
        truth.append([*sides, (1, _box(now[kind]))] if kind in now else sides)
    return Edited(before, after, truth, kinds)


def _box(place: list[float]) -> Box:
    left, top = round(place[0]), round(place[1])
    return Box(left, top, round(place[0] + place[2]) - left, round(place[1] + place[3]) - top)


def _elements(looked: list[list]) -> tuple[Element, ...]:
    return tuple(Element(*row) for row in looked)


def _naive(one: np.ndarray, other: np.ndarray) -> Flagged:
    height = min(len(one), len(other))
    marks = np.zeros(other.shape[:2], np.bool_)
    marks[np.divmod(changed(one[:height], other[:height]), one.shape[1])] = True
    marks[height:] = True
    found: Flagged = [(1, box) for box, _ in boxes(marks)]
    if len(one) > height:
        found.append((0, Box(0, height, one.shape[1], len(one) - height)))
    return found


def _false(
    flagged: Flagged, case: Edited, one: np.ndarray, other: np.ndarray
) -> tuple[float, bool]:
    """Give the share of the page flagged outside edits, and whether a box is mostly outside."""
    total, wrong = 0, False
    for side, picture in enumerate((one, other)):
        height, width = picture.shape[:2]
        marks = np.zeros((height, width), np.bool_)
        real = marks.copy()
        for place, box in (sided for truth in case.truth for sided in truth):
            if place == side:
                box.grown(MARGIN, width, height).of(real)[...] = True
        for box in (box for place, box in flagged if place == side):
            box.of(marks)[...] = True
            wrong = wrong or bool(box.of(real).mean() < 0.5)
        total += int((marks & ~real).sum())
    return total / (other.shape[0] * other.shape[1]), wrong
