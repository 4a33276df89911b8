"""Queries about issue trackers: a project's tracker, and the issues of threads."""

from __future__ import annotations

import uuid

from sqlalchemy import delete, or_, select

from greenroom.errors import InvalidInput, NotFound
from greenroom.secrets import generate_token
from greenroom.store.audit import record_audit
from greenroom.store.crypto import seal, unseal
from greenroom.store.later import next_attempt
from greenroom.store.models import (
    Comment,
    CommentThread,
    Environment,
    Project,
    ProjectTracker,
    ThreadIssue,
    now,
)
from greenroom.store.work import Work

_TOKEN = "project_trackers.token"  # noqa: S105 - a purpose, not a secret
_HOOK = "project_trackers.hook_secret"
RULES = ("click", "every")


def find_tracker(work: Work, project_id: uuid.UUID) -> ProjectTracker | None:
    """Find a project's tracker."""
    return work.get(ProjectTracker, project_id)


def get_tracker(work: Work, project: Project) -> ProjectTracker:
    """Get a project's tracker.

    Errors: NotFound.
    """
    found = find_tracker(work, project.id)
    if found is None:
        raise NotFound(
            f"{project.name} has no issue tracker",
            hint=f"Name one: greenroom tracker set {project.name} jira SHOP --api-url https://…",
        )
    return found


def tracker_token(tracker: ProjectTracker) -> str:
    """Open a tracker's token."""
    return unseal(tracker.token, _TOKEN)


def hook_secret(tracker: ProjectTracker) -> str:
    """Open the secret that a tracker signs its webhooks with."""
    return unseal(tracker.hook_secret, _HOOK)


def set_tracker(
    work: Work, project: Project, kind: str, place: str, api_url: str, token: str, rule: str,
    actor: str,
) -> ProjectTracker:  # fmt: skip
    """Name a project's tracker. Issues of another place are not followed any more.

    Errors: InvalidInput.
    """
    if rule not in RULES:
        raise InvalidInput(f"there is no rule {rule!r}", hint=f"One of: {', '.join(RULES)}.")
    found = find_tracker(work, project.id)
    if found is None:
        secret = seal(generate_token(24), _HOOK)
        found = ProjectTracker(
            project_id=project.id, kind=kind, place=place, hook_secret=secret, token=b""
        )
        work.add(found)
    elif (found.kind, found.place, found.api_url) != (kind, place, api_url):
        work.execute(delete(ThreadIssue).where(ThreadIssue.project_id == project.id))
    found.kind, found.place, found.api_url, found.rule = kind, place, api_url, rule
    found.token = seal(token, _TOKEN)
    record_audit(work, actor, "project.set_tracker", project=project, kind=kind, place=place)
    return found


def set_hook_secret(work: Work, project: Project, secret: str, actor: str) -> None:
    """Take the secret that a tracker has chosen itself.

    Errors: InvalidInput, NotFound.
    """
    if not 8 <= len(secret) <= 200 or not secret.isascii() or not secret.isprintable():
        raise InvalidInput("a webhook's secret has 8 to 200 characters")
    get_tracker(work, project).hook_secret = seal(secret, _HOOK)
    record_audit(work, actor, "project.set_tracker_secret", project=project)


def forget_tracker(work: Work, project: Project, actor: str) -> None:
    """Forget a project's tracker; its issues stay as they are."""
    work.delete(get_tracker(work, project))
    work.execute(delete(ThreadIssue).where(ThreadIssue.project_id == project.id))
    record_audit(work, actor, "project.forget_tracker", project=project)


def want_issue(work: Work, environment: Environment, thread: CommentThread, by: str) -> ThreadIssue:
    """Ask for a thread's issue; once more if the tracker refused it. Idempotent.

    Errors: NotFound.
    """
    get_tracker(work, environment.project)
    found = work.get(ThreadIssue, thread.id)
    if found is None:
        found = ThreadIssue(thread_id=thread.id, project_id=environment.project_id, wanted_by=by)
        work.add(found)
        record_audit(
            work, by, "comment.want_issue", environment=environment,
            subject=f"{environment.name} thread {thread.number}",
        )  # fmt: skip
    found.next_at, found.attempts = now(), 0
    work.flush()
    return found


def want_issue_by_rule(work: Work, environment: Environment, thread: CommentThread) -> None:
    """Ask for a new thread's issue where the project wants one for each."""
    tracker = find_tracker(work, environment.project_id)
    if tracker is not None and tracker.rule == "every":
        want_issue(work, environment, thread, "rule")


def note_change(work: Work, thread: CommentThread) -> None:
    """Note that a thread's issue, if it has one, is to be brought up to date."""
    found = work.get(ThreadIssue, thread.id)
    if found is not None:
        found.next_at, found.attempts = now(), 0


def issues_of(work: Work, thread_ids: list[uuid.UUID]) -> dict[uuid.UUID, ThreadIssue]:
    """Give the issues of threads, by thread."""
    found = work.scalars(select(ThreadIssue).where(ThreadIssue.thread_id.in_(thread_ids)))
    return {issue.thread_id: issue for issue in found}


def find_issue(work: Work, project_id: uuid.UUID, name: str) -> ThreadIssue | None:
    """Find the issue that a project's tracker calls ``name``: by key or by id.

    Locks: the issue.
    """
    if not name:
        return None
    return work.scalar(
        select(ThreadIssue)
        .with_for_update()
        .where(
            ThreadIssue.project_id == project_id,
            or_(ThreadIssue.key == name, ThreadIssue.external_id == name),
        )
    )


def list_due(work: Work, limit: int = 50) -> list[uuid.UUID]:
    """List the threads whose issues are to be brought up to date."""
    due = select(ThreadIssue.thread_id).where(ThreadIssue.next_at <= now())
    return list(work.scalars(due.order_by(ThreadIssue.next_at).limit(limit)))


def claim_issue(work: Work, thread_id: uuid.UUID) -> ThreadIssue | None:
    """Take an issue that is due; nobody else takes it until its next attempt.

    A process that is killed after this leaves it for that attempt.
    """
    found = work.scalar(
        select(ThreadIssue)
        .where(ThreadIssue.thread_id == thread_id, ThreadIssue.next_at <= now())
        .with_for_update(skip_locked=True)
    )
    if found is not None:
        found.next_at = next_attempt(now(), found.attempts)
        found.attempts += 1
    return found


def record_pushed(work: Work, comment: Comment, place: str) -> None:
    """Record that a comment stands in the tracker. Idempotent."""
    comment.external_id = place
