"""An environment's life: asleep or awake, until when, what it uses, by which names."""

from __future__ import annotations

from functools import partial

import streamlit as st

from greenroom import living
from greenroom.manifest import VENDORS
from ui import acts, life_reads, look, parts, who

_ASLEEP = {
    "": ("awake", "good"), "paused": ("paused", "calm"), "stopped": ("stopped", "calm"),
}  # fmt: skip
_SPANS = {"A week": 7.0, "Two weeks": 14.0, "A month": 30.0, "For good": 0.0}


def show(reference: str) -> None:
    """Show what holds of it, and what can be done."""
    with look.shown_errors():
        row = life_reads.read(reference)
        if row.is_from_fork:
            _stranger(reference, row)
        _state(row)
        left, right = st.columns(2, gap="medium")
        with left:
            _sleep(reference, row)
        with right:
            _lifetime(reference, row)
        _domains(reference, row)


def _state(row: life_reads.LifeRow) -> None:
    word = _ASLEEP[row.asleep][0] if row.runtime not in ("", "static", *VENDORS) else "nothing runs"
    facts = [("Now", look.text(word))]
    if row.used:
        facts.append(("Uses", look.text(row.use)))
        facts.append(("Measured", look.ago(row.measured_at) if row.measured_at else look.NOTHING))
    if row.kept_since is not None:
        facts.append(("Version before", f"kept paused {look.ago(row.kept_since)}"))
    st.html(parts.facts(facts, wide=True))
    if row.used.get("is_over_disk"):
        st.html('<p class="gr-reason gr-wait">It has written more than resources.disk allows.</p>')


def _sleep(reference: str, row: life_reads.LifeRow) -> None:
    look.section("Sleep")
    if row.is_production:
        st.caption("Production never sleeps.")
        return
    said = [
        f"{verb} after {_span(seconds)}"
        for verb, seconds in (("paused", row.pause_seconds), ("stopped", row.stop_seconds))
        if seconds
    ]
    words = f"Without a visit it is {' and '.join(said)}." if said else "It never sleeps."
    st.caption(words)
    if row.asleep and st.button("Wake it", icon=":material/wb_sunny:"):
        acts.act(partial(life_reads.wake, reference))


def _span(seconds: float) -> str:
    """Say a span of time in its largest whole unit. Pure."""
    for name, unit in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * unit and seconds % unit == 0:
            return f"{seconds / unit:g} {name}"
    return f"{seconds:g} seconds"


def _lifetime(reference: str, row: life_reads.LifeRow) -> None:
    look.section("Lifetime")
    if row.is_production:
        st.caption("Production has no end.")
        return
    if row.expires_at is not None:
        st.caption(f"It goes by itself on {row.expires_at:%d %b %Y %H:%M} UTC.")
    else:
        st.caption("It stays until its branch goes, or somebody destroys it.")
        return
    if not who.may_at("environment.extend", reference):
        return
    span = st.selectbox("Keep it for", list(_SPANS))
    if st.button("Keep it", icon=":material/more_time:") and acts.act(
        partial(life_reads.extend, reference, _SPANS[span])
    ):
        st.rerun()


def _domains(reference: str, row: life_reads.LifeRow) -> None:
    look.section("Own domains")
    if row.domains:
        parts.table(
            ("Domain", "State", "TXT record", "Says"),
            [
                (
                    look.code(d.host),
                    look.text("leads here" if d.verified_at else "not verified yet"),
                    look.code(d.record), look.code(d.value),
                )
                for d in row.domains
            ],
        )  # fmt: skip
    if not who.may_at("domain.add", reference):
        return
    if row.domains:
        host = st.selectbox("Domain", [d.host for d in row.domains])
        with st.container(horizontal=True, gap="small"):
            if st.button("Verify", icon=":material/verified:") and acts.act(
                partial(life_reads.verify_domain, reference, host)
            ):
                st.rerun()
            if st.button("Remove", icon=":material/delete:") and acts.act(
                partial(life_reads.remove_domain, reference, host)
            ):
                st.rerun()
    with st.form("add-domain", clear_on_submit=True):
        host = st.text_input("Add a domain", placeholder="www.example.org", max_chars=253)
        if st.form_submit_button("Add") and acts.act(
            partial(life_reads.add_domain, reference, host)
        ):
            st.rerun()


def _stranger(reference: str, row: life_reads.LifeRow) -> None:
    """Show the question that a stranger's commit asks."""
    st.html(
        '<p class="gr-reason gr-wait">A pull request from a fork: a stranger\'s code. It runs only'
        " after somebody read the commit, and gets no secret and no data unless allowed.</p>"
    )
    if not who.may_at("environment.approve_fork", reference):
        return
    key = f"fork-commit-{reference}"
    if st.button("Look up its commit", icon=":material/search:"):
        st.session_state[key] = living.fork_commit(reference)
    commit = st.session_state.get(key, "")
    if not commit:
        return
    st.html(f"<p>Its head is {look.code(commit)}. Read it at the forge first.</p>")
    with_secrets = st.checkbox("It may have the project's secrets and data")
    if st.button("I have read it: deploy it", type="primary"):
        acts.place(partial(life_reads.approve_fork, reference, commit, with_secrets))
