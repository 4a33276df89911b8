"""What people said on an environment's pages: threads by page, answers."""

from __future__ import annotations

from functools import partial

import streamlit as st

from ui import acts, comment_acts, look, who

_TONES = {"open": "wait", "detached": "bad", "resolved": "good"}
_WORDS = {"open": "open", "detached": "its place is gone", "resolved": "resolved"}


def show(reference: str) -> None:
    """Show the threads on an environment's pages, and answer them."""
    with look.shown_errors():
        rows = comment_acts.threads(reference)
        if not rows:
            look.empty_state(
                "comment", "Nobody has commented yet",
                "Whoever opens it by a link, and you by Open, can comment on its pages.",
            )  # fmt: skip
            return
        has_tracker = comment_acts.has_tracker(reference)
        waiting = [row for row in rows if row.state != "resolved"]
        resolved = len(rows) - len(waiting)
        everything = bool(resolved) and st.toggle(f"Show the {resolved} resolved, too")
        page = None
        for row in rows if everything else waiting:
            if row.page != page:
                page = row.page
                look.section(row.page, look.tag(row.title) if row.title else "")
            _thread(reference, row, has_tracker)
        if not waiting and not everything:
            st.caption("Everything that was said is resolved.")


def _thread(reference: str, row: comment_acts.ThreadRow, has_tracker: bool) -> None:
    with st.container(border=True, key=f"thread-{row.number}"):
        st.html(
            f"<p><b>#{row.number}</b> {look.tagged(_WORDS[row.state], _TONES[row.state])} "
            f"{look.text(row.about)}</p>"
            + "".join(
                f"<p><b>{look.text(author)}</b> {look.ago(at)}<br>{look.text(text)}</p>"
                for author, text, at in row.said
            )
        )
        st.caption(look.plain(", ".join(filter(None, (row.commit[:12], row.seen_with)))))
        _pictures(row)
        if row.refused:
            st.caption(look.plain(f"The tracker did not take it: {row.refused}"))
        if not who.may_at("comment.reply", reference):
            _links(row)
            return
        with st.form(f"reply-{row.number}", clear_on_submit=True, border=False):
            answer = st.text_input("Answer", label_visibility="collapsed", placeholder="Answer")
            sent = st.form_submit_button("Answer", icon=":material/reply:")
        reply = partial(comment_acts.reply, reference, row.number, answer or "")
        if sent and acts.act(reply):
            st.rerun()
        with st.container(horizontal=True, gap="small"):
            _links(row)
            if row.issue is None and has_tracker:
                asked = st.button("Make an issue", key=f"issue-{row.number}",
                                  icon=":material/bug_report:")  # fmt: skip
                making = partial(comment_acts.make_issue, reference, row.number)
                if asked and acts.act(making):
                    st.rerun()
            is_done = row.state == "resolved"
            label = "Open again" if is_done else "Resolve"
            pressed = st.button(label, key=f"resolve-{row.number}", icon=":material/done:")
            done = partial(comment_acts.resolve, reference, row.number, not is_done)
            if pressed and acts.act(done):
                st.rerun()


def _links(row: comment_acts.ThreadRow) -> None:
    st.link_button("Show on the page", row.place, icon=":material/open_in_new:")
    if row.issue is not None:
        st.link_button(row.issue[0], row.issue[1], icon=":material/bug_report:")


def _pictures(row: comment_acts.ThreadRow) -> None:
    shown = [(row.picture, "What it is about")] if row.picture else []
    shown += [(file, name) for file, name in row.files if file]
    if shown:
        with st.expander("Pictures", expanded=row.state == "detached"):
            for file, name in shown:
                st.image(file, caption=look.plain(name))
