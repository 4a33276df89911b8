"""A project's issue tracker: what is set, and the form."""

from __future__ import annotations

from functools import partial

import streamlit as st

from greenroom.store.trackers import RULES
from greenroom.trackers import TRACKERS
from ui import acts, look, parts, tracker_acts

_NAMES = {"github": "GitHub", "gitlab": "GitLab", "jira": "Jira", "linear": "Linear"}
_RULES = {"click": "where somebody asks for one", "every": "of every thread"}


def form(project: str) -> None:
    """Show a project's tracker, and the form that sets it."""
    with look.shown_errors():
        row = tracker_acts.tracker_of(project)
        if row is not None:
            st.html(
                parts.facts(
                    [
                        ("Issues at", look.text(f"{_NAMES[row.kind]}, {row.place}")),
                        ("An issue", look.text(_RULES[row.rule])),
                        ("Webhook address", look.code(row.webhook_url)),
                    ]
                )
            )
            with st.container(horizontal=True, gap="small"):
                shown = f"tracker-secret-{project}"
                if st.button("Show webhook secret", key=f"{shown}-button"):
                    acts.act(partial(_keep_secret, project, shown))
                if st.button("Forget", key=f"tracker-forget-{project}") and acts.act(
                    partial(tracker_acts.forget, project)
                ):
                    st.rerun()
            if shown in st.session_state:
                st.code(st.session_state.pop(shown), language=None)
            if row.kind == "linear":
                _chosen_secret(project)
        with st.form(f"tracker-{project}", border=False):
            kinds = list(TRACKERS)
            kind = st.selectbox(
                "Tracker", kinds, format_func=_NAMES.__getitem__,
                index=kinds.index(row.kind) if row else 0,
            )  # fmt: skip
            place = st.text_input(
                "Place", row.place if row else "", autocomplete="off",
                help="GitHub, GitLab: acme/shop. Jira: SHOP, or SHOP/Bug. Linear: a team's key.",
            )  # fmt: skip
            api_url = st.text_input(
                "API address", row.api_url if row else "", autocomplete="off",
                placeholder="https://acme.atlassian.net", help="Empty: the vendor's own site.",
            )  # fmt: skip
            rule = st.radio(
                "An issue", list(RULES), format_func=_RULES.__getitem__,
                index=list(RULES).index(row.rule) if row else 0,
            )  # fmt: skip
            token = st.text_input("Token", type="password", autocomplete="off")
            st.caption("Kept encrypted, and never shown again.")
            sent = st.form_submit_button("Save", type="primary")
        do = partial(
            tracker_acts.save, project, kind or kinds[0], place or "", api_url or "", token or "",
            rule or RULES[0],
        )  # fmt: skip
        if sent and acts.act(do):
            st.rerun()


def _keep_secret(project: str, key: str, actor: str) -> str:
    st.session_state[key] = tracker_acts.show_secret(project, actor)
    return "It is shown once."


def _chosen_secret(project: str) -> None:
    with st.form(f"tracker-secret-form-{project}", clear_on_submit=True, border=False):
        secret = st.text_input(
            "Webhook secret that Linear shows", type="password", autocomplete="off"
        )
        sent = st.form_submit_button("Save the secret")
    if sent and acts.act(partial(tracker_acts.set_secret, project, secret or "")):
        st.rerun()
