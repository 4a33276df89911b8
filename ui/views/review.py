"""The review of an environment: who said what about its artifact, and the way to production."""

from __future__ import annotations

from functools import partial

import streamlit as st

from greenroom.approving import WHOLE
from greenroom.store.states import Verdict
from ui import acts, dialogs, look, parts, review_acts, review_reads, who

_WORDS = {
    Verdict.APPROVED: ("approved", "good"),
    Verdict.CHANGES: ("asked for changes", "bad"),
    Verdict.WITHDRAWN: ("took it back", "calm"),
}


def show(reference: str) -> None:
    """Show where an environment's review stands, and let the viewer say something."""
    with look.shown_errors():
        row = review_reads.review(reference)
        if row.held_at is not None:
            _held(reference, row)
        if row.is_production:
            _production(row)
        elif not row.commit:
            look.empty_state(
                "rate_review", "Nothing to look at yet",
                "When its first deployment is live, people can approve what it shows.",
            )  # fmt: skip
        else:
            _staging(reference, row)


def _staging(reference: str, row: review_reads.Review) -> None:
    look.section("Where it stands", _standing(row))
    st.html(
        parts.facts(
            [
                ("Artifact", look.code(row.artifact[:19])),
                ("Commit", look.short_commit(row.commit)),
                ("Production's rule", look.text(row.rule)),
            ],
            wide=True,
        )
    )
    dialogs.button(
        "Promote to production", "promote", reference, "r", type="primary",
        icon=":material/publish:", disabled=not row.is_open or row.is_live,
    )  # fmt: skip
    if not row.is_live and who.may_in("release.approved", reference.partition("/")[0]):
        _form(reference, row.pages)
    if row.said:
        look.section("What was said about this artifact")
        parts.table(("Who", "Verdict", "About", "Note", "When"), [_line(one) for one in row.said])


def _standing(row: review_reads.Review) -> str:
    if row.is_live:
        return look.tagged("live in production", "good")
    return look.tagged(row.words, "good" if row.is_open else "wait")


def _line(one: review_reads.SaidRow) -> tuple[str, ...]:
    word, tone = _WORDS[Verdict(one.verdict)]
    return (
        look.text(one.by), look.tagged(word, tone),
        look.code(one.page) if one.page else "the whole", look.text(one.note) or look.NOTHING,
        look.ago(one.at),
    )  # fmt: skip


def _form(reference: str, pages: tuple[str, ...]) -> None:
    look.section("Your word")
    st.caption("It counts for this very artifact: a new commit is looked at anew.")
    with st.form(f"review-{reference}", clear_on_submit=True, border=False):
        page = st.selectbox(
            "About", [WHOLE, *pages], format_func=lambda path: path or "The whole",
            accept_new_options=True,
            help="Changes can be asked for on any page: type its path. To approve each page that"
            " the project names is to approve the whole.",
        )  # fmt: skip
        note = st.text_area("Note", placeholder="What you saw, or what shall change", height=90)
        with st.container(horizontal=True, gap="small"):
            approved = st.form_submit_button(
                "Approve", type="primary", icon=":material/thumb_up:"
            )  # fmt: skip
            changes = st.form_submit_button("Request changes", icon=":material/edit_note:")
            back = st.form_submit_button("Take back", icon=":material/undo:")
    for pressed, verdict in (
        (approved, Verdict.APPROVED), (changes, Verdict.CHANGES), (back, Verdict.WITHDRAWN)
    ):  # fmt: skip
        if pressed and acts.act(
            partial(review_acts.say, reference, verdict, note or "", page or WHOLE)
        ):
            st.rerun()


def _held(reference: str, row: review_reads.Review) -> None:
    assert row.held_at is not None
    look.section("Held", look.tagged("pushes wait", "wait"))
    st.html(
        f'<p class="gr-lead">{look.text(row.held_by)} rolled it back {look.ago(row.held_at)}.'
        " Pushes do not deploy it until somebody deploys, promotes to it or frees it.</p>"
    )
    if not who.may_at("environment.free", reference):
        return
    if st.button("Free it", icon=":material/lock_open:") and acts.act(
        partial(review_acts.free, reference)
    ):
        st.rerun()


def _production(row: review_reads.Review) -> None:
    look.section("How production changes")
    st.html(f'<p class="gr-lead">By {look.text(row.rule)}.</p>')
    look.section("Backups of its database")
    if not row.backups:
        look.empty_state(
            "database", "No backup yet",
            "One is made, encrypted and read back before a promotion's release command runs.",
        )  # fmt: skip
        return
    parts.table(
        ("Before", "Commit", "Tables", "Size", "When"),
        [
            (
                f'<b class="gr-whole">#{one.before}</b>', look.short_commit(one.commit),
                f"{one.tables:,}", f"{one.size_bytes / 1e6:,.1f} MB", look.ago(one.at),
            )
            for one in row.backups
        ],
    )  # fmt: skip
    st.caption("To read one: `greenroom backup write` decrypts it for pg_restore.")
