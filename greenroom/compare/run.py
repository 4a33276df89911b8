"""Compare one page of two sites at one width: a program of its own, which can be ended as a whole.

A page whose script loops holds a browser for ever, and nothing inside the page can stop it.
usage: python -m greenroom.compare.run, with a JSON object on standard input
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import cv2
import psutil
from playwright.sync_api import Error as PlaywrightError

from greenroom.compare.browser import started_browser
from greenroom.compare.capture import Captured, Viewport, capture
from greenroom.compare.difference import Change, ChangeKind, Shot, difference, noise
from greenroom.compare.pixels import decode, size_of

VIEWPORTS = (Viewport("desktop", 1440, 900), Viewport("phone", 390, 844))
PAGE_SECONDS = 120.0
MOST_LINKED = 8
MOST_SHOWN = 40
"""Changes that are told of one page."""
_COLOURS = {
    ChangeKind.CHANGED: (36, 28, 237), ChangeKind.INSERTED: (60, 160, 20),
    ChangeKind.REMOVED: (36, 28, 237), ChangeKind.MOVED: (200, 120, 0),
}  # fmt: skip
"""Blue, green, red: as OpenCV has them."""
_LINKS = "[...document.querySelectorAll('a[href]')].map(a => a.href)"


@dataclass(frozen=True)
class Job:
    """One page at one width."""

    production: str
    """Address of production, without a path."""
    environment: str
    path: str
    viewport: str
    folder: str
    """Where the pictures go."""
    name: str
    """What their names begin with."""
    cookie: dict[str, str] | None = None
    """The pass by which our browser sees a closed preview."""


def linked_paths(front: str, links: Sequence[str]) -> list[str]:
    """Choose the pages to compare of what a front page links to: its own site's, in order. Pure."""
    site = urlsplit(front)
    found = ["/"]
    for link in links:
        parts = urlsplit(urljoin(front, link))
        path = parts.path or "/"
        if (parts.scheme, parts.netloc) == (site.scheme, site.netloc) and path not in found:
            found.append(path)
    return found[:MOST_LINKED]


def describe(change: Change) -> dict[str, Any]:
    """Give a change for the store."""
    return {
        "kind": str(change.kind), "what": change.what, "selector": change.selector,
        "text_before": change.text_before[:200], "text_after": change.text_after[:200],
        "styles": {name: list(pair) for name, pair in change.styles.items()},
        "before": asdict(change.before) if change.before else None,
        "after": asdict(change.after) if change.after else None,
        "pixels": change.pixels, "signature": change.signature,
    }  # fmt: skip


def compare_page(job: Job) -> dict[str, Any]:
    """Compare a page; write the pictures that the viewer shows, and give the verdict."""
    viewport = next(v for v in VIEWPORTS if v.name == job.viewport)
    with started_browser() as browser:
        first, probe = (capture(browser, job.production + job.path, viewport) for _ in "ab")
        other = capture(browser, job.environment + job.path, viewport, cookie=job.cookie)
    result: dict[str, Any] = {
        "path": job.path, "viewport": job.viewport, "verdict": "failed", "failure": "",
        "changes": [], "ratio": 0.0, "masks": 0, "before": None, "after": None,
    }  # fmt: skip
    before, after = first.shot, other.shot
    for key, shot in (("before", before), ("after", after)):
        if shot is not None:
            result[key] = f"{job.name}-{key}.png"
            Path(job.folder, result[key]).write_bytes(shot.png)
    if before is None or after is None:
        return result | _one_sided(first, other)
    masks = noise([before, probe.shot]) if probe.shot is not None else ()
    found = difference(before, after, masks)
    told = [change for change in found.changes if not _is_filler(change, before, after)]
    changes = told[:MOST_SHOWN]
    _mark(before, changes, "before", Path(job.folder, f"{job.name}-before.png"))
    _mark(after, changes, "after", Path(job.folder, f"{job.name}-after.png"))
    return result | {
        "verdict": "changed" if told else "unchanged", "ratio": float(found.ratio),
        "changes": [describe(change) for change in changes], "masks": len(masks),
        "left_out": len(told) - len(changes),
    }  # fmt: skip


def _one_sided(first: Captured, other: Captured) -> dict[str, Any]:
    """Judge a page that only one side shows."""
    missing = "The page answered 404."
    if first.shot is None and other.shot is not None and first.failure == missing:
        return {"verdict": "new"}
    if other.shot is None and first.shot is not None and other.failure == missing:
        return {"verdict": "gone"}
    said = [f"production: {first.failure}" if first.failure else ""]
    said += [f"here: {other.failure}" if other.failure else ""]
    return {"failure": " ".join(filter(None, said))}


def _is_filler(change: Change, before: Shot, after: Shot) -> bool:
    """Whether a band is only the window's ground below a page that is shorter than the window.

    Both pictures then have the window's height, and what is inserted above costs ground below.
    """
    shot, box = (before, change.before) if change.after is None else (after, change.after)
    if box is None or (change.before and change.after) or size_of(before.png) != size_of(after.png):
        return False
    picture = decode(shot.png)
    band = picture[box.top : box.top + box.height, box.left : box.left + box.width]
    is_wide = box.width == picture.shape[1]
    return is_wide and bool((picture[box.top :] == picture[-1, 0]).all()) and band.size > 0


def _mark(shot: Shot, changes: Sequence[Change], side: str, file: Path) -> None:
    """Draw numbered boxes around changes."""
    boxes = [(n, change, getattr(change, side)) for n, change in enumerate(changes, 1)]
    if not any(box for _, _, box in boxes):
        return
    picture = cv2.cvtColor(decode(shot.png), cv2.COLOR_BGRA2BGR)
    for number, change, box in boxes:
        if box is None:
            continue
        colour, corner = _COLOURS[change.kind], (box.left, box.top)
        end = (box.left + box.width, box.top + box.height)
        cv2.rectangle(picture, corner, end, colour, 2)
        place = (max(0, box.left), max(14, box.top - 4))
        cv2.putText(picture, str(number), place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, 2)
    cv2.imwrite(str(file), picture)


def find_paths(front: str) -> list[str]:
    """Give the paths of what a site's front page links to; the front page alone if it fails."""
    with started_browser() as browser:
        page = browser.new_page()
        try:
            page.goto(front, wait_until="domcontentloaded", timeout=30_000)
            links = page.evaluate(_LINKS)
        except PlaywrightError:
            links = []
    return linked_paths(front, [str(link) for link in links])


def run_apart(question: dict[str, Any], seconds: float = PAGE_SECONDS) -> Any:
    """Ask in a process of its own; None when it took too long or broke. Nothing of it is left."""
    process = subprocess.Popen(
        [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        said, _ = process.communicate(json.dumps(question).encode(), timeout=seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        _end(process)
    return json.loads(said) if process.returncode == 0 else None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started: a browser survives its parent."""
    if process.poll() is not None:
        return
    family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            pass
    psutil.wait_procs(family, timeout=5)
    process.communicate()  # closes its pipes


def main() -> None:
    """Answer one question."""
    os.nice(5)  # what is deployed and served goes first
    asked = json.load(sys.stdin)
    answer = find_paths(asked["front"]) if "front" in asked else compare_page(Job(**asked))
    json.dump(answer, sys.stdout, default=int)  # numpy has integers of its own


if __name__ == "__main__":
    main()
