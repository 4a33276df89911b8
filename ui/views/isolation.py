"""Whether anything gets out of an environment: what was tried, and what became of it."""

from __future__ import annotations

from functools import partial

import streamlit as st

from ui import acts, isolation_reads, look, parts, reads, who

TONES = {
    "blocked": "good", "captured": "good", "answered by us": "good", "got out": "bad",
    "not kept": "wait",
}  # fmt: skip
VERDICTS = {"proved": "good", "open": "bad", "partly": "wait"}


def mark(reference: str) -> str:
    """Give the last attempt's verdict and age as HTML; empty where there was none."""
    row = isolation_reads.newest(reference)
    if row is None or not row.verdict:
        return ""
    words = {"proved": "isolation proved", "open": "isolation open", "partly": "partly isolated"}
    age = f'<span class="gr-soft">{look.ago(row.at)}</span>'
    return f"{look.tagged(words[row.verdict], VERDICTS[row.verdict])} {age}"


def show(reference: str) -> None:
    """Show the newest attempt, and a button for another."""
    with look.shown_errors():
        if reads.environment(reference).is_production:
            look.empty_state("shield", "This is production", "It is meant to reach the world.")
            return
        reason = isolation_reads.unguarded(reference)
        if reason:
            st.html(
                '<p class="gr-reason gr-wait"><b>No egress guard keeps it:</b> '
                f"{look.text(reason)}. It can reach the world; only mail that is sent by the usual"
                " variables is captured.</p>"
            )
        clicked = who.may_at("isolation.check", reference) and st.button(
            "Try to get out", type="primary", icon=":material/shield:"
        )
        if clicked and acts.act(partial(isolation_reads.order, reference)):
            st.rerun()
        row = isolation_reads.newest(reference)
        if row is None:
            look.empty_state(
                "shield", "It was never tried",
                "Mail, web, names, the metadata address, this machine's services, other"
                " environments, IPv6: everything is tried from inside, and the wire is watched.",
            )  # fmt: skip
        elif row.status in ("queued", "running"):
            _under_way(reference)
        else:
            _one(row)
        _refusals(reference)


@st.fragment(run_every="2s")
def _under_way(reference: str) -> None:
    with look.shown_errors():
        st.html(f"<p>{look.badge('building')} Everything is being tried.</p>")
        row = isolation_reads.newest(reference)
        if row is None or row.status not in ("queued", "running"):
            st.rerun()


def _one(row: isolation_reads.CheckRow) -> None:
    verdict = row.verdict or "failed"
    look.section("The last attempt", look.tagged(verdict, VERDICTS.get(verdict, "bad")))
    wire = "nobody watched" if row.packets is None else f"{row.packets} packets"
    st.html(
        parts.facts(
            [
                ("Result", look.text(row.failure or row.words)),
                ("Seen on the wire", look.text(wire)),
                ("When", look.ago(row.at)),
                ("Asked for by", look.text(row.by)),
            ],
            wide=True,
        )
    )
    if not row.probes:
        return
    worst = sorted(row.probes, key=lambda one: TONES.get(one["outcome"], "bad") == "good")
    parts.table(
        ("What", "Tried", "Outcome", ""),
        [
            (
                f"<b>{look.text(one['group'])}</b>", look.text(one["what"]),
                look.tagged(one["outcome"], TONES.get(one["outcome"], "bad")),
                f'<span class="gr-soft">{look.text(one["detail"])}</span>',
            )
            for one in worst
        ],
        terse=True,
    )  # fmt: skip


def _refusals(reference: str) -> None:
    rows = isolation_reads.refusals(reference)
    if not rows:
        return
    look.section("What it wanted to reach and did not")
    st.caption("Name what it may reach in greenroom.yaml: egress: {allow: [host:port]}")
    parts.table(
        ("Host", "Why", "Times", "Last"),
        [
            (look.code(one.host), look.text(one.reason), str(one.count), look.ago(one.at))
            for one in rows
        ],
    )
