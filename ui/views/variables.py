"""An environment's variables: names and scopes for all, values only of those not secret."""

from __future__ import annotations

from functools import partial

import streamlit as st

from ui import acts, look, parts, reads, who

_MEANS = {
    "environment": "This environment",
    "staging": "All staging environments of the project",
    "production": "Production only",
    "project": "Every environment of the project",
    "manifest": "greenroom.yaml",
    "files": "The project's files",
    "database": "Its database",
    "built in": "Built in",
}
_TIMES = {"both": "Builds and running copies", "build": "Builds only", "run": "Running copies only"}
_BRIEF = {"both": "build, run", "build": "build", "run": "run"}
_HIDDEN = '<span class="gr-soft" title="secret">••••••••</span>'
_WITHHELD = '<span class="gr-soft">withheld from a stranger\'s code</span>'


def show(reference: str) -> None:
    """Show the table and the forms."""
    row = reads.environment(reference)
    rows = reads.variables(reference)
    if rows:
        parts.table(
            ("Name", "Value", "From", "Given to"),
            [
                (look.code(v.name), _value(v), look.tag(_MEANS[v.scope]), _BRIEF[v.given_at])
                for v in rows
            ],
        )
        st.caption("The logins of its captured mail come on top: SMTP_HOST and its like.")
    else:
        look.empty_state(
            "key", "No variables", "What you set here, the project's own processes get."
        )
    if not who.may_in("variable.set", row.project):
        return
    scopes = ["environment", row.kind, "project"]
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _set_form(reference, scopes)
    with right:
        own = tuple(v for v in rows if v.scope in (*scopes, "staging", "production"))
        if own:
            _unset_form(reference, own)


def _value(row: reads.VariableRow) -> str:
    if row.is_withheld:
        return _WITHHELD
    return _HIDDEN if row.value is None else look.code(row.value[:300])


def _set_form(reference: str, scopes: list[str]) -> None:
    with st.form("set-variable", clear_on_submit=True):
        look.section("Set a variable")
        name = st.text_input("Name", placeholder="PAYMENT_KEY", max_chars=200, autocomplete="off")
        value = st.text_input("Value", type="password", autocomplete="new-password")
        scope = st.selectbox("For", scopes, format_func=_MEANS.__getitem__)
        times = st.selectbox("Given to", list(_TIMES), format_func=_TIMES.__getitem__)
        secret = st.toggle("Secret: never shown again", value=True)
        sent = st.form_submit_button("Set", type="primary", icon=":material/save:")
    do = partial(
        acts.set_variable, reference, str(scope), name or "", value or "", secret, str(times)
    )
    if sent and acts.act(do):
        st.rerun()


def _unset_form(reference: str, rows: tuple[reads.VariableRow, ...]) -> None:
    with st.form("unset-variable", clear_on_submit=True):
        look.section("Remove a variable")
        chosen = st.selectbox(
            "Variable", rows, format_func=lambda v: f"{v.name} · {_MEANS[v.scope].lower()}"
        )
        sent = st.form_submit_button("Remove", icon=":material/delete:")
    if (
        sent
        and chosen
        and acts.act(partial(acts.unset_variable, reference, chosen.scope, chosen.name))
    ):
        st.rerun()
