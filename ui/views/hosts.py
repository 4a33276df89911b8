"""The hosts: machines elsewhere that run environments."""

from __future__ import annotations

from functools import partial

import streamlit as st

from greenroom.hosting.hosts import UNGUARDED, HostRow, describe_seen
from greenroom.store.machines import LOCAL, TAKES
from ui import acts, host_acts, look, parts, who

_KINDS = {
    "engine": "a Docker Engine",
    "swarm": "a manager of a Docker Swarm",
    "node": "a node of a swarm",
}


def show() -> None:
    """Show every host, and the form for more."""
    look.heading("Hosts", "Machines elsewhere whose Docker Engine runs environments.")
    if not who.may("machine.read"):
        look.empty_state("dns", "Hosts are the administrators'", "Ask one of them.")
        return
    rows = host_acts.rows()
    if not [row for row in rows if row.kind != LOCAL]:
        look.empty_state(
            "dns", "Everything runs on this machine",
            "Add another below: new copies go where most memory is free.",
        )  # fmt: skip
    if any(row.takes != "production" and row.kind in ("engine", "swarm") for row in rows):
        st.warning(UNGUARDED, icon=":material/gpp_maybe:")
    for row in rows:
        _card(row)
    if who.may("machine.add"):
        look.section("Add a host")
        _form()


def _card(row: HostRow) -> None:
    with st.container(border=True, key=f"host-{row.name}"):
        word = "not answering" if row.refused else "drained" if row.is_drained else "ready"
        look.section(row.name, look.tag(row.kind) + look.tag(word))
        facts = [("Copies", look.text(str(row.copies)))]
        if row.kind != LOCAL:
            facts += [
                ("Engine at", look.code(row.url)),
                ("Reached at", look.code(row.address)),
                ("Takes", look.text(", ".join([row.takes, *row.projects]))),
                ("Is", look.text(describe_seen(row.seen)) + _when(row)),
            ]
            if row.memory_bytes:
                facts.append(("Memory", look.text(f"{row.memory_bytes / 1024**3:.1f} GiB of it")))
            if row.refused:
                facts.append(("Last answer", look.text(row.refused)))
        st.html(parts.facts(facts, wide=True))
        _buttons(row)


def _when(row: HostRow) -> str:
    return f" ({look.ago(row.seen_at)})" if row.seen_at else ""


def _buttons(row: HostRow) -> None:
    with st.container(horizontal=True, gap="small"):
        if row.kind != LOCAL and st.button(
            "Check", key=f"check-{row.name}", icon=":material/network_check:"
        ):
            acts.act(partial(host_acts.check, row.name))
        if who.may("machine.drain") and row.kind != "node":
            word = "Place there again" if row.is_drained else "Drain"
            if st.button(
                word, key=f"drain-{row.name}", icon=":material/low_priority:"
            ) and acts.act(partial(host_acts.drain, row.name, not row.is_drained)):
                st.rerun()
        if who.may("machine.remove") and row.kind != LOCAL:
            gone = st.button("Remove", key=f"remove-{row.name}", icon=":material/delete:")
            if gone and acts.act(partial(host_acts.remove, row.name)):
                st.rerun()


def _form() -> None:
    with st.form("host", clear_on_submit=True):
        name = st.text_input("Name", placeholder="alpha", max_chars=40, autocomplete="off")
        url = st.text_input(
            "Engine at", placeholder="ssh://greenroom@alpha.example.org  tcp://10.0.0.5:2376",
            autocomplete="off", help="By SSH, or by TCP with the certificates of a client.",
        )  # fmt: skip
        address = st.text_input(
            "Reached at", placeholder="10.0.0.5", autocomplete="off",
            help="Where this machine reaches the ports of its containers; empty: as above.",
        )  # fmt: skip
        kind = st.selectbox(
            "Is", list(_KINDS), format_func=_KINDS.__getitem__,
            help="Of a swarm, name a manager first, then each other node.",
        )  # fmt: skip
        swarm = st.text_input("Node of", placeholder="the swarm's name here", max_chars=40)
        replicas = st.number_input("Replicas of each copy, in a swarm", 1, 50, 1)
        takes = st.selectbox("Takes", TAKES)
        memory = st.text_input("Memory for environments", placeholder="all of it", max_chars=10)
        keys = {
            part: st.text_area(label, height=80, placeholder="-----BEGIN …", help="PEM; for tcp://")
            for part, label in (
                ("ca", "Its authority's certificate"), ("cert", "Our certificate"),
                ("key", "Our key"),
            )
        }  # fmt: skip
        sent = st.form_submit_button("Add", type="primary", icon=":material/add:")
    do = partial(
        host_acts.add, name or "", url or "", address or "", str(kind), swarm or "",
        int(replicas), str(takes), memory or "",
        {part: text or "" for part, text in keys.items()},
    )  # fmt: skip
    if sent and acts.act(do):
        st.rerun()
