"""A project's settings: its forge, its previews, how long they live, who gets their mail."""

from __future__ import annotations

from functools import partial

import streamlit as st

from greenroom.sources.rules import Forks, Rules
from greenroom.store.life import Wishes
from greenroom.store.states import PreviewAccess
from ui import acts, look, setting_acts
from ui.setting_acts import Settings, words

_ACCESS = {
    PreviewAccess.AUTO: "Closed where others than this machine reach them",
    PreviewAccess.CLOSED: "Closed: a link, or a login here",
    PreviewAccess.OPEN: "Open to everybody who reaches them",
}
_FORKS = {
    Forks.IGNORE: "have no environment", Forks.ASK: "wait until a member has read their commit",
}  # fmt: skip


def form(project: str) -> None:
    """Show a project's settings, each in a form of its own."""
    with look.shown_errors():
        row = setting_acts.read(project)
        forge, previews, life, mail = st.tabs(["Forge", "Previews", "Life", "Mail"])
        with forge:
            _forge(project, row)
        with previews:
            _previews(project, row)
        with life:
            _life(project, row)
        with mail:
            _mail(project, row)


def _forge(project: str, row: Settings) -> None:
    with st.form(f"forge-{project}", border=False):
        forges = list(setting_acts.FORGES)
        forge = st.selectbox(
            "Forge", forges, index=forges.index(row.forge) if row.forge in forges else 0
        )
        repository = st.text_input("Repository", row.repository, placeholder="owner/name")
        api_url = st.text_input("API address", row.api_url, placeholder="The forge's own")
        token = st.text_input("Token", type="password", autocomplete="off")
        said = "Deployments are reported there." if row.reports else "Nothing is reported yet."
        st.caption(f"{said} Kept encrypted, never shown again. Without a token, reporting ends.")
        sent = st.form_submit_button("Save", type="primary")
    do = partial(
        setting_acts.set_forge, project, forge or forges[0], repository or "", api_url or "",
        token or "",
    )  # fmt: skip
    if sent and acts.act(do):
        st.rerun()


def _previews(project: str, row: Settings) -> None:
    rules = row.rules
    with st.form(f"previews-{project}", border=False):
        include = st.text_input("Branches", ", ".join(rules.include), placeholder="every branch")
        exclude = st.text_input("Not these", ", ".join(rules.exclude), placeholder="renovate/*")
        targets = st.text_input("Pull requests to", ", ".join(rules.targets), placeholder="any")
        paths = st.text_input("Only changes of", ", ".join(rules.paths), placeholder="web/*")
        label = st.text_input("Only with the label", rules.label)
        limit = st.number_input("Most beside production (0: no limit)", 0, 10_000, rules.limit or 0)
        drafts = st.checkbox("Drafts have environments", rules.drafts)
        pulls_only = st.checkbox("A push alone makes none", rules.pulls_only)
        forks = st.radio(
            "Strangers' pull requests", list(_FORKS), format_func=_FORKS.__getitem__,
            index=list(_FORKS).index(rules.forks),
        )  # fmt: skip
        access = st.radio(
            "They are", list(_ACCESS), format_func=_ACCESS.__getitem__,
            index=list(_ACCESS).index(PreviewAccess(row.access)),
        )  # fmt: skip
        sent = st.form_submit_button("Save", type="primary")
    wanted = Rules(
        include=words(include or ""), exclude=words(exclude or ""), targets=words(targets or ""),
        paths=words(paths or ""), label=(label or "").strip(), drafts=drafts,
        pulls_only=pulls_only, limit=int(limit) or None, forks=forks or rules.forks,
    )  # fmt: skip
    do = partial(setting_acts.set_previews, project, wanted, str(access or row.access))
    if sent and acts.act(do):
        st.rerun()


def _life(project: str, row: Settings) -> None:
    known = row.wishes
    with st.form(f"life-{project}", border=False):
        st.caption("Empty is as greenroom.yaml says; 0 is never.")
        pause = st.number_input("Paused after minutes", 0.0, value=_over(known.pause_seconds, 60))
        stop = st.number_input("Stopped after minutes", 0.0, value=_over(known.stop_seconds, 60))
        days = st.number_input("Goes after days", 0.0, 366.0, value=_over(known.days))
        warn = st.number_input("Told hours before", 0.0, 8784.0, value=_over(known.warn_hours))
        sent = st.form_submit_button("Save", type="primary")
    wishes = Wishes(
        None if pause is None else pause * 60, None if stop is None else stop * 60, days, warn
    )
    if sent and acts.act(partial(setting_acts.set_life, project, wishes)):
        st.rerun()


def _over(value: float | None, unit: float = 1.0) -> float | None:
    return None if value is None else value / unit


def _mail(project: str, row: Settings) -> None:
    with st.form(f"mail-{project}", border=False):
        to = st.text_input(
            "Captured mail may be released to", ", ".join(row.released_to), placeholder="nobody",
            help="@agency.example is everybody there.",
        )  # fmt: skip
        server = st.text_input(
            "By the server", type="password", autocomplete="off",
            placeholder="set, kept encrypted" if row.has_server else "smtp://user:…@host:587",
        )  # fmt: skip
        sent = st.form_submit_button("Save", type="primary")
    if sent and acts.act(partial(setting_acts.set_mail, project, words(to or ""), server or "")):
        st.rerun()
    if row.has_server and st.button("Forget the server", key=f"mail-forget-{project}"):
        acts.act(partial(setting_acts.forget_server, project))
        st.rerun()
