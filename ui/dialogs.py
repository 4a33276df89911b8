"""The dialogs: asked for by a button anywhere, opened after the page, closed by success."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from greenroom.orders import Order
from ui import acts, look, nav, reads, review_acts, review_reads, who
from ui.refs import list_refs

_ASKED = "asked"


def ask(kind: str, subject: str) -> None:
    """Ask for a dialog; it opens when the page has run, and stays until it is closed."""
    st.session_state[_ASKED] = (kind, subject)


def close() -> None:
    """Close the dialog that is open."""
    st.session_state.pop(_ASKED, None)


def open_asked(page: str) -> None:
    """Open the dialog that was asked for; another page closes it."""
    if st.session_state.get("asked-on") != page:
        close()
    st.session_state["asked-on"] = page
    kind, subject = st.session_state.get(_ASKED, (None, ""))
    if kind is not None:
        _DIALOGS[kind](subject)


def button(label: str, kind: str, subject: str, key: str, **options: Any) -> None:
    """Show a button that asks for a dialog; it works inside a live fragment, too.

    Whoever may not do it sees none; the core would refuse it anyway.
    """
    if not who.may_in(_RIGHTS[kind], subject.partition("/")[0]):
        return
    if st.button(label, key=f"{key}-{kind}", **options):
        ask(kind, subject)
        st.rerun()


def _confirm(label: str, do: Callable[[str], str], **options: Any) -> None:
    if st.button(label, type="primary", width="stretch", **options) and acts.act(do):
        close()
        st.rerun()


def _confirm_order(label: str, order: Callable[[str], Order], **options: Any) -> None:
    """Show the button that places an order; then follow the log of what it starts."""
    if st.button(label, type="primary", width="stretch", **options):
        placed = acts.place(order)
        if placed is not None:
            close()
            nav.go("environment", env=placed.environment, part="logs")


def choose_ref(url: str, preset: str, label: str, key: str) -> str:
    """Show the selector of branches and tags; a commit can be typed."""
    found = list_refs(url)
    if found.error is not None:
        look.error_panel(found.error)
    names = list(dict.fromkeys([*([preset] if preset else []), *found.names]))
    chosen = st.selectbox(
        label, names, index=0 if names else None, format_func=found.describe,
        accept_new_options=True, placeholder="Type a name", key=f"ref-{key}",
        help="Pick one, or type any branch, tag or full commit.",
    )  # fmt: skip
    return chosen or ""


@st.dialog("Deploy", on_dismiss=close)
def _deploy(reference: str) -> None:
    with look.shown_errors():
        row = reads.environment(reference)
        st.html(f'<p class="gr-lead">To {look.code(row.reference)} {look.badge(row.status)}</p>')
        ref = choose_ref(reads.source_of(reference), row.branch, "Branch, tag or commit", reference)
        if row.last is not None and not row.last.is_final:
            st.caption(f"Deployment #{row.last.number} is running; this one takes its place.")
        _confirm_order("Deploy", partial(acts.deploy, reference, ref), disabled=not ref)


@st.dialog("New environment", on_dismiss=close)
def _create(project: str) -> None:
    with look.shown_errors():
        st.html(f'<p class="gr-lead">For {look.code(project)}</p>')
        branch = choose_ref(reads.source_of_project(project), "", "Branch", project)
        name = st.text_input(
            "Name", placeholder="From the branch", max_chars=48,
            help="Its address is <project>-<name>. Leave empty to name it after the branch.",
        )  # fmt: skip
        _confirm_order(
            "Create and deploy", partial(acts.create, project, branch, name), disabled=not branch
        )


@st.dialog("Roll back", on_dismiss=close)
def _roll_back(reference: str) -> None:
    with look.shown_errors():
        rows, proposed = reads.rollback_targets(reference)
        st.html(f'<p class="gr-lead">{look.code(reference)} returns to the release of</p>')
        if not rows:
            look.empty_state(
                "history", "Nothing to return to",
                "A rollback needs two successful deployments of different releases.",
            )  # fmt: skip
            return
        by_number = {row.number: row for row in rows}
        numbers = list(by_number)
        chosen = st.selectbox(
            "Deployment", numbers, index=numbers.index(proposed) if proposed in by_number else 0,
            format_func=lambda n: f"#{n} · {by_number[n].commit[:7]} · {by_number[n].ref}"
            f" · {by_number[n].requested_at:%d %b %H:%M} UTC",
        )  # fmt: skip
        st.caption("The artifact is kept: nothing is built. The database stays as it is.")
        _confirm_order(f"Roll back to #{chosen}", partial(acts.roll_back, reference, chosen))


@st.dialog("Promote to production", on_dismiss=close)
def _promote(reference: str) -> None:
    with look.shown_errors():
        row = review_reads.review(reference)
        st.html(
            f'<p class="gr-lead">The very artifact that {look.code(reference)} shows goes live:'
            f" {look.short_commit(row.commit)} {look.code(row.artifact[:19])}</p>"
        )
        st.caption(
            "Nothing is built. Before its release command runs, production's database is backed up"
            " and the backup read back. The version that serves stays until the new one is healthy."
        )
        _confirm_order("Promote", partial(review_acts.promote, reference))


@st.dialog("Destroy environment", on_dismiss=close)
def _destroy(reference: str) -> None:
    with look.shown_errors():
        row = reads.environment(reference)
        st.html(
            f'<p class="gr-lead">{look.code(row.reference)}, its database and its kept releases'
            " go for good.</p>"
        )
        typed = st.text_input(f"Type {look.plain(row.name)} to confirm", autocomplete="off")
        _confirm("Destroy", partial(acts.destroy, reference), disabled=typed.strip() != row.name)


_RIGHTS = {
    "deploy": "deployment.deploy",
    "create": "environment.create",
    "promote": "deployment.promote",
    "rollback": "deployment.rollback",
    "destroy": "environment.destroy",
}
_DIALOGS: dict[str, Callable[[str], Any]] = {
    "deploy": _deploy,
    "create": _create,
    "promote": _promote,
    "rollback": _roll_back,
    "destroy": _destroy,
}
