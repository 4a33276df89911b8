"""Compare one view of two sites: take pictures, find what moves by itself, give the verdict."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from greenroom.compare.capture import Captured, View, capture
from greenroom.compare.difference import (
    Box,
    Change,
    ChangeKind,
    Difference,
    RowBand,
    Shot,
    difference,
    noise,
)
from greenroom.compare.pictures import keep_shot, load_shot
from greenroom.compare.pixels import decode, size_of
from greenroom.compare.visit import Visitor
from greenroom.compare_rules import Ignored

MOST_TOLD = 60
"""Changes that are told of one view."""
MOST_BANDS = 400
PROBES = 2
"""More pictures of a side that seems to have changed: what differs between them is no change."""
Look = Callable[[], Captured]


@dataclass(frozen=True)
class Question:
    """One view of two sites."""

    before: Visitor
    after: Visitor
    view: View
    folder: str
    """Where all comparisons keep their pictures."""
    ignored: tuple[Ignored, ...] = ()
    baseline: dict[str, Any] | None = None
    """A kept picture that stands for production."""


@dataclass
class _Side:
    """A side's picture, and what moves on it by itself."""

    look: Look | None
    """Takes it again; None for a kept one."""
    first: Captured
    moving: tuple[Box, ...] = field(default=())

    def probe(self) -> bool:
        """Take it again, and once more if that differs; whether something moves by itself."""
        shots = [self.first.shot] if self.first.shot else []
        for _ in range(PROBES if self.look else 0):
            again = self.look().shot if self.look else None
            if again is None or not shots:
                break
            shots.append(again)
            if len(shots) == 2 and not noise(shots):
                break
        self.moving = noise(shots) if len(shots) > 1 else ()
        return bool(self.moving)


def answer(browser: Browser, question: Question) -> dict[str, Any]:
    """Give the verdict on a view, with what was seen."""
    view, root = question.view, Path(question.folder)
    ignored = [one for one in question.ignored if one.holds(view.path, view.viewport.name)]
    selectors = tuple(one.selector for one in ignored if one.selector)
    sides = []
    for visitor, kept in ((question.before, question.baseline), (question.after, None)):
        if kept is not None:
            shot = load_shot(root, kept)
            failure = "" if shot else "The picture it is compared with is gone."
            covered = tuple(Box(*box) for box in kept.get("masked", ()))
            sides.append(_Side(None, Captured(shot, failure, masked=covered)))
            continue

        def look(visitor: Visitor = visitor) -> Captured:
            return capture(browser, visitor, view, selectors)

        sides.append(_Side(look, look()))
    told = empty(view)
    for key, side in zip(("before", "after"), sides, strict=True):
        if side.first.shot is not None:
            told[key] = keep_shot(root, side.first.shot)
    boxes = tuple(Box(*one.box) for one in ignored if one.box)
    return told | _judge(sides[0], sides[1], boxes)


def empty(view: View) -> dict[str, Any]:
    """Give what is told of a view of which nothing is known."""
    return {
        "path": view.path, "state": view.state.name if view.state else "",
        "viewport": view.viewport.name, "scheme": view.scheme, "verdict": "failed", "failure": "",
        "notes": [], "changes": [], "left_out": 0, "ratio": 0.0, "masks": 0, "masked": [],
        "rows": [], "before": None, "after": None,
    }  # fmt: skip


def _judge(before: _Side, after: _Side, boxes: tuple[Box, ...]) -> dict[str, Any]:
    notes = [*(f"production: {note}" for note in before.first.notes),
             *(f"here: {note}" for note in after.first.notes)]  # fmt: skip
    one, other = before.first.shot, after.first.shot
    if one is None or other is None:
        return {"notes": notes, **_one_sided(before.first, after.first)}
    if before.first.led_to != after.first.led_to:
        for name, side in (("production", before), ("here", after)):
            if side.first.led_to:
                notes.append(f"{name}: the page led to {side.first.led_to}")
    here, there = boxes, boxes
    if before.look is None or after.look is None:  # other rules held when that picture was kept
        here, there = (*boxes, *before.first.masked), (*boxes, *after.first.masked)
    found = difference(one, other, here, after_masks=there)
    if found.changes and any([before.probe(), after.probe()]):
        found = difference(one, other, (*here, *before.moving), after_masks=(*there, *after.moving))
    changes = [change for change in found.changes if not is_filler(change, one, other)]
    masked = {
        "before": [*before.first.masked, *boxes, *before.moving],
        "after": [*after.first.masked, *boxes, *after.moving],
    }
    return {
        "verdict": "changed" if changes else "unchanged", "notes": notes,
        "changes": [describe(change) for change in changes[:MOST_TOLD]],
        "left_out": max(0, len(changes) - MOST_TOLD),
        "left_signature": _signed(changes[MOST_TOLD:]), "ratio": float(found.ratio),
        "masks": len(before.moving) + len(after.moving),
        "masked": {key: [list(asdict(box).values()) for box in value]
                   for key, value in masked.items()},
        "rows": _bands(found),
    }  # fmt: skip


def _signed(changes: Sequence[Change]) -> str:
    """Sign changes together: what is said of them holds for no others. Empty without any."""
    every = "\n".join(sorted(change.signature for change in changes))
    return hashlib.sha256(every.encode()).hexdigest()[:32] if changes else ""


def _bands(found: Difference) -> list[list[Any]]:
    """Give the runs of rows; the smallest are left out where there are too many to show."""
    rows: Sequence[RowBand] = found.rows
    if len(rows) > MOST_BANDS:
        least = sorted((row.height for row in rows), reverse=True)[MOST_BANDS]
        rows = [row for row in rows if row.height > least]
    return [[row.before_top, row.after_top, row.height, str(row.kind)] for row in rows]


def _one_sided(before: Captured, after: Captured) -> dict[str, Any]:
    """Judge a view that only one side shows."""
    if before.shot is None and after.shot is not None and before.status == 404:
        return {"verdict": "new"}
    if after.shot is None and before.shot is not None and after.status == 404:
        return {"verdict": "gone"}
    said = [f"production: {before.failure}" if before.failure else ""]
    said += [f"here: {after.failure}" if after.failure else ""]
    return {"failure": " ".join(filter(None, said))}


def describe(change: Change) -> dict[str, Any]:
    """Give a change for the store."""
    return {
        "kind": str(change.kind), "what": change.what[:500], "selector": change.selector,
        "text_before": change.text_before[:200], "text_after": change.text_after[:200],
        "styles": {name: list(pair) for name, pair in change.styles.items()},
        "before": asdict(change.before) if change.before else None,
        "after": asdict(change.after) if change.after else None,
        "pixels": int(change.pixels), "signature": change.signature,
    }  # fmt: skip


def is_filler(change: Change, before: Shot, after: Shot) -> bool:
    """Whether a band is only the window's ground below a page that is shorter than the window.

    Both pictures then have the window's height, and what is inserted above costs ground below.
    """
    shot, box = (before, change.before) if change.after is None else (after, change.after)
    if box is None or (change.before and change.after) or size_of(before.png) != size_of(after.png):
        return False
    if change.kind not in (ChangeKind.INSERTED, ChangeKind.REMOVED):
        return False
    picture = decode(shot.png)
    band = picture[box.top : box.top + box.height, box.left : box.left + box.width]
    is_wide = box.width == picture.shape[1]
    return is_wide and bool((picture[box.top :] == picture[-1, 0]).all()) and band.size > 0
