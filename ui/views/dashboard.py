"""Every environment at a glance, live."""

from __future__ import annotations

from functools import partial

import streamlit as st

from ui import acts, dialogs, look, nav, parts, reads, who

MAX_CARDS = 40
FILTER_FROM = 7
COUNTED = (("active", "good"), ("building", "busy"), ("error", "bad"), ("sleeping", "calm"))


def show() -> None:
    """Show the dashboard."""
    look.heading("Dashboard", "Every branch that has a place to be looked at.")
    _board()


@st.fragment(run_every="2s")
def _board() -> None:
    with look.shown_errors():
        seen = reads.board()
        if not seen.projects:
            _welcome()
            return
        _counts(seen)
        wanted = _filter(seen)
        for project in sorted(seen.projects, key=lambda p: p.environments == 0):
            rows = [row for row in wanted if row.project == project.name]
            if rows or len(wanted) == len(seen.environments):
                _project(project, rows)
        if not wanted and seen.environments:
            look.empty_state("search_off", "No match", "No environment fits the filter.")


def _counts(seen: reads.Overview) -> None:
    cells = []
    for status, tone in COUNTED:
        count = sum(row.status == status for row in seen.environments)
        cells.append(f'<div class="gr-{tone}"><b>{count}</b><span><i></i>{status}</span></div>')
    st.html(f'<div class="gr-counts">{"".join(cells)}</div>')


def _filter(seen: reads.Overview) -> list[reads.EnvironmentRow]:
    rows = list(seen.environments)
    if len(rows) < FILTER_FROM:
        return rows
    text = st.text_input(
        "Filter", placeholder="Filter by name, branch, commit or status", key="board-filter",
        label_visibility="collapsed", icon=":material/search:",
    )  # fmt: skip
    words = (text or "").lower().split()
    rows = [
        row
        for row in rows
        if all(
            word in f"{row.reference} {row.branch} {row.status} {row.commit}".lower()
            for word in words
        )
    ]
    if len(rows) > MAX_CARDS:
        st.caption(f"The first {MAX_CARDS} of {len(rows)}; the filter finds the others.")
    return rows[:MAX_CARDS]


def _project(project: reads.ProjectRow, rows: list[reads.EnvironmentRow]) -> None:
    with st.container(
        horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"
    ):
        look.section(project.name, f'<span class="gr-soft">{look.code(project.source)}</span>')
        dialogs.button(
            "New environment", "create", project.name, f"p-{project.name}", icon=":material/add:"
        )
    if not rows:
        look.empty_state(
            "rocket_launch", "Nothing is deployed yet",
            f"Push a branch, or run `greenroom env create {project.name}"
            f" {project.production_branch}`.",
        )  # fmt: skip
    for row in rows:
        _card(row)


def _card(row: reads.EnvironmentRow) -> None:
    key = row.id.hex
    with st.container(border=True, key=f"card-{key}"):
        with st.container(
            horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
        ):
            with st.container(
                horizontal=True, vertical_alignment="center", gap="small", width="content",
                key=f"name-{key}",
            ):  # fmt: skip
                nav.link("environment", row.name, env=row.reference)
                kind = look.tag("production") if row.is_production else ""
                st.html(f"{look.badge(row.status)} {kind}", width="content")
            with st.container(horizontal=True, gap="xsmall", width="content", key=f"do-{key}"):
                _actions(row, key)
        st.html(parts.environment_facts(row) + parts.reason(row))


def _actions(row: reads.EnvironmentRow, key: str) -> None:
    dialogs.button(
        "Deploy", "deploy", row.reference, key, icon=":material/rocket_launch:", type="tertiary",
        disabled=row.is_leaving,
    )  # fmt: skip
    dialogs.button(
        "Roll back", "rollback", row.reference, key, icon=":material/undo:", type="tertiary",
        disabled=row.is_leaving or row.last is None,
    )  # fmt: skip
    if row.url.startswith(("http://", "https://")):
        st.link_button("Open", row.url, icon=":material/open_in_new:", type="tertiary")
    if st.button("Logs", key=f"{key}-logs", icon=":material/terminal:", type="tertiary"):
        nav.go("environment", env=row.reference, part="logs")


def _welcome() -> None:
    look.empty_state(
        "add_home_work", "Add your first project",
        "A project is a git repository. Run `greenroom project add <git url or path>`,"
        " or add it here.",
    )  # fmt: skip
    add_project_form("first")


def add_project_form(key: str) -> None:
    """Show the form that adds a project, to whoever may."""
    if not who.may("project.add"):
        return
    with st.form(f"add-{key}", border=True):
        source = st.text_input(
            "Repository", placeholder="https://git.example.org/team/shop.git or /srv/git/shop",
            help="A git URL or a path on this machine, without a password in it.",
        )  # fmt: skip
        name = st.text_input("Name", placeholder="From the address", max_chars=40)
        sent = st.form_submit_button("Add project", type="primary", icon=":material/add:")
    if sent and acts.act(partial(acts.add_project, source or "", name or "")):
        st.rerun()
