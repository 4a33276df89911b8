"""Who is looking: the session's cookie, and the user it belongs to."""

from __future__ import annotations

import time
from dataclasses import dataclass

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from greenroom.errors import NotAllowed
from greenroom.rights import NOBODY, RIGHTS, Actor, act_for_people, who_may
from greenroom.secrets import hash_token
from greenroom.store import logins, projects, users
from greenroom.store.work import platform_work, unit_of_work

COOKIE = "greenroom_session"
CACHE_SECONDS = 4.0
"""How long an ended session may still be believed by this process."""
CACHE_ENTRIES = 2000


@dataclass(frozen=True)
class Viewer:
    """The user behind a session."""

    name: str
    role: str
    """In every project; empty where it differs."""
    must_change_password: bool
    actor: Actor


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
    with platform_work() as work:
        session = logins.find_session(work, token)
        user = users.find_session_user(work, token)
        viewer = None
        if user is not None and session is not None:
            logins.note_seen(session)
            viewer = Viewer(user.name, user.role, user.must_change_password, users.actor_for(user))
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


def current_actor() -> Actor:
    """Give for whom this script runs: what the store shows and does is theirs."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return NOBODY
    viewer = current_viewer()
    return viewer.actor if viewer is not None and not viewer.must_change_password else NOBODY


def may(act: str) -> bool:
    """Whether the viewer may do something that belongs to no project: else it is not offered."""
    return current_actor().may(act)


def may_in(act: str, project: str) -> bool:
    """Whether the viewer may do something in a project."""
    actor = current_actor()
    if actor.may(act) or not project:
        return actor.may(act)
    with unit_of_work() as work:
        found = projects.find_project(work, project)
        return found is not None and actor.may(act, found.id)


def why_not_in(act: str, project: str) -> str:
    """Say who may do something in a project, where the viewer may not; else nothing."""
    return "" if may_in(act, project) else who_may(RIGHTS[act])


def may_at(act: str, reference: str) -> bool:
    """Whether the viewer may do something to an environment, ``project/name``."""
    return may_in(act, reference.partition("/")[0])


def may_somewhere(act: str) -> bool:
    """Whether the viewer may do something in any project."""
    actor = current_actor()
    return actor.may(act) or any(actor.may(act, project) for project in actor.roles)


def serve_people() -> None:
    """Make this process one that acts for whoever looks."""
    act_for_people(current_actor)


def require_viewer() -> Viewer:
    """Give the user who asks for an action, looked up anew.

    Errors: NotAllowed.
    """
    viewer = find_viewer(current_token(), fresh=True)
    if viewer is None or viewer.must_change_password:
        raise NotAllowed("your session has ended", hint="Log in again: reload this page.")
    return viewer
