"""A page of a preview as three devices show it, and beside the same page of today's site."""

from __future__ import annotations

import html

from aiohttp import web

from greenroom.gateway.doorpages import language
from greenroom.gateway.pages import NOINDEX
from greenroom.previews import safe_path

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'{today}; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)
SIZES = (("phone", 390, 780, 1.0), ("tablet", 820, 1100, 0.7), ("desktop", 1440, 900, 0.54))
"""Name, width and height in CSS pixels, and how much smaller it is shown."""
_WORDS = {
    "en": {
        "title": "On phone, tablet and desktop", "back": "Back to the page",
        "phone": "Phone", "tablet": "Tablet", "desktop": "Desktop",
        "note": "A page that forbids being framed stays empty here.",
        "beside": "New and today", "new": "New", "today": "Today", "open": "Open it alone",
        "none": "There is no site of today yet.",
    },
    "de": {
        "title": "Auf Handy, Tablet und Desktop", "back": "Zurück zur Seite",
        "phone": "Handy", "tablet": "Tablet", "desktop": "Desktop",
        "note": "Eine Seite, die sich nicht einbetten lässt, bleibt hier leer.",
        "beside": "Neu und heute", "new": "Neu", "today": "Heute", "open": "Allein öffnen",
        "none": "Eine heutige Seite gibt es noch nicht.",
    },
}  # fmt: skip
_STYLE = """:root{color-scheme:light dark;--ink:#1c2321;--soft:#5c6663;--line:#cdd4d0;
--ground:#f6f7f5;--leaf:#2f7d5b}
@media(prefers-color-scheme:dark){:root{--ink:#e8ecea;--soft:#9aa5a1;--line:#2c3532;
--ground:#141917;--leaf:#6fc79d}}
body{margin:0;background:var(--ground);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
header{display:flex;flex-wrap:wrap;gap:.4rem 1.5rem;align-items:baseline;padding:1rem 1.25rem}
h1{font-size:1.15rem;margin:0}a{color:var(--leaf)}header a{display:inline-block;padding:.6rem 0}
main{display:flex;gap:1.5rem;align-items:flex-start;overflow-x:auto;padding:0 1.25rem 1.5rem;
scroll-snap-type:x proximity}
figure{margin:0;flex:none;scroll-snap-align:center}
figcaption{color:var(--soft);font-size:.9rem;margin-bottom:.4rem}
.frame{overflow:hidden;border:1px solid var(--line);border-radius:14px;background:#fff}
.half{flex:1 0 min(24rem,80vw)}.half iframe{width:100%;height:min(78vh,70rem);
border:1px solid var(--line)}
iframe{border:0;transform-origin:0 0;background:#fff;color-scheme:normal}
p{color:var(--soft);margin:0;padding:0 1.25rem 1.5rem}"""


def show(request: web.BaseRequest) -> web.Response:
    """Answer with the page that a visitor asks to see."""
    lang = language(request)
    words = _WORDS[lang]
    page = html.escape(safe_path(request.query.get("page", "/")))
    frames = "".join(
        f"<figure><figcaption>{words[name]}, {width} px</figcaption>"
        f'<div class="frame" style="width:{width * scale:.0f}px;height:{height * scale:.0f}px">'
        f'<iframe title="{words[name]}" src="{page}" style="width:{width}px;height:{height}px;'
        f'transform:scale({scale})"></iframe></div></figure>'
        for name, width, height, scale in SIZES
    )
    return _answer(lang, words["title"], page, frames, words["note"])


def show_beside(request: web.BaseRequest, today: str) -> web.Response:
    """Answer with a page of the preview and the same of today's site, at the origin ``today``.

    On a phone one swipes from one to the other.
    """
    lang = language(request)
    words = _WORDS[lang]
    page = html.escape(safe_path(request.query.get("page", "/")))
    if not today:
        return _answer(lang, words["beside"], page, "", words["none"])
    frames = "".join(
        f'<figure class="half" id="{name}"><figcaption>{words[name]} · <a href="{place}"'
        f' target="_blank" rel="noopener">{words["open"]}</a></figcaption>'
        f'<iframe class="frame" title="{words[name]}" src="{place}"></iframe></figure>'
        for name, place in (("today", f"{html.escape(today)}{page}"), ("new", page))
    )
    return _answer(lang, words["beside"], page, frames, words["note"], f" {today}")


def _answer(
    lang: str, title: str, page: str, frames: str, note: str, today: str = ""
) -> web.Response:
    """Make the page around frames; ``page`` and ``frames`` are HTML already."""
    text = f"""<!doctype html><html lang="{lang}"><head><meta charset="utf-8">
<title>{title}</title><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex"><style>{_STYLE}</style></head><body>
<header><h1>{title}</h1><a href="{page}">{_WORDS[lang]["back"]}</a></header>
<main>{frames}</main><p>{note}</p></body></html>"""
    headers = {
        "X-Robots-Tag": NOINDEX, "Cache-Control": "no-store", "X-Greenroom": "gateway",
        "Content-Security-Policy": POLICY.format(today=today), "Referrer-Policy": "strict-origin",
    }  # fmt: skip
    return web.Response(text=text, content_type="text/html", headers=headers)
