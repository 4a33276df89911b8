"""What differs between an environment and production, page by page."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from greenroom.compare.words import describe_change, short_selector
from ui import acts, compare_reads, look, parts, reads


def show(reference: str) -> None:
    """Show the newest comparison, and a button for another."""
    if reads.environment(reference).is_production:
        look.empty_state(
            "compare", "This is production", "Open a staging environment: it is compared with this."
        )
        return
    _form(reference)
    rows = compare_reads.listed(reference)
    if not rows:
        look.empty_state("compare", "Nothing was compared yet", "It takes some seconds a page.")
        return
    row = rows[0]
    if row.status in ("queued", "running"):
        _under_way(reference, row.number)
        return
    _head(row)
    for page in row.pages:
        _page(row, page)


def _form(reference: str) -> None:
    with st.form("compare", border=False):
        left, right = st.columns([4, 1], vertical_alignment="bottom")
        paths = left.text_input(
            "Pages", placeholder="what production's front page links to",
            help="Paths with spaces between, like: / /about /shop",
        )  # fmt: skip
        sent = right.form_submit_button("Compare", type="primary", icon=":material/compare:")
    do = partial(compare_reads.order, reference, (paths or "").split())
    if sent and acts.act(do):
        st.rerun()


@st.fragment(run_every="2s")
def _under_way(reference: str, number: int) -> None:
    with look.shown_errors():
        row = next(r for r in compare_reads.listed(reference) if r.number == number)
        st.html(f"<p>{look.badge('building')} Comparing: {len(row.pages)} pictures so far.</p>")
        if row.status not in ("queued", "running"):
            st.rerun()


def _head(row: compare_reads.ComparisonRow) -> None:
    look.section(f"Comparison #{row.number}", look.tag(row.status))
    st.html(
        parts.facts(
            [
                ("Here", look.short_commit(row.commit)),
                ("Production", look.short_commit(row.production_commit)),
                ("Asked for by", look.text(row.by)),
                ("When", look.ago(row.at)),
            ],
            wide=True,
        )
    )
    if row.failure:
        st.html(f"<p>{look.text(row.failure)}</p>")
    report = row.folder / "report.html"
    if report.exists():
        st.download_button(
            "Download as a page", report.read_bytes(), f"comparison-{row.number}.html", "text/html",
            icon=":material/download:", on_click="ignore",
        )  # fmt: skip


def _page(row: compare_reads.ComparisonRow, page: dict[str, Any]) -> None:
    verdict = str(page["verdict"])
    title = f"{page['path']} · {page['viewport']} · {verdict}"
    with st.expander(look.plain(title), expanded=verdict != "unchanged"):
        if page["failure"]:
            st.html(f"<p>{look.text(str(page['failure']))}</p>")
        if page["changes"]:
            parts.table(
                ("", "What", "Where"),
                [
                    (
                        f"<b>{number}</b>",
                        look.text(describe_change(change)),
                        look.code(short_selector(str(change["selector"]))[-80:]),
                    )
                    for number, change in enumerate(page["changes"], 1)
                ],
                terse=True,
            )
        for column, side, name in zip(
            st.columns(2), ("before", "after"), ("Production", "Here"), strict=True
        ):
            file = row.folder / str(page[side])
            if page[side] and file.exists():
                column.image(file.read_bytes(), caption=name)
