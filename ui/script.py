"""What Streamlit runs for every look: check who it is, then show the page that was asked for."""

from __future__ import annotations

import streamlit as st

from greenroom.errors import GreenroomError
from ui import dialogs, look, nav, who

st.set_page_config(page_title="Greenroom", page_icon=look.MARK, layout="wide")
look.lay_style()

try:
    viewer = who.current_viewer()
except GreenroomError as error:
    look.error_panel(error)
    st.stop()
if viewer is None or viewer.must_change_password:
    look.empty_state("lock", "You are logged out", "Log in to go on.", link=("/login", "Log in"))
    st.stop()

st.logo(look.WORDMARK, icon_image=look.MARK, size="large")
with st.sidebar:
    look.signature(viewer.name)
chosen = st.navigation(nav.menu(), position="sidebar", expanded=True)
look.show_flashes()
with look.shown_errors():
    chosen.run()
dialogs.open_asked(chosen.url_path)
