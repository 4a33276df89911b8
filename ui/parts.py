"""Parts that several pages show: an environment's facts, a failure, a table."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from urllib.parse import urlsplit

import streamlit as st

from greenroom.watching import ACTOR as WATCH
from ui import certificates, look
from ui.log_reads import clean
from ui.papers import prose
from ui.reads import DeploymentRow, EnvironmentRow, Failure

PHASES = {
    name: at
    for at, name in enumerate(
        ("queue", "checkout", "source", "build", "database", "backup", "release", "start", "health",
         "switch", "drain", "retire")
    )
}  # fmt: skip
"""The order in which the phases of a deployment are told."""
PROBLEM_TONES = {"error": "bad", "building": "busy", "sleeping": "calm"}


def choose(label: str, key: str, names: Sequence[str]) -> str:
    """Show a page's selector, and keep ``key`` of the address in step with it."""
    asked = st.query_params.get(key, "")
    chosen = st.selectbox(
        label, names, index=names.index(asked) if asked in names else 0,
        label_visibility="collapsed", width=420,
    )  # fmt: skip
    if chosen != asked:
        st.query_params[key] = chosen
        st.query_params.pop("n", None)
    return str(chosen)


def facts(pairs: Sequence[tuple[str, str]], *, wide: bool = False) -> str:
    """Give labelled values as HTML; the values are HTML already."""
    cells = "".join(f"<div><b>{escape(k)}</b><span>{v}</span></div>" for k, v in pairs)
    return f'<div class="gr-facts{" gr-wide" if wide else ""}">{cells}</div>'


def status_of(row: DeploymentRow) -> str:
    """Give a deployment's status as HTML; one that went live and was taken back says so."""
    back = look.tagged("taken back", "bad") if row.is_taken_back else ""
    return f"{look.badge(row.status)} {back}".rstrip()


def held_mark(row: EnvironmentRow) -> str:
    """Give as HTML that pushes do not deploy an environment; empty when they do."""
    if not row.held_by:
        return ""
    return look.tagged("taken back, held" if row.held_by == WATCH else "held", "wait")


def describe_deployment(row: DeploymentRow | None) -> str:
    """Give number, person, time and duration of a deployment as HTML."""
    if row is None:
        return '<span class="gr-soft">none yet</span>'
    took = f" · {look.lasting(row.seconds)}" if row.seconds is not None else ""
    word = "" if row.status in ("live", "retired") else f" {look.badge(row.status)}"
    back = {"rollback": " rollback", "promote": " promotion"}.get(row.kind, "")
    return (
        f"<b>#{row.number}</b>{back} by {escape(row.by)}{word}"
        f'<br><span class="gr-soft">{look.ago(row.requested_at)}{took}</span>'
    )


def environment_facts(row: EnvironmentRow) -> str:
    """Give an environment's address, branch, commit and last deployment as HTML."""
    certificate = certificates.describe(urlsplit(row.url).hostname or "")
    return facts(
        [
            ("Address", look.address(row.url)),
            *([("Certificate", certificate)] if certificate else []),
            ("Branch", look.code(row.branch)),
            ("Commit", look.short_commit(row.commit)),
            ("Last deployment", describe_deployment(row.last)),
        ]
    )


def reason(row: EnvironmentRow) -> str:
    """Give why an environment is as it is, as HTML; empty when there is nothing to say."""
    text = "it is being destroyed" if row.is_leaving else row.reason
    if not text or (row.status == "building" and not row.is_leaving):  # the badges tell it
        return ""
    failed = row.last is not None and row.last.status == "failed"
    tone = PROBLEM_TONES.get(row.status, "wait" if failed or row.is_leaving else "calm")
    return f'<p class="gr-reason gr-{tone}">{prose(clean(text[:500]))}</p>'


def failure_panel(row: DeploymentRow, failure: Failure, *, with_tail: bool = True) -> None:
    """Show why a deployment failed, what to do, and the last lines it wrote."""
    lines = [clean(line) for line in failure.log_tail.splitlines()[-40:]] if with_tail else []
    tail = f"<pre><span>{escape(chr(10).join(lines))}</span></pre>" if lines else ""
    hint = f"<p>{prose(failure.hint)}</p>" if failure.hint else ""
    st.html(
        f'<div class="gr-panel gr-bad" role="alert"><h3>Deployment #{row.number} failed</h3>'
        f"<p><b>{prose(clean(failure.detail[:1000]))}</b></p>{hint}{tail}"
        f"<small>{escape(failure.kind)}</small></div>"
    )


def phases(row: DeploymentRow) -> str:
    """Give the seconds by phase as a bar with its words as HTML."""
    if not row.phases:
        return look.NOTHING
    inner = sorted(row.phases, key=lambda pair: PHASES.get(pair[0], len(PHASES)))
    words = " · ".join(f"{escape(name)} {look.lasting(value)}" for name, value in inner)
    total = sum(value for _, value in inner) or 1.0
    bars = "".join(
        f'<i style="width:{max(1.0, 100 * value / total):.1f}%" title="{escape(name)}"></i>'
        for name, value in inner
    )
    return f'<small>{words}</small><div class="gr-phases">{bars}</div>'


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, terse: bool = False) -> None:
    """Show a table that becomes a list on a phone; the cells are HTML already.

    ``terse`` leaves the labels out of that list: the cells explain themselves.
    """
    head = "".join(f"<th>{escape(text)}</th>" for text in headers)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td data-label="{escape(label)}"><div>{cell}</div></td>'
            for label, cell in zip(headers, row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    st.html(
        f'<div class="gr-table{" gr-terse" if terse else ""}"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
