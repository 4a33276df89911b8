"""How fast an environment's pages load beside production's, page by page, and over time."""

from __future__ import annotations

from functools import partial
from html import escape

import streamlit as st

from greenroom.compare.charts import trend_chart
from greenroom.compare.metrics import BY_NAME
from greenroom.compare.speed_html import STYLE, page_html, word
from greenroom.compare.speed_words import say_page
from ui import acts, look, parts, reads, speed_reads, who

DEVICES = ("desktop", "phone")
TRENDS = ("ttfb", "fcp", "lcp", "load", "tbt", "bytes")


def show(reference: str) -> None:
    """Show the newest measurement, a button for another, and how it went before."""
    is_production = reads.environment(reference).is_production
    st.html(f"<style>{STYLE}</style>")
    if who.may_at("measurement.request", reference):
        _form(reference, is_production)
    rows = speed_reads.listed(reference)
    if not rows:
        look.empty_state(
            "speed", "Nothing was measured yet", "It takes some ten seconds a page and device."
        )
        return
    row = rows[0]
    if row.status in ("queued", "running"):
        _under_way(reference, row.number)
        if len(rows) == 1:
            return
        row = rows[1]
    _head(row)
    if row.pages:
        _summary(row)
    for page in row.pages:
        title = f"{page['path']} · {page['viewport']}"
        is_open = page["verdict"] in ("worse", "over", "failed")
        with st.expander(look.plain(title), expanded=is_open):
            st.html(page_html(page))
    _trend(reference, is_production)


def _form(reference: str, is_production: bool) -> None:
    with st.form("performance", border=False):
        left, right = st.columns([4, 1], vertical_alignment="bottom")
        paths = left.text_input(
            "Pages", placeholder="what production's front page links to",
            help="Paths with spaces between, like: / /about /shop",
        )  # fmt: skip
        with_lighthouse = left.checkbox("With Lighthouse: scores and advice, on three pages")
        sent = right.form_submit_button("Measure", type="primary", icon=":material/speed:")
    do = partial(speed_reads.order, reference, (paths or "").split(), with_lighthouse)
    if sent and acts.act(do):
        st.rerun()


@st.fragment(run_every="2s")
def _under_way(reference: str, number: int) -> None:
    with look.shown_errors():
        row = next(r for r in speed_reads.listed(reference) if r.number == number)
        said = f"Measuring: {len(row.pages)} pages and devices so far."
        if row.status == "queued":
            said = "Waiting to be measured: one measurement runs at a time."
        st.html(f"<p>{look.badge('building')} {said}</p>")
        if row.status not in ("queued", "running"):
            st.rerun()


def _head(row: speed_reads.MeasurementRow) -> None:
    verdict = word(row.verdict) if row.verdict else look.badge(row.status)
    look.section(f"Measurement #{row.number}", verdict)
    beside = look.short_commit(row.production_commit)
    st.html(
        parts.facts(
            [
                ("Here", look.short_commit(row.commit)),
                ("Production", beside),
                ("Asked for by", look.text(row.by)),
                ("When", look.ago(row.at)),
            ],
            wide=True,
        )
    )
    if row.failure:
        st.html(f"<p>{look.text(row.failure)} {look.text(row.hint)}</p>")
    report = row.folder / "report.html"
    if report.exists():
        st.download_button(
            "Download as a page", report.read_bytes(), f"performance-{row.number}.html",
            "text/html", icon=":material/download:", on_click="ignore",
        )  # fmt: skip


def _summary(row: speed_reads.MeasurementRow) -> None:
    parts.table(
        ("Page", "Device", "Verdict", "What"),
        [
            (
                look.code(page["path"]),
                look.text(page["viewport"]),
                f'<span class="gr-whole">{word(page["verdict"])}</span>',
                look.text(say_page(page)),
            )
            for page in row.pages
        ],
        terse=True,
    )


def _trend(reference: str, is_production: bool) -> None:
    look.section("Over time", look.tag("every night" if is_production else "by measurement"))
    left, right = st.columns(2)
    metric = left.segmented_control(
        "Metric", TRENDS, default="lcp", format_func=lambda name: BY_NAME[name].title,
        label_visibility="collapsed", required=True,
    )  # fmt: skip
    device = right.segmented_control(
        "Device", DEVICES, default="desktop", label_visibility="collapsed", required=True
    )
    found = speed_reads.trends(reference, metric or "lcp", device or "desktop")
    if not found:
        st.html('<p class="gr-soft">Nothing was measured to its end yet.</p>')
        return
    st.html(f'<div class="gr-trends">{"".join(map(partial(_card, metric or "lcp"), found))}</div>')


def _card(metric: str, trend: speed_reads.Trend) -> str:
    measured = BY_NAME[metric]
    first, last = trend.points[0][1], trend.points[-1][1]
    said = f"{measured.title} of {trend.path}: {measured.say(last)}"
    change = measured.say(last - first, signed=True)
    since = f"{change} since {trend.points[0][0].split(',')[0]}" if len(trend.points) > 1 else ""
    points = [(f"{when}: {measured.say(v)}", v, low, high) for when, v, low, high in trend.points]
    return (
        f"<figure><figcaption>{look.code(trend.path)} <b>{escape(measured.say(last))}</b>"
        f' <span class="gr-soft">{escape(since)}</span></figcaption>'
        f"{trend_chart(points, said)}</figure>"
    )
