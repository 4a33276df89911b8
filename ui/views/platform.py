"""The platform itself: its processes, addresses and versions."""

from __future__ import annotations

import platform
from importlib.metadata import version

import streamlit as st

from greenroom import __version__
from greenroom.programs import Programs
from greenroom.settings import load_settings
from ui import look, parts

PARTS = ("streamlit", "prefect", "sqlalchemy", "aiohttp", "supervisor")


def show() -> None:
    """Show the platform."""
    look.heading("Platform", "What runs here, and where it answers.")
    look.section("Processes")
    _processes()
    settings = load_settings()
    look.section("Addresses")
    prefect = settings.prefect_api_url.removesuffix("/api")
    gateway = settings.environment_url(settings.base_domain)
    st.html(
        parts.facts(
            [
                ("Gateway", look.address(gateway)),
                ("Prefect", look.address(prefect)),
                ("Environments", look.code(f"<name>.{settings.base_domain}")),
                ("Home", look.code(str(settings.home))),
            ]
        )
    )
    look.section("Versions")
    own = [("Greenroom", __version__), ("Python", platform.python_version())]
    st.html(parts.facts([(n, look.code(v)) for n, v in [*own, *((p, version(p)) for p in PARTS)]]))


@st.fragment(run_every="5s")
def _processes() -> None:
    with look.shown_errors():
        states = Programs().states()
        rows = [
            (look.code(name), look.badge(row.state), f"pid {row.pid}" if row.pid else "",
             f'<span class="gr-soft">{look.text(_lately(row.description))}</span>')
            for name, row in sorted(states.items())
        ]  # fmt: skip
        if rows:
            parts.table(("Process", "State", "Number", "Lately"), rows, terse=True)
        else:
            look.empty_state("monitor_heart", "No process", "The process manager runs none.")


def _lately(description: str) -> str:
    """Leave the number out of what the process manager says of a process; it is shown already."""
    return description.partition(", ")[2] if description.startswith("pid ") else description
