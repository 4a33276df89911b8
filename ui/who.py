"""Who is looking: the session's cookie, and the user it belongs to."""

from __future__ import annotations

import time
from dataclasses import dataclass

import streamlit as st

from greenroom.errors import NotAllowed
from greenroom.secrets import hash_token
from greenroom.store import users
from greenroom.store.work import unit_of_work

COOKIE = "greenroom_session"
CACHE_SECONDS = 4.0
"""How long an ended session may still be believed by this process."""
CACHE_ENTRIES = 2000


@dataclass(frozen=True)
class Viewer:
    """The user behind a session."""

    name: str
    role: str
    must_change_password: bool


_seen: dict[str, tuple[float, Viewer]] = {}


def find_viewer(token: str, *, fresh: bool = False) -> Viewer | None:
    """Give the user of a session's token; at most ``CACHE_SECONDS`` old unless ``fresh``.

    Errors: DatabaseUnavailable.
    """
    if not token or len(token) > 200:
        return None
    key, now = hash_token(token), time.monotonic()
    if not fresh and (kept := _seen.get(key)) and now - kept[0] < CACHE_SECONDS:
        return kept[1]
    with unit_of_work() as work:
        user = users.find_session_user(work, token)
        viewer = Viewer(user.name, user.role, user.must_change_password) if user else None
    if viewer is None:
        _seen.pop(key, None)
        return None
    if len(_seen) >= CACHE_ENTRIES:
        _seen.clear()
    _seen[key] = (now, viewer)
    return viewer


def forget(token: str) -> None:
    """Look a session up again next time: it ended or changed."""
    _seen.pop(hash_token(token), None)


def current_token() -> str:
    """Give the token of the browser that this script runs for."""
    return st.context.cookies.get(COOKIE, "")


def current_viewer() -> Viewer | None:
    """Give the user this script runs for, None when the session has ended."""
    return find_viewer(current_token())


def require_viewer() -> Viewer:
    """Give the user who asks for an action, looked up anew.

    Errors: NotAllowed.
    """
    viewer = find_viewer(current_token(), fresh=True)
    if viewer is None or viewer.must_change_password:
        raise NotAllowed("your session has ended", hint="Log in again: reload this page.")
    return viewer
