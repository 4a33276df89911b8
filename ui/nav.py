"""The table of pages. A page is a line here and a file ``ui/views/<name>.py`` with ``show()``."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, NoReturn
from urllib.parse import urlencode

import streamlit as st

from ui import who


@dataclass(frozen=True)
class Entry:
    """A page of the console."""

    name: str
    """Its file in ``ui/views`` and its path."""
    title: str
    icon: str
    group: str
    act: str = ""
    """What it is for: it is not in the menu of whoever may that nowhere."""


ENTRIES = (
    Entry("dashboard", "Dashboard", "space_dashboard", "Staging"),
    Entry("environment", "Environment", "deployed_code", "Staging"),
    Entry("data", "Data", "database", "Staging"),
    Entry("files", "Files", "perm_media", "Staging"),
    Entry("projects", "Projects", "folder_copy", "Staging"),
    Entry("notifications", "Notifications", "notifications", "Platform"),
    Entry("people", "People", "group", "Platform", "member.set"),
    Entry("audit", "Audit", "receipt_long", "Platform"),
    Entry("platform", "Platform", "monitor_heart", "Platform"),
    Entry("hosts", "Hosts", "dns", "Platform", "machine.read"),
    Entry("storage", "Storage", "mop", "Platform"),
    Entry("account", "Account", "account_circle", "Platform"),
)
_BY_NAME = {entry.name: entry for entry in ENTRIES}


def page(name: str) -> Any:
    """Give a page as Streamlit knows it."""
    entry = _BY_NAME[name]
    return st.Page(
        import_module(f"ui.views.{name}").show,
        title=entry.title,
        icon=f":material/{entry.icon}:",
        url_path=name,
        default=entry is ENTRIES[0],
    )


def menu() -> dict[str, list[Any]]:
    """Give all pages by group, in order."""
    groups: dict[str, list[Any]] = {}
    for entry in ENTRIES:
        if entry.act and not who.may_somewhere(entry.act):
            continue
        groups.setdefault(entry.group, []).append(page(entry.name))
    return groups


def go(name: str, **parameters: str) -> NoReturn:
    """Open a page."""
    st.switch_page(page(name), query_params=parameters)


def path(name: str, **parameters: str) -> str:
    """Give a page's path on this console."""
    return f"/{name}?{urlencode(parameters)}"


def link(name: str, label: str, **parameters: str) -> None:
    """Show a link to a page; ``label`` may come from anybody."""
    from ui.look import plain

    st.page_link(page(name), label=plain(label), query_params=parameters)
