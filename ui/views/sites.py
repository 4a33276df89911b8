"""A project's site at Netlify or Vercel: what is set, and the form."""

from __future__ import annotations

from functools import partial

import streamlit as st

from ui import acts, look, parts, site_acts

_NAMES = {"netlify": "Netlify", "vercel": "Vercel"}


def form(project: str) -> None:
    """Show a project's sites, and the form that names one."""
    with look.shown_errors():
        for row in site_acts.sites_of(project):
            shown = f"{row.team}/{row.site}" if row.team else row.site
            st.html(parts.facts([(_NAMES[row.kind], look.code(shown))]))
            key = f"site-forget-{project}-{row.kind}"
            forget = partial(site_acts.forget, project, row.kind)
            if st.button(f"Forget {_NAMES[row.kind]}", key=key) and acts.act(forget):
                st.rerun()
        with st.form(f"site-{project}", border=False):
            kind = st.selectbox("Host", list(_NAMES), format_func=_NAMES.__getitem__)
            site = st.text_input(
                "Site", autocomplete="off", placeholder="acme-shop",
                help="Netlify: its name or id. Vercel: the project's name.",
            )  # fmt: skip
            team = st.text_input(
                "Team", autocomplete="off", help="Where the site is not the token's own (Vercel)."
            )
            api_url = st.text_input(
                "API address", autocomplete="off", placeholder="The vendor's own"
            )
            token = st.text_input("Token", type="password", autocomplete="off")
            st.caption("Tried at once, kept encrypted, and never shown again.")
            sent = st.form_submit_button("Save", type="primary")
        do = partial(
            site_acts.save, project, kind or "netlify", site or "", team or "", api_url or "",
            token or "",
        )  # fmt: skip
        if sent and acts.act(do):
            st.rerun()
