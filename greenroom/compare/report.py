"""A comparison as a page that can be sent to somebody: one file, nothing loaded from anywhere."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from greenroom.compare.kept import place_of, viewer_script, viewer_style
from greenroom.compare.words import as_viewed, count_verdicts, describe_change, short_selector
from greenroom.compare_verdicts import worst

QUALITY = 80
"""Of the pictures in the page, JPEG's 0 to 100."""
MOST_PX = 65_000
"""JPEG ends at 65,535: what is taller is shown smaller, and whole."""
MOST_THUMBS = 6
_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 1700px; padding: 1.25rem; }
h1 { font-size: 1.3rem; margin: 0; } .told { margin: .2rem 0 1rem; opacity: .75; }
noscript li { overflow-wrap: anywhere; }
@media (hover: none) { .keys { display: none; } }
"""
_START = """
const data = JSON.parse(document.getElementById('comparison').textContent);
for (const page of data.pages) for (const side of [page.before, page.after]) if (side) {
  const coded = atob(side.url.slice(side.url.indexOf(',') + 1));
  const octets = Uint8Array.from(coded, letter => letter.charCodeAt(0));
  side.url = URL.createObjectURL(new Blob([octets], {type: 'image/jpeg'}));
}
new Viewer(document.getElementById('viewer'), data, () => {});
"""


def markdown(title: str, pages: Sequence[dict[str, Any]], root: Path) -> str:
    """Give the summary for Prefect's own pages, with small pictures of what changed."""
    rows = "\n".join(
        f"| `{_cell(page['path'])}` | {page['viewport']} | {page['verdict']} |"
        f" {len(page['changes'])} |"
        for page in pages
    )
    shown = [page for page in pages if page["verdict"] not in ("unchanged", "failed")]
    thumbs = "\n\n".join(
        f"`{_cell(page['path'])}` {page['viewport']}: production, here\n\n"
        + " ".join(
            f"![{side}]({_coded(place_of(root, page[side]['thumb']))})"
            for side in ("before", "after") if page[side]
        )
        for page in shown[:MOST_THUMBS]
    )  # fmt: skip
    return (
        f"# {title}\n\n**{worst(pages)}**: {count_verdicts(pages)}\n\n"
        f"| Page | Width | Verdict | Changes |\n|---|---|---|---|\n{rows}\n\n{thumbs}\n"
    )


def _cell(text: str) -> str:
    return text.replace("|", "%7C").replace("`", "%60")


def render(title: str, pages: Sequence[dict[str, Any]], root: Path) -> str:
    """Give the page; every text in it comes from somewhere, and is escaped or set as text."""
    viewed = {
        "can": False, "number": 0, "heard": [], "pages": [_embedded(page, root) for page in pages],
    }  # fmt: skip
    data = json.dumps(viewed).replace("<", "\\u003c")
    keys = "Keys: n and p for changes, 1 to 5 for how, z for pixels."
    told = f'{escape(count_verdicts(pages))}. <span class="keys">{keys}</span>'
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}{viewer_style()}</style></head><body>"
        f'<h1>{escape(title)}</h1><p class="told">{told}</p><div id="viewer"></div>'
        f"<noscript>{''.join(map(_plain, pages))}</noscript>"
        f'<script type="application/json" id="comparison">{data}</script>'
        f"<script>{viewer_script()}{_START}</script></body></html>\n"
    )


def _plain(page: dict[str, Any]) -> str:
    """Tell a page in words, for readers that run no script."""
    said = "".join(
        f"<li>{escape(describe_change(change))}"
        f" <code>{escape(short_selector(change['selector']))}</code></li>"
        for change in page["changes"]
    )
    head = f"{page['path']} {page['viewport']}: {page['verdict']} {page['failure']}"
    return f"<h2>{escape(head)}</h2><ol>{said}</ol>"


def _embedded(page: dict[str, Any], root: Path) -> dict[str, Any]:
    """Give a page as the viewer takes it, its pictures inside; an unchanged one's only small."""
    is_small = page["verdict"] == "unchanged"

    def url(side: dict[str, Any], kind: str) -> str:
        file = place_of(root, side["picture" if kind == "url" and not is_small else "thumb"])
        return _coded(file)

    viewed = as_viewed(page, url)
    for side in ("before", "after"):
        if is_small and viewed[side] and side == "before":
            viewed[side] = None
    return viewed


def _coded(file: Path) -> str:
    """Give a picture as the address of itself."""
    if not file.exists():
        return "data:image/jpeg;base64,"
    if file.suffix == ".jpg":
        data = file.read_bytes()
    else:
        picture = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_COLOR)
        if picture is None:
            return "data:image/jpeg;base64,"
        if len(picture) > MOST_PX:
            share = MOST_PX / len(picture)
            picture = cv2.resize(picture, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        quality = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
        data = cv2.imencode(".jpg", picture, quality)[1].tobytes()
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
