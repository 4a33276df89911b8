"""A project's issue tracker: reading it, setting it."""

from __future__ import annotations

from dataclasses import dataclass

from greenroom.settings import load_settings
from greenroom.store import projects, trackers
from greenroom.store.audit import record_audit
from greenroom.store.work import unit_of_work
from greenroom.trackers import open_tracker
from greenroom.tracking import hook_address


@dataclass(frozen=True)
class TrackerRow:
    """Where comments become issues; never the token."""

    kind: str
    place: str
    api_url: str
    rule: str
    webhook_url: str


def tracker_of(project: str) -> TrackerRow | None:
    """Give a project's tracker."""
    with unit_of_work() as work:
        found = trackers.find_tracker(work, projects.get_project(work, project).id)
        if found is None:
            return None
        address = hook_address(load_settings(), found.kind, project)
        return TrackerRow(found.kind, found.place, found.api_url, found.rule, address)


def save(
    project: str, kind: str, place: str, api_url: str, token: str, rule: str, actor: str
) -> str:
    """Name a project's tracker."""
    token, place, api_url = token.strip(), place.strip(), api_url.strip()
    open_tracker(kind, place, token, api_url=api_url).close()  # refuses what cannot be
    with unit_of_work() as work:
        found = projects.get_project(work, project)
        trackers.set_tracker(work, found, kind, place, api_url, token, rule, actor)
    return f"Comments become issues at {place}."


def forget(project: str, actor: str) -> str:
    """Forget a project's tracker."""
    with unit_of_work() as work:
        trackers.forget_tracker(work, projects.get_project(work, project), actor)
    return "Comments become issues no more."


def show_secret(project: str, actor: str) -> str:
    """Give what the tracker signs its webhooks with, and record who looked."""
    with unit_of_work() as work:
        found = projects.get_project(work, project)
        record_audit(work, actor, "project.show_tracker_secret", project=found)
        return trackers.hook_secret(trackers.get_tracker(work, found))


def set_secret(project: str, secret: str, actor: str) -> str:
    """Take the secret that a tracker has chosen itself."""
    with unit_of_work() as work:
        found = projects.get_project(work, project)
        trackers.set_hook_secret(work, found, secret.strip(), actor)
    return "Its webhooks are checked with this secret from now on."
