"""Links to an environment for people without an account: a list, and a form for more."""

from __future__ import annotations

from functools import partial
from urllib.parse import quote

import segno
import streamlit as st

from ui import acts, look, parts, reads, share_acts, who

_UNTIL = {
    "1 day": "1d", "1 week": "7d", "2 weeks": "14d", "1 month": "30d", "3 months": "90d",
    "it is taken back": "never",
}  # fmt: skip
_TONES = {"open": "good", "expired": "wait", "revoked": "bad"}
_MADE = "made-link"


def opening(row: reads.EnvironmentRow) -> str:
    """Give the address by which one of the team opens an environment."""
    if row.is_production:
        return row.url
    return f"/open?env={quote(row.reference, safe='')}"


def show(reference: str) -> None:
    """Show an environment's links, and the form."""
    with look.shown_errors():
        if reads.environment(reference).is_production:
            look.empty_state(
                "public", "This is production", "It is open to everybody and needs no link."
            )
            return
        if share_acts.is_closed(reference):
            st.caption("Strangers are turned away: a link, or a login here, opens it.")
        else:
            st.caption(
                "Whoever reaches its address sees it. `greenroom project set-access` closes it."
            )
        _just_made(reference)
        rows = share_acts.rows(reference)
        if not rows:
            look.empty_state(
                "link", "Nobody has a link yet",
                "Send one to a client: it opens on a phone, without an account.",
            )  # fmt: skip
        if who.may_in("link.create", reference.partition("/")[0]):
            _form(reference)
        for row in rows:
            _card(reference, row)


def _just_made(reference: str) -> None:
    made = st.session_state.get(_MADE)
    if made is None or made[0] != reference:
        return
    shared: share_acts.Shared = made[1]
    with st.container(border=True, key="made-link-card"):
        look.section(f"Link for {shared.label}", look.tagged("shown once", "wait"))
        st.code(shared.url, language=None, wrap_lines=True)
        code = segno.make(shared.url, micro=False).svg_data_uri(scale=4, border=2, light="white")
        st.html(f'<img src="{code}" alt="The link as a code for a phone" width="180">')
        if st.button("I have it", icon=":material/check:"):
            del st.session_state[_MADE]
            st.rerun()


def _form(reference: str) -> None:
    with st.expander("Share with somebody", icon=":material/person_add:", expanded=False):
        with st.form("share", border=False):
            label = st.text_input("For whom", placeholder="Anna Weber", max_chars=60)
            until = st.selectbox("It opens until, from now", list(_UNTIL), index=2)
            password = st.text_input(
                "Password", type="password", autocomplete="new-password",
                help="Empty: the link alone opens. Tell it another way than the link.",
            )  # fmt: skip
            comment = st.checkbox("They may comment", value=True)
            approve = st.checkbox("They may approve, or ask for changes")
            pin = st.checkbox("Only this version, no later one")
            pages = st.text_input("Only these pages", placeholder="all; or like: / /shop/*")
            start = st.text_input("It opens the page", "/")
            sent = st.form_submit_button("Make the link", type="primary", icon=":material/link:")
        if not sent:
            return
        wish = share_acts.Wish(
            label or "", _UNTIL[str(until)], password or "", comment, approve, pin,
            tuple((pages or "").split()), start or "/",
        )  # fmt: skip
        made: list[share_acts.Shared] = []

        def do(actor: str) -> str:
            made.append(share_acts.add(reference, wish, actor))
            return "The link is made. It is shown once."

        if acts.act(do):
            st.session_state[_MADE] = (reference, made[0])
            st.rerun()


def _card(reference: str, row: share_acts.LinkRow) -> None:
    with st.container(border=True, key=f"link-{row.number}"):
        look.section(
            f"#{row.number} {row.label}", look.tagged(row.state, _TONES[row.state])
        )  # fmt: skip
        may = ["look", *["comment"] * row.may_comment, *["approve"] * row.may_approve]
        last = f", last {look.ago(row.last_opened_at)}" if row.last_opened_at else ""
        ends = f"{row.expires_at:%Y-%m-%d %H:%M} UTC" if row.expires_at else "it is taken back"
        st.html(
            parts.facts(
                [
                    ("Until", look.text(ends)),
                    ("May", look.text(", ".join(may))),
                    ("Password", look.text("yes" if row.has_password else "no")),
                    ("Version", look.text("one" if row.is_pinned else "the newest")),
                    ("Pages", look.text(" ".join(row.pages) or "all")),
                    ("Opened", f"{_times(row.opened)}{last}"),
                    ("Made by", look.text(row.by)),
                ],
                wide=True,
            )
        )
        if row.opened:
            with st.popover("Openings", icon=":material/visibility:"):
                seen = share_acts.views(reference, row.number)
                parts.table(
                    ("When", "With"), [(look.ago(at), look.text(client)) for at, client in seen]
                )
        if row.state == "revoked" or not who.may_at("link.revoke", reference):
            return
        with st.container(horizontal=True, gap="small"):
            if st.button("Two weeks more", key=f"extend-{row.number}", icon=":material/update:"):
                done = partial(share_acts.extend, reference, row.number, "14d")
                if acts.act(done):
                    st.rerun()
            if st.button("Take back", key=f"revoke-{row.number}", icon=":material/link_off:"):
                done = partial(share_acts.revoke, reference, row.number)
                if acts.act(done):
                    st.rerun()


def _times(count: int) -> str:
    return {0: "never", 1: "once"}.get(count, f"{count} times")
