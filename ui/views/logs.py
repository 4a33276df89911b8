"""The log of a deployment: follows new lines, filters, searches, downloads."""

from __future__ import annotations

import re
from html import escape

import streamlit as st

from ui import log_reads, look, parts, reads
from ui.log_reads import Line, Tail

_BAD = re.compile(r"\b(error|fatal|failed|failure|traceback|exception|panic)\b", re.IGNORECASE)
_WARN = re.compile(r"\bwarn(ing)?\b", re.IGNORECASE)


def show(reference: str) -> None:
    """Show the log of one of an environment's deployments."""
    rows = reads.history(reference)
    if not rows:
        look.empty_state("terminal", "No log yet", "Deploy, and follow it here line by line.")
        return
    asked = st.query_params.get("n", "")
    by_number = {row.number: row for row in rows}
    numbers = list(by_number)
    index = numbers.index(int(asked)) if asked.isdigit() and int(asked) in by_number else 0
    with st.container(horizontal=True, vertical_alignment="bottom", key="log-choice"):
        number = st.selectbox(
            "Deployment", numbers, index=index, width=300,
            key=f"log-n-{reference}-{asked}-{numbers[0]}",  # a newer one is followed at once
            format_func=lambda n: f"#{n} · {by_number[n].what}",  # its status grows old here
        )  # fmt: skip
        st.download_button(
            "Download", lambda: log_reads.whole_log(by_number[number].id).encode(),
            f"{reference.replace('/', '-')}-{number}.log", "text/plain",
            icon=":material/download:", on_click="ignore",
        )  # fmt: skip
    row = by_number[number]
    if number == numbers[0]:
        st.query_params.pop("n", None)
    elif str(number) != asked:
        st.query_params["n"] = str(number)
    if row.failure is not None and row is not rows[0]:  # the newest's stands on top of the page
        parts.failure_panel(row, row.failure, with_tail=False)
    st.fragment(_viewer, run_every=None if row.is_final else 1.0)(reference, row.number)


def _tail_of(row: reads.DeploymentRow) -> Tail:
    tail = st.session_state.get("tail")
    if not isinstance(tail, Tail) or tail.deployment_id != row.id:
        tail = st.session_state["tail"] = Tail(row.id)
    return tail


def _viewer(reference: str, number: int) -> None:
    with look.shown_errors():
        row = next(r for r in reads.history(reference) if r.number == number)
        tail = _tail_of(row)
        log_reads.read_on(tail)
        sections, text, only = _tools(tail)
        _count_and_lines(tail, set(sections), text.strip(), only, row)
        was_running = st.session_state.get("tail-runs") == row.id
        st.session_state["tail-runs"] = None if row.is_final else row.id
        if row.is_final and was_running:
            st.rerun()  # its end may bring a failure, and needs no timer any more


def _tools(tail: Tail) -> tuple[list[str], str, bool]:
    with st.container(horizontal=True, vertical_alignment="center", key="log-tools"):
        text = st.text_input(
            "Search", placeholder="Search the log", key="log-search", icon=":material/search:",
            label_visibility="collapsed", width=320,
        )  # fmt: skip
        only = st.toggle("Matches only", key="log-only", disabled=not text)
    sections: list[str] = []
    if len(tail.sections) > 1:
        sections = st.pills(
            "Sections", list(tail.sections), selection_mode="multi", key="log-sections",
            label_visibility="collapsed",
        )  # fmt: skip
    return sections, text or "", only


def _count_and_lines(
    tail: Tail, sections: set[str], text: str, only: bool, row: reads.DeploymentRow
) -> None:
    pattern = re.compile(re.escape(text), re.IGNORECASE) if text else None
    chunks, hits, shown = [], 0, 0
    for chunk in tail.chunks:
        lines = []
        for line in chunk:
            if sections and line.section not in sections:
                continue
            found = len(pattern.findall(line.text)) if pattern else 0
            hits += found
            if only and pattern and not found:
                continue
            lines.append(_line(line, pattern))
        shown += len(lines)
        chunks.append("".join(lines))
    notes = []
    if pattern:
        notes.append(f"**{hits}** {'match' if hits == 1 else 'matches'}")
    notes.append(f"{shown:,} lines")
    if tail.dropped:
        notes.append(f"{tail.dropped:,} older ones are in the download")
    if not row.is_final:
        notes.append("following" if not tail.is_behind else "catching up")
    st.caption(" · ".join(notes))
    with st.container(height=520, border=False, key="log-lines", autoscroll=True):
        if not shown:
            why = "No line fits." if tail.last_id else "The first line comes in a moment."
            st.html(f'<div class="gr-log"><p>{why if not row.is_final else "No line."}</p></div>')
        for html in filter(None, chunks):
            st.html(f'<div class="gr-log">{html}</div>')


def _line(line: Line, pattern: re.Pattern[str] | None) -> str:
    tone = "e" if _BAD.search(line.text) else "w" if _WARN.search(line.text) else ""
    text = _marked(line.text, pattern) if pattern else escape(line.text)
    at = f"{line.at:%H:%M:%S}" if line.at else ""
    where = f"<time>{at}</time><b>{escape(line.section)}</b>"
    return f'<div class="{tone}">{where}<span>{text}</span></div>'


def _marked(text: str, pattern: re.Pattern[str]) -> str:
    parts_, end = [], 0
    for found in pattern.finditer(text):
        parts_ += [escape(text[end : found.start()]), f"<mark>{escape(found[0])}</mark>"]
        end = found.end()
    return "".join([*parts_, escape(text[end:])])
