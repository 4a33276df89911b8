"""Storage: what takes room and nobody needs; clearing it, and what was freed."""

from __future__ import annotations

from functools import partial
from html import escape

import streamlit as st

from greenroom import cleaning
from greenroom.data import paper
from ui import acts, asset_reads, look, parts, who
from ui.asset_reads import ClearedRow
from ui.papers import prose

SHOWN = 200


def show() -> None:
    """Show the clearings."""
    look.heading("Storage", "What runs, and what any rollback needs, is never cleared.")
    _body()


@st.fragment(run_every="2s")
def _body() -> None:
    with look.shown_errors():
        rows = asset_reads.clearings()
        if rows is None:
            look.empty_state(
                "lock", "Not for you", "Whoever may see every project finds this page filled."
            )
            return
        is_live = bool(rows) and not rows[0].is_final
        if who.may("cleanup.request"):
            _controls(is_live)
        if not rows:
            look.empty_state(
                "mop", "Never cleared", "It happens every night. A plan shows what would go."
            )
            return
        _newest(rows[0])
        look.section("Clearings")
        parts.table(
            ("#", "What", "Status", "Things", "Freed", "By", "When", "Why"),
            [
                (
                    f'<b class="gr-whole">#{row.number}</b>',
                    "plan" if row.is_plan else "clearing",
                    look.badge(row.status),
                    f"{row.count:,}",
                    "" if row.is_plan else paper.octets(row.freed_bytes),
                    look.text(row.by[:40]),
                    look.ago(row.requested_at),
                    look.text(row.why),
                )
                for row in rows
            ],
            terse=True,
        )


def _controls(is_live: bool) -> None:
    with st.container(horizontal=True, gap="small", key="storage-controls"):
        if st.button("Plan", icon=":material/checklist:", disabled=is_live):
            acts.act(partial(_place, True, False))
            st.rerun()
        with st.popover("Clear now", icon=":material/mop:", disabled=is_live):
            st.caption("What is listed goes for good. A plan shows it first.")
            with_cache = st.checkbox(
                "The engine's build cache, too",
                help="What no build uses of it. It is everybody's who builds with that engine.",
            )
            if st.button("Clear it", type="primary"):
                acts.act(partial(_place, False, with_cache))
                st.rerun()


def _place(is_plan: bool, with_engine_cache: bool, actor: str) -> str:
    number = cleaning.place_cleanup(
        is_plan=is_plan, actor=actor, with_engine_cache=with_engine_cache
    )
    return f"{'The plan' if is_plan else 'The clearing'} #{number} is on its way."


def _newest(row: ClearedRow) -> None:
    if row.failure is not None:
        st.html(
            f'<div class="gr-panel gr-bad" role="alert"><h3>#{row.number} failed</h3>'
            f"<p><b>{prose(row.failure.detail[:1000])}</b></p>"
            f"<small>{escape(row.failure.kind)}</small></div>"
        )
        return
    if not row.is_final:
        st.html(
            f'<div class="gr-sync" role="status"><p><b>#{row.number}</b> is under way</p></div>'
        )
        return
    verb = "Would be freed" if row.is_plan else "Freed"
    free = paper.octets(row.free_bytes or 0)
    kinds = ", ".join(f"{count:,} {kind}" for kind, count, _ in row.kinds) or "nothing"
    st.html(
        parts.facts(
            [
                (verb, f"<b>{paper.octets(row.freed_bytes)}</b>"),
                ("Disk", f"{free} free of {paper.octets(row.total_bytes or 0)}"),
                ("What", look.text(kinds)),
                *_engine_cache(row),
                ("Looked", look.ago(row.requested_at)),
            ]
        )
    )
    if row.items:
        parts.table(
            ("Kind", "Size", "What", "Why", "Outcome"),
            [
                (look.text(kind), f'<span class="gr-whole">{paper.octets(size)}</span>',
                 look.code(name), look.text(why), look.text(outcome))
                for kind, name, why, size, outcome in row.items[:SHOWN]
            ],
        )  # fmt: skip


def _engine_cache(row: ClearedRow) -> list[tuple[str, str]]:
    if not row.engine_cache_bytes:
        return []
    size = paper.octets(row.engine_cache_bytes)
    return [("Stays unless asked for", look.text(f"{size} of the engine's build cache"))]
