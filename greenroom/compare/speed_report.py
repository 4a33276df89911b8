"""A measurement as a page that can be sent to somebody: one file, nothing loaded from anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from greenroom.compare.speed_html import STYLE, page_html, word
from greenroom.compare.speed_words import say_page, say_verdict

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 64rem; padding: 1.5rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .3rem; overflow-wrap: anywhere; }
.tag { border: 1px solid; border-radius: 1rem; font-size: .8rem; padding: .1rem .6rem; }
@media (max-width: 700px) { body { padding: 1rem; } }
"""
_EXPLAINED = (
    "Both sites were visited in turns by the same browser on the same machine, with nothing cached."
    " A page is called slower only where a rank test and a smallest difference agree, corrected for"
    " the number of pages and metrics. Bars are 95 % intervals of the difference; what lies in the"
    " shaded part does not count."
)


def markdown(title: str, verdict: str, pages: Sequence[dict[str, Any]]) -> str:
    """Give the summary for Prefect's own pages."""
    rows = "\n".join(
        f"| `{page['path']}` | {page['viewport']} | {say_verdict(page['verdict'])} |"
        f" {say_page(page).replace('|', '/')} |"
        for page in pages
    )
    return (
        f"# {title}: {say_verdict(verdict)}\n\n| Page | Device | Verdict | What |\n"
        f"|---|---|---|---|\n{rows}\n"
    )


def render(title: str, verdict: str, pages: Sequence[dict[str, Any]]) -> str:
    """Give the page; every text in it comes from somewhere and is escaped."""
    body = "".join(
        f'<h2>{escape(page["path"])} <span class="tag">{escape(page["viewport"])}</span>'
        f" {word(page['verdict'])}</h2>"
        f'<p class="gr-lede">{escape(say_page(page))}</p>{page_html(page)}'
        for page in pages
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}{STYLE}</style></head><body>"
        f"<h1>{escape(title)}: {word(verdict)}</h1><p>{escape(_EXPLAINED)}</p>{body}"
        "</body></html>\n"
    )
