"""A project's data: where it stands, decisions to make, progress, the signed report."""

from __future__ import annotations

import json
from functools import partial
from html import escape

import streamlit as st

from greenroom.data import paper
from ui import acts, data_acts, data_reads, look, nav, parts, setting_acts, who
from ui.data_reads import DataRow, SyncRow
from ui.papers import prose
from ui.views import decisions

PARTS = {"syncs": "Syncs", "decisions": "Decisions", "report": "Report"}


def show() -> None:
    """Show the data of the project that the address names."""
    names = data_reads.list_projects()
    if not names:
        look.heading("Data")
        look.empty_state(
            "database", "No project yet", "Add one on the page Projects.",
            link=("/projects", "To the projects"),
        )  # fmt: skip
        return
    name = parts.choose("Project", "project", names)
    row = data_reads.data_of(name)
    _head(name, data_reads.is_live(row))
    part = _part("syncs" if row.policy_number is not None else "decisions")
    if part == "decisions":
        decisions.show(name)
    elif part == "report":
        _report(name)
    else:
        _syncs(name)


def _part(preset: str) -> str:
    asked = st.query_params.get("part", preset)
    chosen = st.segmented_control(
        "Part", list(PARTS), format_func=PARTS.__getitem__, label_visibility="collapsed",
        default=asked if asked in PARTS else preset, required=True,
    )  # fmt: skip
    if chosen != asked:
        st.query_params["part"] = chosen or preset
    return chosen or preset


@st.fragment(run_every="2s")
def _head(name: str, was_live: bool) -> None:
    with look.shown_errors():
        row = data_reads.data_of(name)
        look.heading("Data", "Production's rows for staging, without the people in them.")
        st.html(parts.facts(_facts(row)))
        newest = row.newest
        if newest is not None and not newest.is_final:
            _progress(newest)
        elif newest is not None and newest.failure is not None:
            _failure(newest)
        _controls(row)
        if data_reads.is_live(row) != was_live:
            st.rerun()


def _facts(row: DataRow) -> list[tuple[str, str]]:
    current, newest = row.current, row.newest
    policy = '<span class="gr-soft">none approved yet</span>'
    if row.policy_number is not None and row.approved_at is not None:
        policy = (
            f"<b>version {row.policy_number}</b> by {escape(row.approved_by)}"
            f'<br><span class="gr-soft">{look.ago(row.approved_at)}</span>'
        )
    data = '<span class="gr-soft">never synced: new environments start empty</span>'
    if current is not None and current.snapshot_at is not None:
        data = (
            f"{look.ago(current.snapshot_at)}<br>"
            f'<span class="gr-soft">{current.rows:,} rows, {_octets(current.octets)}</span>'
        )
    return [
        ("Production", look.text("named, read only" if row.has_production else "not named")),
        ("Policy", policy),
        ("New environments get production of", data),
        ("Last sync", f"<b>#{newest.number}</b> {look.badge(newest.status)}<br>"
                      f'<span class="gr-soft">{look.ago(newest.requested_at)}</span>'
                      if newest else look.NOTHING),
    ]  # fmt: skip


def _progress(row: SyncRow) -> None:
    left = row.seconds_left
    words = [look.text(row.phase or "waiting for the worker")]
    if row.phase == "data":
        words.append(f"{row.rows:,} rows, {_octets(row.octets)}")
        words.append(f"{look.lasting(left)} left" if left is not None else "")
    done = data_reads.STEPS.index(row.phase) if row.phase in data_reads.STEPS else 0
    steps = "".join(
        f'<i class="{"gr-done" if n < done else "gr-now" if n == done else ""}"'
        f' title="{escape(step)}"></i>'
        for n, step in enumerate(data_reads.STEPS)
    )
    st.html(
        f'<div class="gr-sync" role="status"><p><b>Sync #{row.number}</b> '
        f"{' · '.join(filter(None, words))}</p><div class=gr-steps>{steps}</div></div>"
    )
    if row.phase == "data" and row.tables:
        st.progress(row.ratio)


def _failure(row: SyncRow) -> None:
    failure = row.failure
    assert failure is not None
    hint = f"<p>{prose(failure.hint)}</p>" if failure.hint else ""
    st.html(
        f'<div class="gr-panel gr-bad" role="alert"><h3>Sync #{row.number} failed</h3>'
        f"<p><b>{prose(failure.detail[:1000])}</b></p>{hint}"
        f"<p>Staging stays as it was.</p><small>{escape(failure.kind)}</small></div>"
    )


def _controls(row: DataRow) -> None:
    live = data_reads.is_live(row)
    can = row.has_production and row.policy_number is not None
    with st.container(horizontal=True, gap="small", key="data-controls"):
        if who.may_in("sync.request", row.project):
            _orders(row, live, can)
        if who.may_in("sync.back", row.project):
            _seldom(row, live)
        if live and row.newest is not None and who.may_in("sync.cancel", row.project):
            label = "Stopping …" if row.newest.is_stopping else f"Stop #{row.newest.number}"
            if st.button(label, icon=":material/stop_circle:", disabled=row.newest.is_stopping):
                acts.act(partial(data_acts.stop, row.project, row.newest.number))
                st.rerun()


def _seldom(row: DataRow, live: bool) -> None:
    """Show what is seldom wanted: the data of before, and a new key."""
    with st.popover("More", icon=":material/more_horiz:", disabled=live):
        st.caption("New environments get the data of before the last sync; again: the newer.")
        if st.button("Back to the data before", key="data-back"):
            acts.act(partial(setting_acts.go_back, row.project))
        if who.may_in("key.rotate", row.project):
            st.caption("With a new key, nobody can be traced from old copies to new ones.")
            if st.button("Make a new key", key="data-key"):
                acts.act(partial(setting_acts.rotate_key, row.project))


def _orders(row: DataRow, live: bool, can: bool) -> None:
    if st.button("Sync now", type="primary", icon=":material/sync:", disabled=live or not can):
        acts.act(partial(data_acts.sync, row.project))
        st.rerun()
    with st.popover("For an environment", icon=":material/deployed_code:",
                    disabled=live or not can or not row.staging):  # fmt: skip
        chosen = st.selectbox("Environment", row.staging)
        st.caption(
            "Its database is replaced when the new data is proved and its release command has"
            " run on it. What was entered there goes."
        )
        if st.button("Sync it", type="primary", disabled=not chosen):
            acts.act(partial(data_acts.sync, f"{row.project}/{chosen}"))
            st.rerun()


@st.fragment(run_every="3s")
def _syncs(name: str) -> None:
    with look.shown_errors():
        rows = data_reads.history(name)
        if not rows:
            look.empty_state(
                "sync", "Never synced",
                "Approve a policy under Decisions, then sync: new environments start with it.",
            )  # fmt: skip
            return
        parts.table(
            ("Sync", "Status", "For", "Production of", "Rows", "By", "When", "Took", ""),
            [
                (
                    f'<b class="gr-whole">#{row.number}</b>',
                    look.badge(row.status),
                    look.text(row.environment or "new environments"),
                    f"{row.snapshot_at:%d %b %H:%M} UTC" if row.snapshot_at else look.NOTHING,
                    f'<span class="gr-whole">{row.rows:,}</span>',
                    look.text(row.by[:40]),
                    look.ago(row.requested_at),
                    f'<span class="gr-whole">{look.lasting(row.seconds)}</span>',
                    look.inner_link(
                        nav.path("data", project=name, part="report", n=str(row.number)), "Report"
                    ) if row.has_report else "",
                )
                for row in rows
            ],
            terse=True,
        )  # fmt: skip
        newest = rows[0]
        if newest.tables:
            look.section(f"Tables of #{newest.number}")
            _tables(newest)
        look.section(f"Log of #{newest.number}")
        st.code("\n".join(data_reads.log_of(newest.id)) or "Nothing yet.", language=None)


def _tables(row: SyncRow) -> None:
    parts.table(
        ("Table", "Rows", "Of about", "Copied", ""),
        [
            (
                look.code(table.name),
                f"{table.rows:,}",
                f"{table.estimated_rows:,}",
                _octets(table.octets),
                look.badge("done") if table.is_whole else "",
            )
            for table in row.tables
        ],
    )


def _report(name: str) -> None:
    rows = [row for row in data_reads.history(name) if row.has_report]
    if not rows:
        look.empty_state("verified_user", "No report yet", "Each sync that is proved leaves one.")
        return
    numbers = [row.number for row in rows]
    asked = st.query_params.get("n", "")
    chosen = st.selectbox(
        "Sync", numbers, format_func=lambda n: f"Sync #{n}", width=200,
        index=numbers.index(int(asked)) if asked.isdigit() and int(asked) in numbers else 0,
        label_visibility="collapsed",
    )  # fmt: skip
    found = data_reads.report_of(name, int(chosen))
    if found is None:
        return
    report, signature = found
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "Page (HTML)", paper.render(report, signature), f"{name}-data-report-{chosen}.html",
            "text/html", icon=":material/print:",
        )  # fmt: skip
        st.download_button(
            "Signed (JSON)", json.dumps({"report": report, "signature": signature}, indent=2),
            f"{name}-data-report-{chosen}.json", "application/json",
            icon=":material/verified_user:",
        )  # fmt: skip
    st.html(f'<div class="gr-report">{paper.body(report, signature)}</div>')


def _octets(count: int) -> str:
    return paper.octets(count)
