"""Who is told of what: a list, and a form for more."""

from __future__ import annotations

from functools import partial

import streamlit as st

from greenroom.notices import MEANINGS
from greenroom.store.notices import QUIET
from greenroom.store.states import NoticeKind
from ui import acts, look, notice_acts, parts, reads, who

_EVERY = "Every project"
_DIGESTS = {"": "at once, too", "hour": "once an hour", "day": "once a day"}


def show() -> None:
    """Show everybody who is told, and the form."""
    look.heading("Notifications", "Who is told when something fails, or waits for somebody.")
    rows = notice_acts.targets()
    names = [project.name for project in reads.overview().projects]
    if not rows:
        look.empty_state(
            "notifications_off", "Nobody is told of anything",
            "Add an address below: mail, Slack, Teams, Telegram, a webhook and many more.",
        )  # fmt: skip
    for row in rows:
        _card(row)
    mine = [name for name in names if who.may_in("notice_target.add", name)]
    if who.may("notice_target.add"):
        mine.insert(0, _EVERY)
    if mine:
        look.section("Tell somebody")
        _form(mine)


def _card(row: notice_acts.TargetRow) -> None:
    with st.container(border=True, key=f"told-{row.name}"):
        look.section(row.name, look.tag(row.service))
        heard = ", ".join(MEANINGS[NoticeKind(kind)] for kind in row.kinds)
        last = f"refused: {row.refused}" if row.refused else "nothing was refused"
        st.html(
            parts.facts(
                [
                    ("Hears when", look.text(heard)),
                    ("Of", look.text(row.project or _EVERY.lower())),
                    ("Environments", look.code(row.environments)),
                    ("What is not urgent", look.text(_DIGESTS[row.digest])),
                    ("Last message", look.text(last)),
                ],
                wide=True,
            )
        )
        if not who.may_in("notice_target.test", row.project):
            return
        with st.container(horizontal=True, gap="small"):
            if st.button("Send a test", key=f"try-{row.name}", icon=":material/send:"):
                acts.act(partial(notice_acts.try_out, row.name))
            clicked = st.button("Remove", key=f"remove-{row.name}", icon=":material/delete:")
            if clicked and acts.act(partial(notice_acts.remove, row.name)):
                st.rerun()


def _form(projects: list[str]) -> None:
    with st.form("tell", clear_on_submit=True):
        name = st.text_input("Name", placeholder="team-slack", max_chars=60, autocomplete="off")
        address = st.text_input(
            "Address", type="password", autocomplete="off",
            placeholder="mailtos://…  slack://…  msteams://…  tgram://…  json://…",
            help="Any form that apprise understands. Kept encrypted, and never shown again.",
        )  # fmt: skip
        project = st.selectbox("Of", projects)
        kinds = st.multiselect(
            "When", list(NoticeKind), default=list(QUIET), format_func=MEANINGS.__getitem__
        )
        environments = st.text_input("Only environments like", "*")
        digest = st.selectbox(
            "What is not urgent", list(_DIGESTS), format_func=_DIGESTS.__getitem__,
            help="What fails and what waits for somebody is always told at once.",
        )  # fmt: skip
        sent = st.form_submit_button("Add", type="primary", icon=":material/add:")
    do = partial(
        notice_acts.add, name or "", address or "",
        "" if project in (None, _EVERY) else str(project), kinds, environments or "*",
        digest or "",
    )  # fmt: skip
    if sent and acts.act(do):
        st.rerun()
