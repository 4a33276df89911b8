"""Who did what, newest first."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from greenroom.rights import RIGHTS
from ui import look, parts, reads

_EVERY = "everything"
_NOUNS = sorted({act.partition(".")[0] for act in RIGHTS} - {"platform"} | {"user"})
_SINCE = {"today": 1, "7 days": 7, "30 days": 30, "90 days": 90, "always": 0}


def show() -> None:
    """Show the audit trail."""
    look.heading("Audit", "Who did what. Written with the change itself, so nothing is missing.")
    first, second, third, fourth = st.columns(4)
    project = first.selectbox("Project", [_EVERY, *(p.name for p in reads.board().projects)])
    person = second.text_input("Who", placeholder="bea", max_chars=100)
    act = third.selectbox("What", [_EVERY, *_NOUNS])
    days = fourth.selectbox("When", list(_SINCE), index=len(_SINCE) - 1)
    rows = reads.events(
        project="" if project in (None, _EVERY) else str(project), actor=(person or "").strip(),
        act="" if act in (None, _EVERY) else f"{act}.", days=_SINCE[days or "always"], limit=500,
    )  # fmt: skip
    text = st.text_input(
        "Filter", placeholder="Filter by person, action or subject", icon=":material/search:",
        label_visibility="collapsed",
    )  # fmt: skip
    words = (text or "").lower().split()
    show_events(
        [
            row
            for row in rows
            if all(
                word in f"{row.actor} {row.action} {row.subject} {row.detail}".lower()
                for word in words
            )
        ]
    )


def show_events(rows: Sequence[reads.AuditRow]) -> None:
    """Show events as a table."""
    if not rows:
        look.empty_state("receipt_long", "Nothing to tell", "No event fits.")
        return
    parts.table(
        ("When", "Who", "What", "Subject", "Detail"),
        [
            (
                look.ago(row.at),
                f"<b>{look.text(row.actor)}</b>",
                look.code(row.action),
                look.text(row.subject),
                f'<span class="gr-soft">{look.text(row.detail[:300])}</span>' if row.detail else "",
            )
            for row in rows
        ],
        terse=True,
    )
