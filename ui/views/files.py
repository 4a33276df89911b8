"""A project's files: where they are, what would come, how far it is, what did not come."""

from __future__ import annotations

from functools import partial
from html import escape

import streamlit as st

from greenroom import asset_orders
from greenroom.data import paper
from ui import acts, asset_reads, data_reads, look, parts, who
from ui.asset_reads import BroughtRow, FilesRow
from ui.papers import prose
from ui.views import filesform

SHOWN = 200
_ACTS = {"copy": "copy", "replace": "replace", "look": "compare", "delete": "delete"}


def show() -> None:
    """Show the files of the project that the address names."""
    look.heading("Files", "Production's images and uploads for staging: only what differs comes.")
    names = data_reads.list_projects()
    if not names:
        look.empty_state(
            "perm_media", "No project yet", "Add one on the page Projects.",
            link=("/projects", "To the projects"),
        )  # fmt: skip
        return
    name = parts.choose("Project", "project", names)
    _body(name)
    with look.shown_errors():  # outside of what refreshes: it would empty what is being typed
        filesform.show(asset_reads.files_of(name))


@st.fragment(run_every="2s")
def _body(name: str) -> None:
    with look.shown_errors():
        row = asset_reads.files_of(name)
        if not row.source:
            look.empty_state(
                "perm_media", "No files are named",
                "Say below where production's are and where staging's copies go, or by"
                f" `greenroom project set-assets {name}`.",
            )  # fmt: skip
            return
        st.html(parts.facts(_facts(row)))
        if row.syncs:
            _newest(row.syncs[0])
        _controls(row)
        if row.syncs:
            _history(row)


def _came(row: BroughtRow) -> str:
    size = paper.octets(row.progress.get("done_bytes", 0))
    return f'{row.progress.get("done_files", 0):,} <span class="gr-soft">{size}</span>'


def _facts(row: FilesRow) -> list[tuple[str, str]]:
    rules = ", ".join(
        f"{key.replace('_', ' ')}: {', '.join(value) if isinstance(value, list) else value}"
        for key, value in row.rules.items()
    )
    return [
        ("Production, only read", look.code(row.source)),
        ("Staging's copy", look.code(row.target)),
        ("Rules", look.text(rules or "everything comes, nothing is deleted")),
        ("Pages load them from", look.text(row.base_urls.get("staging", "")) or look.NOTHING),
        *([("CDN", look.text(row.cdn["vendor"]))] if row.cdn else []),
    ]


def _newest(row: BroughtRow) -> None:
    if row.failure is not None:
        hint = f"<p>{prose(row.failure.hint)}</p>" if row.failure.hint else ""
        st.html(
            f'<div class="gr-panel gr-bad" role="alert"><h3>#{row.number} failed</h3>'
            f"<p><b>{prose(row.failure.detail[:1000])}</b></p>{hint}"
            f"<p>What has arrived stays.</p><small>{escape(row.failure.kind)}</small></div>"
        )
    if row.is_final:
        return
    at, words = row.progress, [row.phase or "waiting for the worker"]
    if row.phase == "copy" and at:
        words = [
            f"{at['done_files']:,} of {at['files']:,} files",
            f"{paper.octets(at['done_bytes'])} of {paper.octets(at['bytes'])}",
        ]
        if at.get("seconds_left"):
            words.append(f"{look.lasting(at['seconds_left'])} left")
    st.html(
        f'<div class="gr-sync" role="status"><p><b>#{row.number}</b> '
        f"{escape(' · '.join(words))}</p></div>"
    )
    if row.phase == "copy":
        st.progress(row.ratio)


def _controls(row: FilesRow) -> None:
    with st.container(horizontal=True, gap="small", key="files-controls"):
        if who.may_in("assets.plan", row.project) and st.button(
            "Plan", icon=":material/checklist:", disabled=row.is_live
        ):
            acts.act(partial(_place, row.project, True))
            st.rerun()
        if who.may_in("assets.sync", row.project) and st.button(
            "Sync now", type="primary", icon=":material/sync:", disabled=row.is_live
        ):
            acts.act(partial(_place, row.project, False))
            st.rerun()
        if row.is_live and who.may_in("assets.cancel", row.project):
            newest = row.syncs[0]
            label = "Stopping …" if newest.is_stopping else f"Stop #{newest.number}"
            if st.button(label, icon=":material/stop_circle:", disabled=newest.is_stopping):
                acts.act(partial(_stop, row.project))
                st.rerun()


def _place(project: str, is_plan: bool, actor: str) -> str:
    order = asset_orders.place_asset_sync(project, is_plan=is_plan, actor=actor)
    what = "The plan" if is_plan else "The sync"
    return f"{what} #{order.number} is on its way. Production is only read."


def _stop(project: str, actor: str) -> str:
    number = asset_orders.place_cancel_assets(project, actor=actor)
    return f"#{number} stops. What has arrived stays."


def _history(row: FilesRow) -> None:
    newest = row.syncs[0]
    parts.table(
        ("#", "What", "Status", "Files", "Differ", "Came", "Listed", "Database of", "By", "Took"),
        [
            (
                f'<b class="gr-whole">#{one.number}</b>',
                "plan" if one.is_plan else "sync",
                look.badge(one.status),
                f"{one.totals.get('listed', 0):,}",
                f"{one.totals.get('copies', 0):,}",
                _came(one),
                look.ago(one.listed_at) if one.listed_at else look.NOTHING,
                look.ago(one.snapshot_at) if one.snapshot_at else look.NOTHING,
                look.text(one.by[:40]),
                f'<span class="gr-whole">{look.lasting(one.seconds)}</span>',
            )
            for one in row.syncs
        ],
    )
    if newest.cdn:
        st.html(f'<p class="gr-reason gr-calm">{prose(newest.cdn)}</p>')
    if newest.refused:
        look.section("Did not come")
        parts.table(("File and reason",), [(look.code(line),) for line in newest.refused])
    if newest.sample:
        word = "What would happen" if newest.is_plan else "What differed"
        look.section(f"{word} in #{newest.number}", f"the first {len(newest.sample):,}")
        parts.table(
            ("", "Key", "Size"),
            [
                (_ACTS.get(act, act), look.code(key), paper.octets(size))
                for act, key, size in newest.sample[:SHOWN]
            ],
            terse=True,
        )
