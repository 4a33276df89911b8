"""The projects: what is there, how its forge tells us of pushes, and a form for more."""

from __future__ import annotations

from functools import partial

import streamlit as st

from greenroom.promotions import MOST_APPROVALS
from greenroom.store.states import ProductionBy
from ui import acts, dialogs, look, parts, reads, review_acts, who
from ui.views import settings, sites, tracker
from ui.views.dashboard import add_project_form


def show() -> None:
    """Show the projects."""
    look.heading("Projects", "Repositories whose branches become environments.")
    rows = reads.overview().projects
    if not rows:
        look.empty_state(
            "folder_copy", "No project yet",
            "Add one below, or run `greenroom project add <git url or path>`.",
        )  # fmt: skip
    for row in rows:
        _card(row)
    if who.may("project.add"):
        look.section("Add a project")
        add_project_form("more")


def _card(row: reads.ProjectRow) -> None:
    with st.container(border=True, key=f"card-{row.name}"):
        count = f"{row.environments} environment{'' if row.environments == 1 else 's'}"
        look.section(row.name, look.tag(count))
        database = "set, kept encrypted" if row.has_production_database else "not set"
        st.html(
            parts.facts(
                [
                    ("Repository", look.code(row.source)),
                    ("Production branch", look.code(row.production_branch)),
                    ("Runtime", look.text(row.runtime)),
                    ("Production changes by", look.text(row.rule)),
                    ("Production database", look.text(database)),
                    ("Webhook address", look.code(row.webhook_url)),
                ],
                wide=True,
            )
        )
        with st.container(horizontal=True, gap="small"):
            dialogs.button(
                "New environment", "create", row.name, f"p-{row.name}", icon=":material/add:"
            )
            if not who.may_in("project.set_production", row.name):
                return
            _secret(row)
            with st.popover("Approvals", icon=":material/verified:"):
                _rule_form(row)
            with st.popover("Production database", icon=":material/database:"):
                _database_form(row)
            with st.popover("Issue tracker", icon=":material/bug_report:"):
                tracker.form(row.name)
            with st.popover("Host elsewhere", icon=":material/cloud_upload:"):
                sites.form(row.name)
            with st.popover("Settings", icon=":material/tune:"):
                settings.form(row.name)
        if st.session_state.get("shown-secret") == row.name:
            with look.shown_errors():
                st.caption("Webhook secret. Give it to the forge; it signs each push with it.")
                st.code(reads.webhook_secret(row.name), language=None)
                st.session_state.pop("shown-secret")


def _secret(row: reads.ProjectRow) -> None:
    clicked = st.button("Show webhook secret", key=f"secret-{row.name}", icon=":material/key:")
    if clicked and acts.act(partial(acts.record_secret_shown, row.name)):
        st.session_state["shown-secret"] = row.name


_WAYS = {
    ProductionBy.PROMOTION: "Promotion of what was approved",
    ProductionBy.PUSH: "Pushes to its branch, too",
}


def _rule_form(row: reads.ProjectRow) -> None:
    with st.form(f"rule-{row.name}", border=False):
        way = st.radio(
            "Production changes by", list(_WAYS), format_func=_WAYS.__getitem__,
            index=list(_WAYS).index(ProductionBy(row.production_by)),
        )  # fmt: skip
        needed = st.number_input("Approvals", 0, MOST_APPROVALS, row.approvals_needed)
        names = st.text_input(
            "Approvers", ", ".join(row.approvers), placeholder="anybody",
            help="Names, with commas between. Empty: everybody may approve.",
        )  # fmt: skip
        clients = st.number_input(
            "Clients' approvals", 0, MOST_APPROVALS, row.client_approvals_needed,
            help="Given through preview links, besides the team's.",
        )  # fmt: skip
        pages = st.text_input(
            "Pages that are approved one by one", " ".join(row.review_pages), placeholder="none",
            help="Paths with spaces between, like: / /shop. Each approved is the whole approved.",
        )  # fmt: skip
        author = st.checkbox("The author may approve", row.author_may_approve)
        sent = st.form_submit_button("Save", type="primary")
    rule = partial(
        review_acts.set_rule, row.name, ProductionBy(way or row.production_by), int(needed),
        (names or "").split(","), author, int(clients), (pages or "").split(),
    )  # fmt: skip
    if sent and acts.act(rule):
        st.rerun()


def _database_form(row: reads.ProjectRow) -> None:
    with st.form(f"database-{row.name}", clear_on_submit=True, border=False):
        url = st.text_input(
            "Address", type="password", placeholder="postgresql://reader:…@host/name",
            autocomplete="off", help="A role that can only read is enough, and safer.",
        )  # fmt: skip
        st.caption("Kept encrypted, and never shown again.")
        sent = st.form_submit_button("Save", type="primary")
    if sent and acts.act(partial(acts.set_production_database, row.name, url or "")):
        st.rerun()
