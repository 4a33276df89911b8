"""Take a picture of one element of a page, in a process of its own.

usage: python -m greenroom.compare.element, with a JSON object on standard input
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from greenroom.compare.apart import ask_apart, end_with_parent
from greenroom.compare.browser import started_browser
from greenroom.settings import ROOT

SECONDS = 60.0
MARGIN_PX = 120
"""Of the page around the element, so that one sees where it is."""
MOST_WIDTH_PX, MOST_HEIGHT_PX = 1600, 1200
_LOCATE = ROOT / "greenroom" / "gateway" / "overlay" / "anchor.js"
_OUTLINE = """([kept, box]) => {
  const found = LOCATE(kept);
  if (!found) return null;
  found.scrollIntoView({ block: "center" });
  let at = found.getBoundingClientRect();
  if (box) at = { left: at.left + box[0] * at.width, top: at.top + box[1] * at.height,
                  width: box[2] * at.width, height: box[3] * at.height };
  const mark = document.createElement("div");
  Object.assign(mark.style, { position: "absolute", zIndex: 2147483647, pointerEvents: "none",
    left: `${at.left + scrollX - 3}px`, top: `${at.top + scrollY - 3}px`,
    width: `${at.width + 6}px`, height: `${at.height + 6}px`,
    border: "3px solid #2f7d5b", borderRadius: "4px", boxSizing: "border-box" });
  document.documentElement.append(mark);
  return [at.left + scrollX, at.top + scrollY, at.width, at.height];
}"""


@dataclass(frozen=True)
class Wanted:
    """One element of one page."""

    url: str
    anchor: dict[str, Any]
    """As the overlay kept it."""
    width: int
    height: int
    """Of the window in which it was commented on."""
    file: str
    """Where the PNG goes."""
    cookie: dict[str, str] | None = None
    """The pass by which our browser sees a closed preview."""


def picture_element(wanted: Wanted) -> bool:
    """Take the picture; False when the page does not answer or the element is not on it.

    A page of which the element is gone is pictured from its top: that is what its reader sees.
    """
    return ask_apart(__name__, asdict(wanted), SECONDS) is True


def _take(page: Page, wanted: Wanted) -> bool:
    answer = page.goto(wanted.url, wait_until="load")
    if answer is None or answer.status >= 400:
        return False
    with suppress(PlaywrightTimeout):
        page.wait_for_load_state("networkidle", timeout=5000)
    page.evaluate("document.fonts.ready.then(() => null)")
    source = _LOCATE.read_text(encoding="utf-8").replace("export const", "const")
    code = _OUTLINE.replace("LOCATE(kept)", f"(() => {{ {source}; return locate; }})()(kept)")
    place = page.evaluate(code, [wanted.anchor, wanted.anchor.get("box")])
    page.screenshot(path=wanted.file, full_page=True, clip=_clip(place, wanted, _size(page)))
    return True


def _size(page: Page) -> tuple[float, float]:
    root = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    )
    return float(root[0]), float(root[1])


def _clip(place: list[float] | None, wanted: Wanted, page_size: tuple[float, float]) -> Any:
    """Give the part of the page to show: the element, and some of what is around it."""
    width = min(float(wanted.width), MOST_WIDTH_PX, page_size[0])
    if place is None:
        height = min(float(wanted.height), MOST_HEIGHT_PX, page_size[1])
        return {"x": 0, "y": 0, "width": width, "height": height}
    left, top, _, tall = place
    y = max(0.0, min(top - MARGIN_PX, page_size[1] - 1))
    height = max(1.0, min(tall + 2 * MARGIN_PX, MOST_HEIGHT_PX, page_size[1] - y))
    x = max(0.0, min(left - MARGIN_PX, page_size[0] - width))
    return {"x": x, "y": y, "width": width, "height": height}


def main() -> None:
    """Answer one question."""
    end_with_parent()
    wanted = Wanted(**json.load(sys.stdin))
    with started_browser() as browser:
        context = browser.new_context(
            viewport={"width": wanted.width, "height": wanted.height},
            reduced_motion="reduce", bypass_csp=True,
        )  # fmt: skip
        if wanted.cookie is not None:
            name, value, url = (wanted.cookie[key] for key in ("name", "value", "url"))
            context.add_cookies([{"name": name, "value": value, "url": url}])
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("dialog", lambda dialog: dialog.dismiss())
        try:
            is_taken = _take(page, wanted)
        except PlaywrightError:
            is_taken = False
    json.dump(is_taken, sys.stdout)


if __name__ == "__main__":
    main()
