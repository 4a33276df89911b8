"""Who did what, newest first."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from ui import look, parts, reads


def show() -> None:
    """Show the audit trail."""
    look.heading("Audit", "Who did what. Written with the change itself, so nothing is missing.")
    rows = reads.events()
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
