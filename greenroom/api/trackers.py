"""Issue trackers: where a project's comments become issues. Tokens can be set and never be read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from greenroom.api.noun import (
    Done,
    Environment,
    Given,
    Noun,
    Number,
    Project,
    Short,
    Shown,
    reference,
)
from greenroom.errors import TrackerRefused
from greenroom.rights import current_actor
from greenroom.settings import load_settings
from greenroom.store import comments, environments, projects
from greenroom.store import trackers as store
from greenroom.store.audit import record_audit
from greenroom.store.models import ThreadIssue
from greenroom.store.work import unit_of_work
from greenroom.trackers import open_tracker
from greenroom.tracking import hook_address, push_thread

router = Noun("trackers")
_OF = "/projects/{project}/tracker"


class TrackerShape(Shown):
    """Where comments become issues."""

    kind: str
    place: str
    api_url: str
    rule: str
    webhook_url: str


@router.reads(_OF)
def get_tracker(project: Project) -> TrackerShape:
    """Show a project's tracker."""
    with unit_of_work() as work:
        row = store.get_tracker(work, projects.get_project(work, project))
        return TrackerShape(
            kind=row.kind, place=row.place, api_url=row.api_url, rule=row.rule,
            webhook_url=hook_address(load_settings(), row.kind, project),
        )  # fmt: skip


class TrackerGiven(Given):
    """A tracker, and a token that may make issues there."""

    kind: Literal["github", "gitlab", "jira", "linear"]
    place: Short = Field(description="owner/name; Jira: SHOP, or SHOP/Bug; Linear: a team's key.")
    token: SecretStr = Field(description="Kept encrypted, never shown.")
    api_url: Short = Field("", description="Of a tracker of your own.")
    rule: Literal["click", "every"] = "click"


@router.writes("PUT", _OF, "project.set_tracker")
def set_tracker(project: Project, given: TrackerGiven) -> Done:
    """Name a project's tracker."""
    token = given.token.get_secret_value().strip()
    open_tracker(given.kind, given.place, token, api_url=given.api_url).close()
    with unit_of_work() as work:
        store.set_tracker(
            work, projects.get_project(work, project), given.kind, given.place, given.api_url,
            token, given.rule, current_actor().name,
        )  # fmt: skip
    return Done(done=f"Comments become issues at {given.place}.")


@router.writes("DELETE", _OF, "project.forget_tracker")
def forget_tracker(project: Project) -> Done:
    """Let comments become issues no more; those that are there stay."""
    with unit_of_work() as work:
        store.forget_tracker(work, projects.get_project(work, project), current_actor().name)
    return Done(done="Comments become issues no more.")


class HookShape(Shown):
    """What a tracker needs to tell us of its issues."""

    url: str
    secret: str


@router.reads(_OF + "/webhook", "project.show_tracker_secret")
def show_tracker_webhook(project: Project) -> HookShape:
    """Show the address and secret of the tracker's webhook; the audit trail says so."""
    with unit_of_work() as work:
        found = projects.get_project(work, project)
        row = store.get_tracker(work, found)
        record_audit(work, current_actor().name, "project.show_tracker_secret", project=found)
        address = hook_address(load_settings(), row.kind, project)
        return HookShape(url=address, secret=store.hook_secret(row))


class HookSecret(Given):
    """A secret that the tracker has chosen itself."""

    secret: Annotated[SecretStr, Field(min_length=8, max_length=200)]


@router.writes("PUT", _OF + "/webhook", "project.set_tracker_secret")
def set_tracker_secret(project: Project, given: HookSecret) -> Done:
    """Take the secret that the tracker signs its webhooks with."""
    with unit_of_work() as work:
        found = projects.get_project(work, project)
        secret = given.secret.get_secret_value().strip()
        store.set_hook_secret(work, found, secret, current_actor().name)
    return Done(done="Its webhooks are checked with this secret from now on.")


class IssueShape(Shown):
    """A thread's issue."""

    key: str
    url: str


@router.writes(
    "POST", "/projects/{project}/environments/{environment}/comments/{number}/issue",
    "comment.want_issue",
)  # fmt: skip
def make_issue(project: Project, environment: Environment, number: Number) -> IssueShape:
    """Make an issue of a thread, or bring it up to date."""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference(project, environment))
        thread = comments.get_thread(work, found, number)
        store.want_issue(work, found, thread, current_actor().name)
        key = thread.id
    push_thread(key)
    with unit_of_work() as work:
        issue = work.get_one(ThreadIssue, key)
        if issue.refused:
            raise TrackerRefused(issue.refused, hint="Is the tracker's token right?")
        return IssueShape.model_validate(issue)
