"""The viewer's own account: password, code, sessions, tokens."""

from __future__ import annotations

from functools import partial

import segno
import streamlit as st

from greenroom.rights import Scope
from greenroom.settings import load_settings
from greenroom.store.users import SESSION_DAYS
from ui import acts, look, parts, people_acts, reads, who

_SCOPES = {
    Scope.READ: "look", Scope.DEPLOY: "deploy", Scope.REVIEW: "review, links, comments",
    Scope.DATA: "production's data", Scope.ADMIN: "everything I may",
}  # fmt: skip
_UNTIL = {"1 month": "30d", "3 months": "90d", "1 year": "365d", "it is taken back": "never"}
_ALL = "Every project"
_CODES, _SECRET = "recovery-codes", "made-token"


def show() -> None:
    """Show who is logged in, and what is theirs."""
    viewer = who.require_viewer()
    row = people_acts.own(who.current_token())
    look.heading("Account")
    with st.container(border=True, key="card-account"):
        look.section(viewer.name, look.tag(row.role or "by project"))
        roles = ", ".join(f"{name}: {role}" for name, role in row.projects)
        st.html(
            parts.facts(
                [
                    ("Everywhere", look.text(row.role or "nothing")),
                    ("In projects", look.text(roles) if roles else look.NOTHING),
                    ("Session", look.text(f"ends {SESSION_DAYS} days after its login")),
                ]
            )
            + '<p><a class="gr-button" href="/password" target="_self">Change password</a> '
            '<a class="gr-button gr-quiet" href="/logout" target="_self">Log out</a></p>'
        )
    _code(row)
    _sessions(row)
    _tokens(row)


def _code(row: people_acts.Own) -> None:
    with st.container(border=True, key="card-code"):
        is_on = row.code_since is not None
        look.section(
            "Second factor", look.tagged("on", "good") if is_on else look.tagged("off", "calm")
        )
        codes = st.session_state.pop(_CODES, None)
        if codes:
            st.caption("Recovery codes, each for one login without the app. Shown once: keep them.")
            st.code("\n".join(codes), language=None)
        if is_on:
            st.caption(f"{row.codes_left} recovery codes are left.")
            _typed("Switch it off", people_acts.end_code)
            return
        if not row.pending:
            st.caption("A code of an authenticator app, asked for after the password.")
            if st.button("Set up an app", icon=":material/qr_code_2:") and acts.act(
                people_acts.begin_code
            ):
                st.rerun()
            return
        st.caption("Scan this with the app, or type the key into it; then type its code.")
        st.image(segno.make(row.pending, micro=False).svg_data_uri(scale=5, border=2), width=210)
        st.code(row.pending.partition("secret=")[2].partition("&")[0], language=None)
        with st.form("prove-code", border=False, clear_on_submit=True):
            code = st.text_input("Code", max_chars=10, autocomplete="one-time-code")
            sent = st.form_submit_button("Ask for it from now on", type="primary")
        if sent:
            made = acts.give(partial(people_acts.prove_code, code or ""))
            if made is not None:
                st.session_state[_CODES] = made
                st.rerun()


def _typed(label: str, do: object) -> None:
    with st.form(f"typed-{label}", border=False, clear_on_submit=True):
        code = st.text_input("Code", max_chars=40, autocomplete="one-time-code")
        sent = st.form_submit_button(label)
    if sent and acts.act(partial(do, code or "")):  # type: ignore[arg-type]
        st.rerun()


def _sessions(row: people_acts.Own) -> None:
    with st.container(border=True, key="card-sessions"):
        look.section("Where you are logged in", look.tag(str(len(row.sessions))))
        parts.table(
            ("With", "By", "Since", "Last used"),
            [
                (
                    look.text(one.client) + (" " + look.tag("this one") if one.is_this else ""),
                    look.text(one.way), look.ago(one.since),
                    look.ago(one.seen_at) if one.seen_at else look.NOTHING,
                )
                for one in row.sessions
            ],
        )  # fmt: skip
        others = [one for one in row.sessions if not one.is_this]
        for one in others:
            label = f"End {one.client}, {one.since:%d %b %H:%M}"
            if st.button(
                look.plain(label), key=f"end-{one.number}", icon=":material/logout:"
            ) and acts.act(partial(people_acts.end_session, one.number)):
                st.rerun()


def _tokens(row: people_acts.Own) -> None:
    with st.container(border=True, key="card-tokens"):
        look.section("API tokens", look.tag(str(len(row.tokens))))
        docs = f"{load_settings().api_url}/docs"
        st.html(
            '<p class="gr-lead">Programs act with them as you, and may no more than you:'
            f" {look.address(docs)}</p>"
        )
        made = st.session_state.pop(_SECRET, None)
        if made:
            st.caption("Your new token. It is shown once, now.")
            st.code(made, language=None, wrap_lines=True)
        show_tokens(row.tokens)
        with st.form("add-token", clear_on_submit=True):
            name = st.text_input("What for", placeholder="deploy from CI", max_chars=60)
            scopes = st.multiselect(
                "It may", list(Scope), default=[Scope.READ], format_func=_SCOPES.__getitem__
            )
            project = st.selectbox("In", [_ALL, *(p.name for p in reads.board().projects)])
            until = st.selectbox("Until", list(_UNTIL), index=1)
            sent = st.form_submit_button("Make a token", type="primary", icon=":material/key:")
        if sent:
            only = "" if project in (None, _ALL) else str(project)
            secret = acts.give(
                partial(people_acts.add_token, name or "", scopes, only, _UNTIL[until or ""])
            )
            if secret is not None:
                st.session_state[_SECRET] = secret
                st.rerun()


def show_tokens(rows: tuple[people_acts.TokenRow, ...]) -> None:
    """Show tokens, and the buttons that take them back."""
    if not rows:
        return
    parts.table(
        ("Token", "For", "May", "Where", "State", "Last used"),
        [
            (
                f'<b class="gr-whole">#{one.number}</b>',
                look.text(one.name) + (f" {look.tag(one.whose)}" if one.whose else ""),
                look.text(", ".join(one.scopes)), look.text(one.project or _ALL.lower()),
                look.tagged(*_state(one)), look.ago(one.used_at) if one.used_at else look.NOTHING,
            )
            for one in rows
        ],
    )  # fmt: skip
    open_ones = [one for one in rows if one.state == "open"]
    if not open_ones:
        return
    with st.popover("Take one back", icon=":material/key_off:"):
        chosen = st.selectbox(
            "Token", open_ones, format_func=lambda one: f"#{one.number} {one.name}"
        )
        if (
            st.button("Take it back", type="primary")
            and chosen
            and acts.act(partial(people_acts.revoke_token, chosen.number))
        ):
            st.rerun()


def _state(row: people_acts.TokenRow) -> tuple[str, str]:
    if row.state != "open":
        return row.state, "bad" if row.state == "revoked" else "wait"
    return (f"until {row.expires_at:%d %b %Y}" if row.expires_at else "for good"), "good"
