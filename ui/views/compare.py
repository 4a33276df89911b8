"""What differs between an environment and production, page by page."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import quote

import streamlit as st
from streamlit.components import v2

from greenroom.compare.kept import viewer_script, viewer_style
from greenroom.compare.words import as_viewed, count_verdicts
from ui import acts, compare_reads, look, parts, reads, who

BASELINES = {
    "": "what the project says", "production": "production as it is now",
    "merge-base": "where the branch began", "approved": "what was approved last",
}  # fmt: skip
_MOUNT = """
const kept = new WeakMap();
export default function ({ data, parentElement, setTriggerValue }) {
  let root = parentElement.querySelector('#viewer');
  if (!root) {
    root = document.createElement('div'); root.id = 'viewer'; parentElement.append(root);
  }
  const known = kept.get(root);
  if (!known) kept.set(root, new Viewer(root, data, setTriggerValue));
  else { known.say = setTriggerValue; if (known.told !== JSON.stringify(data)) known.give(data); }
  kept.get(root).told = JSON.stringify(data);
  return () => { const viewer = kept.get(root); setTimeout(() => {
    if (viewer && !root.isConnected) { viewer.end(); kept.delete(root); } }, 500); };
}
"""


@st.cache_resource
def _viewer() -> Any:
    """Register the viewer once."""
    return v2.component(
        "greenroom_comparison", css=viewer_style(), js=viewer_script() + _MOUNT
    )  # fmt: skip


def show(reference: str) -> None:
    """Show a comparison in the viewer, and a button for another."""
    if reads.environment(reference).is_production:
        look.empty_state(
            "compare", "This is production", "Open a staging environment: it is compared with this."
        )
        return
    if who.may_at("comparison.request", reference):
        _form(reference)
    rows = compare_reads.listed(reference)
    if not rows:
        look.empty_state("compare", "Nothing was compared yet", "It takes some seconds a page.")
        return
    row = rows[0]
    if row.status in ("queued", "running"):
        _under_way(reference, row.number)
    done = [one for one in rows if one.status not in ("queued", "running")]
    if done:
        row = done[0] if len(done) < 2 else st.selectbox(
            "Comparison", done, format_func=_name, label_visibility="collapsed"
        )  # fmt: skip
        _head(row)
        _view(reference, row)
    _ignored(reference)


def _name(row: compare_reads.ComparisonRow) -> str:
    return f"#{row.number} · {row.at:%d %b %H:%M} · {count_verdicts(row.pages) or row.status}"


def _form(reference: str) -> None:
    with st.form("compare", border=False):
        left, middle, right = st.columns([4, 3, 1], vertical_alignment="bottom")
        paths = left.text_input(
            "Pages", placeholder="what the project's rules find",
            help="Paths with spaces between, like: / /about /shop",
        )  # fmt: skip
        baseline = middle.selectbox("With", list(BASELINES), format_func=BASELINES.__getitem__)
        sent = right.form_submit_button("Compare", type="primary", icon=":material/compare:")
    do = partial(compare_reads.order, reference, (paths or "").split(), baseline or "")
    if sent and acts.act(do):
        st.rerun()


@st.fragment(run_every="2s")
def _under_way(reference: str, number: int) -> None:
    with look.shown_errors():
        row = next(r for r in compare_reads.listed(reference) if r.number == number)
        of = f" of {row.views}" if row.views else ""
        st.html(f"<p>{look.badge('building')} Comparing: {len(row.pages)}{of} pictures so far.</p>")
        if row.status not in ("queued", "running"):
            st.rerun()


def _head(row: compare_reads.ComparisonRow) -> None:
    look.section(f"Comparison #{row.number}", look.tag(count_verdicts(row.pages) or row.status))
    with_what = {"approved": "Approved", "merge-base": "Where it began"}.get(
        row.baseline, "Production"
    )  # fmt: skip
    st.html(
        parts.facts(
            [
                ("Here", look.short_commit(row.commit)),
                (with_what, look.short_commit(row.production_commit)),
                ("Asked for by", look.text(row.by)),
                ("When", look.ago(row.at)),
            ]
        )
    )
    if row.failure:
        st.html(f"<p>{look.text(row.failure)}</p>")


def _view(reference: str, row: compare_reads.ComparisonRow) -> None:
    if row.pages:
        key = f"viewer-{reference}-{row.number}"
        heard: list[str] = st.session_state.setdefault(f"{key}-heard", [])
        viewed = {
            "can": who.may_at("comparison.approved", reference),
            "number": row.number, "heard": heard,
            "pages": [as_viewed(page, _address) for page in row.pages],
        }  # fmt: skip
        said = _viewer()(key=key, data=viewed, on_asked_change=_nothing)
        _obey(reference, said.asked or [], heard)
    report = row.folder / "report.html"
    if report.exists():
        st.download_button(
            "Download as a page", report.read_bytes(), f"comparison-{row.number}.html", "text/html",
            icon=":material/download:", on_click="ignore",
        )  # fmt: skip
    st.caption("Keys: n, p next and previous change · a approve · r reject · 1 to 5 how it is shown"
               " · z a pixel a pixel · v all widths")  # fmt: skip


def _obey(reference: str, asked: list[dict[str, Any]], heard: list[str]) -> None:
    """Do what the viewer asks for and nobody did yet.

    A run of this page may be cut off by the next word from the browser, so a word counts as heard
    in the moment in which it is kept, and each message brings the words before it again.
    """
    ids = [str(one.get("id")) for one in asked]
    new = [one for one in asked if str(one.get("id")) not in heard]
    refused = [
        one for one in new if not acts.act(partial(compare_reads.obey, reference, one, heard))
    ]
    heard.extend(str(one.get("id")) for one in refused)  # its reason is shown: not once more
    if ids:
        heard[:] = [one for one in heard if one in ids]  # of the others, the viewer knows
    if new and not refused:
        st.rerun()


def _nothing() -> None:
    """Let the component's word come as its result."""


def _address(side: dict[str, Any], kind: str) -> str:
    return f"/pictures/{quote(side['picture' if kind == 'url' else 'thumb'])}"


def _ignored(reference: str) -> None:
    rows = compare_reads.ignored(reference)
    if not rows:
        return
    look.section("What does not count", look.tag(str(len(rows))))
    for row in rows:
        left, right = st.columns([6, 1], vertical_alignment="center")
        left.html(f"{look.code(row.told)} <span class='gr-soft'>by {look.text(row.by)}</span>")
        do = partial(compare_reads.heed, reference, row.id)
        if not who.may_at("comparison.heed", reference):
            continue
        if right.button("Heed again", key=f"heed-{row.id}") and acts.act(do):
            st.rerun()
