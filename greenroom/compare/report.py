"""A comparison as a page that can be sent to somebody: one file, nothing loaded from anywhere."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from greenroom.compare.words import count_verdicts, describe_change, short_selector

QUALITY = 80
"""Of the pictures in the page, JPEG's 0 to 100."""
_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 1500px; padding: 1.5rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin: 2.5rem 0 .5rem; }
.tag { border: 1px solid; border-radius: 1rem; font-size: .8rem; padding: .1rem .6rem; }
.changed, .gone, .failed { color: #b3261e; } .unchanged { color: #146c4e; } .new { color: #7a4d00; }
.pair { display: grid; gap: 1rem; grid-template-columns: 1fr 1fr; align-items: start; }
.pair img { border: 1px solid #8886; max-width: 100%; } figure { margin: 0; }
figcaption { font-size: .85rem; } li { overflow-wrap: anywhere; }
@media (max-width: 700px) { body { padding: 1rem; } .pair { gap: .5rem; } }
"""


def markdown(title: str, pages: Sequence[dict[str, Any]]) -> str:
    """Give the summary for Prefect's own pages."""
    rows = "\n".join(
        f"| `{page['path']}` | {page['viewport']} | {page['verdict']} | {len(page['changes'])} |"
        for page in pages
    )
    return f"# {title}\n\n| Page | Width | Verdict | Changes |\n|---|---|---|---|\n{rows}\n"


def render(title: str, pages: Sequence[dict[str, Any]], folder: Path) -> str:
    """Give the page; every text in it comes from somewhere and is escaped."""
    body = "".join(_section(page, folder) for page in pages)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(title)}</h1><p>{escape(count_verdicts(pages))}. Left: production. Right: the"
        f" environment.</p>{body}</body></html>\n"
    )


def _section(page: dict[str, Any], folder: Path) -> str:
    verdict = escape(page["verdict"])
    head = (
        f'<h2>{escape(page["path"])} <span class="tag">{escape(page["viewport"])}</span>'
        f' <span class="tag {verdict}">{verdict}</span></h2>'
    )
    said = "".join(
        f"<li>{escape(describe_change(change))}"
        f" <code>{escape(short_selector(change['selector']))}</code></li>"
        for change in page["changes"]
    )
    failure = f"<p>{escape(page['failure'])}</p>" if page["failure"] else ""
    if page["verdict"] == "unchanged":
        return head
    pictures = "".join(
        f"<figure>{_picture(folder / page[side]) if page[side] else ''}"
        f"<figcaption>{caption}</figcaption></figure>"
        for side, caption in (("before", "production"), ("after", "the environment"))
    )
    return f'{head}{failure}<ol>{said}</ol><div class="pair">{pictures}</div>'


def _picture(file: Path) -> str:
    picture = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        return ""
    height = min(picture.shape[0], 16_000)  # JPEG ends at 65,535; a reader long before
    _, data = cv2.imencode(".jpg", picture[:height], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    coded = base64.b64encode(data.tobytes()).decode()
    return f'<img alt="" loading="lazy" src="data:image/jpeg;base64,{coded}">'
