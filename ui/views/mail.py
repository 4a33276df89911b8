"""What an environment sent and nobody got: a list, and one mail to read."""

from __future__ import annotations

from functools import partial
from html import escape

import streamlit as st

from ui import acts, look, mail_reads, parts, reads, who

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
HEIGHT_PX = 480


def show(reference: str) -> None:
    """Show an environment's mail."""
    with look.shown_errors():
        if reads.environment(reference).is_production:
            look.empty_state("mail", "This is production", "Its mail goes where it sends it.")
            return
        search = st.text_input(
            "Search", placeholder="Subject, sender or recipient", label_visibility="collapsed"
        )
        rows = mail_reads.listed(reference, search or "")
        if not rows:
            look.empty_state(
                "mail", "Nothing here" if search else "It sent no mail yet",
                "What it sends is kept here and reaches nobody: it gets the mail server's address"
                " in SMTP_HOST, MAILER_DSN and the other usual variables.",
            )  # fmt: skip
            return
        by_number = {row.number: row for row in rows}
        chosen = st.selectbox(
            "Mail", list(by_number), label_visibility="collapsed",
            format_func=lambda n: f"#{n} {by_number[n].subject or '(no subject)'}",
        )  # fmt: skip
        _one(reference, by_number[chosen])
        look.section("All of it")
        parts.table(
            ("Mail", "To", "Subject", "Size", "When"),
            [
                (
                    f'<b class="gr-whole">#{row.number}</b>', look.text(", ".join(row.recipients)),
                    look.text(row.subject), f"{row.size_bytes / 1000:,.1f} kB", look.ago(row.at),
                )
                for row in rows
            ],
        )  # fmt: skip
        if not who.may_in("mail.delete", reference.partition("/")[0]):
            return
        if st.button("Delete all of it", icon=":material/delete:") and acts.act(
            partial(mail_reads.empty, reference)
        ):
            st.rerun()


def _release(reference: str, number: int) -> None:
    with st.popover("Release to me", icon=":material/forward_to_inbox:"):
        named = mail_reads.releasable(reference)
        if not named:
            project = reference.partition("/")[0]
            st.caption("Mail goes out to nobody, until an administrator names who may get it:")
            st.code(f"greenroom mail allow {project} you@agency.example", language=None)
            return
        with st.form(f"release-{number}", border=False):
            single = [one for one in named if not one.startswith("@")]
            to = st.text_input(
                "To", single[0] if len(single) == 1 else "", placeholder=", ".join(named[:3]),
                help="Only addresses that an administrator named.",
            )  # fmt: skip
            sent = st.form_submit_button("Send it there", type="primary")
        if sent and acts.act(partial(mail_reads.release, reference, number, to or "")):
            st.rerun()


def _one(reference: str, row: mail_reads.MailRow) -> None:
    mail, source = mail_reads.read(reference, row.number)
    st.html(
        parts.facts(
            [
                *((name, look.text(value)) for name, value in mail.headers),
                ("Would have reached", look.text(", ".join(row.recipients))),
                ("When", look.ago(row.at)),
            ],
            wide=True,
        )
    )
    if who.may_at("mail.release", reference):
        _release(reference, row.number)
    shown, text, links, raw = st.tabs(["Shown", "Text", "Links", "Source"])
    with shown:
        if mail.html:
            # No script runs and nothing is fetched: a sandbox within a page without either.
            page = f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">{mail.html}'
            st.iframe(
                f'<iframe sandbox srcdoc="{escape(page)}" title="The mail" style="width:100%;'
                f'height:{HEIGHT_PX - 20}px;border:1px solid #ddd;background:#fff"></iframe>',
                height=HEIGHT_PX,
            )
        else:
            st.text(mail.text or "It has no text.")
    text.text(mail.text or "It has no text part.")
    with links:
        for link in mail.links:
            st.code(link, language=None, wrap_lines=True)
        if not mail.links:
            st.caption("No link is in it.")
    with raw:
        st.code(source[:100_000].decode("utf-8", "replace"), language=None)
        st.download_button(
            "Download", source, f"mail-{row.number}.eml", "message/rfc822", on_click="ignore"
        )
    for number, part in enumerate(mail.attachments):
        st.download_button(
            look.plain(part.name), part.octets, part.name, "application/octet-stream",
            key=f"part-{row.number}-{number}", icon=":material/attach_file:", on_click="ignore",
        )  # fmt: skip
