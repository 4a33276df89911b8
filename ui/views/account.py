"""The viewer's own account."""

from __future__ import annotations

import streamlit as st

from greenroom.store.users import SESSION_DAYS
from ui import look, parts, who


def show() -> None:
    """Show who is logged in, and the ways to the password and out."""
    viewer = who.require_viewer()
    look.heading("Account")
    with st.container(border=True, key="card-account"):
        look.section(viewer.name, look.tag(viewer.role))
        st.html(
            parts.facts([("Session", look.text(f"ends {SESSION_DAYS} days after its login"))])
            + '<p><a class="gr-button" href="/password" target="_self">Change password</a> '
            '<a class="gr-button gr-quiet" href="/logout" target="_self">Log out</a></p>'
        )
