"""One environment: where it stands, what was deployed, its logs, variables and events."""

from __future__ import annotations

from functools import partial

import streamlit as st

from greenroom.deltas import Delta
from ui import acts, dialogs, look, nav, parts, reads, who
from ui.views import (
    comments,
    compare,
    isolation,
    life,
    logs,
    mail,
    performance,
    review,
    share,
    variables,
)
from ui.views.audit import show_events

PARTS = {
    "history": "History", "share": "Share", "comments": "Comments", "review": "Review",
    "compare": "Compare", "performance": "Performance",
    "mail": "Mail", "isolation": "Isolation", "logs": "Logs",
    "life": "Life", "variables": "Variables", "activity": "Activity",
}  # fmt: skip
_BACK = {"rollback": "rollback to ", "promote": "promotion of "}


def show() -> None:
    """Show the environment that the address names."""
    names = reads.list_references()
    if not names:
        look.heading("Environment")
        look.empty_state(
            "deployed_code", "No environment yet",
            "Push a branch, or create one from the dashboard.", link=("/", "To the dashboard"),
        )  # fmt: skip
        return
    reference = _choose(names)
    row = reads.environment(reference)
    _head(reference, row.last.number if row.last else 0)
    part = _part()
    if part == "logs":
        logs.show(reference)
    elif part == "review":
        review.show(reference)
    elif part == "share":
        share.show(reference)
    elif part == "comments":
        comments.show(reference)
    elif part == "compare":
        compare.show(reference)
    elif part == "performance":
        performance.show(reference)
    elif part == "mail":
        mail.show(reference)
    elif part == "life":
        life.show(reference)
    elif part == "isolation":
        isolation.show(reference)
    elif part == "variables":
        variables.show(reference)
    elif part == "activity":
        show_events(reads.events(reference))
    else:
        _history(reference)


def _choose(names: tuple[str, ...]) -> str:
    asked = st.query_params.get("env", "")
    if asked and asked not in names:
        look.error_panel(reads.no_environment(asked))
    return parts.choose("Environment", "env", names)


def _part() -> str:
    asked = st.query_params.get("part", "history")
    chosen = st.segmented_control(
        "Part", list(PARTS), format_func=PARTS.__getitem__, label_visibility="collapsed",
        default=asked if asked in PARTS else "history", required=True,
    )  # fmt: skip
    if chosen != asked:
        st.query_params["part"] = chosen or "history"
    return chosen or "history"


@st.fragment(run_every="2s")
def _head(reference: str, known: int) -> None:
    with look.shown_errors():
        row = reads.environment(reference)
        kind = look.tag("production") if row.is_production else look.tag("staging")
        look.heading(row.name)
        marks = f"{look.tag(row.project)} {parts.held_mark(row)} {isolation.mark(reference)}"
        st.html(f"{look.badge(row.status)} {kind} {marks}")
        st.html(parts.environment_facts(row) + parts.reason(row))
        last = row.last
        if last is not None and last.status == "failed" and last.failure is not None:
            parts.failure_panel(last, last.failure)
        _controls(row)
        if last is not None and last.number != known:
            st.rerun()


def _controls(row: reads.EnvironmentRow) -> None:
    last = row.last
    with st.container(horizontal=True, gap="small", key="controls"):
        dialogs.button(
            "Deploy", "deploy", row.reference, "e", type="primary", disabled=row.is_leaving,
            icon=":material/rocket_launch:",
        )  # fmt: skip
        dialogs.button(
            "Roll back", "rollback", row.reference, "e", icon=":material/undo:",
            disabled=row.is_leaving or last is None,
        )  # fmt: skip
        if last is not None and not last.is_final and who.may_in("deployment.cancel", row.project):
            label = "Stopping …" if last.is_stopping else f"Cancel #{last.number}"
            if st.button(label, icon=":material/stop_circle:", disabled=last.is_stopping):
                acts.act(partial(acts.cancel, row.reference, last.number))
        if row.url.startswith(("http://", "https://")):
            st.link_button("Open", share.opening(row), icon=":material/open_in_new:")
        if not row.is_production:
            dialogs.button(
                "Destroy", "destroy", row.reference, "e", icon=":material/delete:",
                disabled=row.is_leaving,
            )  # fmt: skip


@st.fragment(run_every="3s")
def _history(reference: str) -> None:
    with look.shown_errors():
        rows = reads.history(reference)
        if not rows:
            look.empty_state("history", "Never deployed", "Its first deployment shows up here.")
            return
        found = reads.deltas(reference)
        parts.table(
            (
                "Deployment",
                "Status",
                "What",
                "Commit",
                "Beside production",
                "By",
                "When",
                "Took",
                "Phases",
                "",
            ),
            [
                (
                    f'<b class="gr-whole">#{row.number}</b>',
                    parts.status_of(row),
                    f'<span class="gr-ref">{_BACK.get(row.kind, "")}{look.code(row.ref)}</span>',
                    look.short_commit(row.commit),
                    _deltas(reference, found.get(row.commit, ())),
                    f'<span class="gr-whole">{look.text(row.by[:40])}</span>',
                    look.ago(row.requested_at),
                    f'<span class="gr-whole">{look.lasting(row.seconds)}</span>',
                    parts.phases(row),
                    look.inner_link(
                        nav.path("environment", env=reference, part="logs", n=str(row.number)),
                        "Log",
                    ),
                )
                for row in rows
            ],
            terse=True,
        )


def _deltas(reference: str, found: tuple[Delta, ...]) -> str:
    """Tell what was found of a version, each with the way to all of it."""
    links = [
        look.inner_link(nav.path("environment", env=reference, part=one.part), one.verdict)
        for one in found
    ]
    return f'<span class="gr-whole">{" · ".join(links)}</span>'
