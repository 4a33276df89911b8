"""People: accounts, and what they are in which project. For administrators."""

from __future__ import annotations

from functools import partial

import streamlit as st

from greenroom.rights import Role
from ui import acts, look, parts, people_acts, reads, who
from ui.views.account import show_tokens

NOTHING = "nothing"
_ROLES = [*map(str, Role), NOTHING]
_ONCE = "one-time"


def _role(text: str | None) -> Role | None:
    return None if text in (None, "", NOTHING) else Role(str(text))


def show() -> None:
    """Show accounts, members and tokens."""
    look.heading("People", "Who may log in, and what they may do in which project.")
    made = st.session_state.pop(_ONCE, None)
    if made:
        with st.container(border=True, key="one-time"):
            look.section(f"One-time password of {made[0]}", look.tagged("shown once", "wait"))
            st.code(made[1], language=None)
    if who.may("user.read"):
        _accounts()
    for row in reads.board().projects:
        if who.may_in("member.set", row.name):
            _members(row.name)
    if who.may("user.read"):
        look.section("All API tokens")
        rows = people_acts.all_tokens()
        if rows:
            show_tokens(rows)
        else:
            st.caption("There is none. Everybody makes their own on the page Account.")


def _accounts() -> None:
    rows = people_acts.people()
    parts.table(
        ("Account", "E-mail", "Everywhere", "In projects", "Code", "State"),
        [
            (
                f"<b>{look.text(row.name)}</b>", look.text(row.email) or look.NOTHING,
                look.text(row.role) or look.NOTHING,
                look.text(", ".join(f"{n}: {r}" for n, r in row.projects)) or look.NOTHING,
                look.text("asked for" if row.has_code else "no"),
                look.tagged("active", "good") if row.is_active else look.tagged("shut", "bad"),
            )
            for row in rows
        ],
    )  # fmt: skip
    with st.container(horizontal=True, gap="small"):
        with st.popover("Add somebody", icon=":material/person_add:"):
            _add_form()
        with st.popover("Change an account", icon=":material/manage_accounts:"):
            _change_form(rows)


def _add_form() -> None:
    with st.form("add-user", border=False, clear_on_submit=True):
        name = st.text_input("Name", max_chars=60, autocomplete="off")
        email = st.text_input("E-mail", max_chars=200, autocomplete="off")
        role = st.selectbox("In every project", _ROLES, index=len(_ROLES) - 1)
        has_password = st.checkbox("With a one-time password", True)
        sent = st.form_submit_button("Add", type="primary")
    if sent:
        said = acts.give(
            partial(people_acts.add, name or "", email or "", _role(role), has_password)
        )
        if said is not None:
            if has_password:
                st.session_state[_ONCE] = ((name or "").strip(), said)
            st.rerun()


def _change_form(rows: tuple[people_acts.PersonRow, ...]) -> None:
    by_name = {row.name: row for row in rows}
    name = st.selectbox("Account", list(by_name), key="changed-account")
    if name is None:
        return
    row = by_name[name]
    role = st.selectbox(
        "In every project", _ROLES, index=_ROLES.index(row.role or NOTHING), key=f"role-{name}"
    )
    if st.button("Save role", type="primary", key=f"save-{name}") and acts.act(
        partial(people_acts.set_role, name, _role(role))
    ):
        st.rerun()
    if st.button("New one-time password", icon=":material/lock_reset:", key=f"reset-{name}"):
        said = acts.give(partial(people_acts.reset_password, name))
        if said is not None:
            st.session_state[_ONCE] = (name, said)
            st.rerun()
    label = "Let in no more" if row.is_active else "Let in again"
    if st.button(label, icon=":material/block:", key=f"active-{name}") and acts.act(
        partial(people_acts.set_active, name, not row.is_active)
    ):
        st.rerun()


def _members(project: str) -> None:
    with st.container(border=True, key=f"members-{project}"):
        rows = people_acts.members(project)
        look.section(project, look.tag(f"{len(rows)} people"))
        parts.table(
            ("Name", "Role", "Given"),
            [
                (look.text(name), look.text(role), look.text("everywhere" if all_ else "here"))
                for name, role, all_ in rows
            ],
            terse=True,
        )
        with st.form(f"member-{project}", border=False, clear_on_submit=True):
            left, right = st.columns(2)
            name = left.text_input("Account", max_chars=60, autocomplete="off")
            role = right.selectbox("Here", _ROLES, index=1)
            sent = st.form_submit_button("Set role")
        if sent and acts.act(
            partial(people_acts.set_member, project, (name or "").strip(), _role(role))
        ):
            st.rerun()
