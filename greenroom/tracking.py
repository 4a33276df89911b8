"""Comments as issues: what a tracker is to hear of a thread, and what its webhooks change here."""

from __future__ import annotations

import hashlib
import hmac
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from greenroom import talking
from greenroom.errors import GreenroomError, LimitReached, NotFound
from greenroom.settings import Settings, load_settings
from greenroom.store import comments, projects, trackers
from greenroom.store.comments import LONGEST_TEXT, Author, ThreadState
from greenroom.store.crypto import ensure_secret_key
from greenroom.store.models import (
    Comment,
    CommentThread,
    Environment,
    ProjectTracker,
    ThreadIssue,
    now,
)
from greenroom.store.webhooks import record_delivery, record_outcome
from greenroom.store.work import unit_of_work
from greenroom.trackers import HOOKS, open_tracker
from greenroom.trackers.base import LONGEST_TITLE, Change, Draft, Issue, TrackerClient, escape

TIMEOUT_SECONDS = 10.0
LONGEST_WAIT_SECONDS = 6 * 3600.0
"""The longest wait that a tracker may ask for."""
TOLD = "told"
"""What stands for a comment's name in the tracker where we do not know it."""


@dataclass(frozen=True)
class Push:
    """What one tracker shall hear of one thread."""

    thread_id: uuid.UUID
    draft: Draft | None
    """The issue to make; None: it is there."""
    issue: Issue | None
    comments: tuple[tuple[uuid.UUID, str], ...]
    is_done: bool | None
    """Close it, or open it again; None: it stands as the thread does."""


def plan_push(thread: CommentThread, issue: ThreadIssue, mark: str, base: str) -> Push:
    """Say what a tracker lacks of a thread. Pure.

    ``base`` is the environment's address.
    """
    first, *rest = thread.comments
    said = tuple(
        (one.id, f"**{escape(one.author)}**: {escape(one.text)}")
        for one in rest if one.external_id is None
    )  # fmt: skip
    is_resolved = thread.state == ThreadState.RESOLVED
    is_done = is_resolved if is_resolved != issue.is_done else None
    if issue.key:
        there = Issue(issue.key, issue.url, issue.external_id)
        return Push(thread.id, None, there, said, is_done)
    place = f"{base}{thread.page}#greenroom-{thread.number}"
    about = str(thread.anchor.get("text") or f"<{thread.anchor.get('tag', '')}>")[:200]
    line = " ".join(first.text.split())
    title = line if len(line) <= LONGEST_TITLE else f"{line[: LONGEST_TITLE - 1]}…"
    size = f"{thread.viewport_width_px} x {thread.viewport_height_px}"
    facts = [
        f"Page: {place}",
        f"About: {escape(about)}",
        f"Version: {thread.commit_hash[:12]}" if thread.commit_hash else "",
        f"Seen with: {escape(thread.browser)}, {size} px",
    ]
    text = f"**{escape(first.author)}**: {escape(first.text)}\n\n" + "\n".join(filter(None, facts))
    return Push(thread.id, Draft(title, text, mark, place), None, said, is_done)


def mark_of(thread_id: uuid.UUID, key: str) -> str:
    """Give the mark of a thread's issue: keyed, so that nobody lays out one of ours."""
    known = hmac.new(key.encode(), f"issue:{thread_id}".encode(), hashlib.sha256)
    return f"greenroom-{known.hexdigest()[:32]}"


def push_thread(thread_id: uuid.UUID) -> bool:
    """Bring a thread's issue up to date if it is due; tell whether it was.

    What the tracker refuses is recorded with the issue. Idempotent but for a process that is
    killed between a tracker's yes and our note of it: a comment may then stand there twice.
    """
    with unit_of_work() as work:
        issue = trackers.claim_issue(work, thread_id)
        if issue is None:
            return False
        tracker = trackers.find_tracker(work, issue.project_id)
        if tracker is None:
            issue.next_at = None
            return False
        thread = work.get_one(CommentThread, thread_id)
        environment = work.get_one(Environment, thread.environment_id)
        plan = plan_push(thread, issue, mark_of(thread_id, ensure_secret_key()), environment.url)
        picture = thread.picture
        connect = _connection(tracker)
    refused, is_over, wait = "", True, 0.0
    try:
        _say(connect, plan, picture)
    except GreenroomError as error:
        refused, is_over = error.message, not error.transient
        wait = min(float(error.details.get("retry_after_seconds") or 0), LONGEST_WAIT_SECONDS)
    with unit_of_work() as work:
        found = work.get(ThreadIssue, thread_id, with_for_update=True)
        if found is not None:
            found.refused = refused
            if is_over and found.attempts:  # none: something was said meanwhile
                found.next_at, found.attempts = None, 0
            elif wait and found.next_at is not None:  # it said when to ask again
                found.next_at = max(found.next_at, now() + timedelta(seconds=wait))
    return True


def _connection(tracker: ProjectTracker) -> TrackerClient:
    return open_tracker(
        tracker.kind, tracker.place, trackers.tracker_token(tracker), api_url=tracker.api_url,
        timeout_seconds=TIMEOUT_SECONDS,
    )  # fmt: skip


def _say(client: TrackerClient, plan: Push, picture: str | None) -> None:
    """Say what is planned, and record each thing that was taken."""
    try:
        issue = plan.issue
        if plan.draft is not None:
            issue = client.ensure_issue(_illustrated(plan.draft, picture))
            with unit_of_work() as work:
                row = work.get_one(ThreadIssue, plan.thread_id, with_for_update=True)
                row.key, row.url, row.external_id = issue.key, issue.url, issue.id
                comments.tell(work, work.get_one(CommentThread, plan.thread_id))
        assert issue is not None
        for comment_id, text in plan.comments:
            client.add_comment(issue, text)
            with unit_of_work() as work:
                trackers.record_pushed(work, work.get_one(Comment, comment_id), TOLD)
        if plan.is_done is not None:
            client.set_done(issue, plan.is_done)
            with unit_of_work() as work:
                work.get_one(ThreadIssue, plan.thread_id).is_done = plan.is_done
    finally:
        client.close()


def _illustrated(draft: Draft, digest: str | None) -> Draft:
    if digest is None:
        return draft
    try:
        content = picture_file(digest).read_bytes()
    except OSError:
        return draft
    return Draft(draft.title, draft.text, draft.mark, draft.page_url, content)


def hook_address(settings: Settings, kind: str, project: str) -> str:
    """Give the address that a project's tracker sends webhooks to."""
    return f"{settings.environment_url(settings.base_domain)}/hooks/issues/{kind}/{project}"


def picture_file(digest: str) -> Path:
    """Give where the picture of a comment is kept."""
    return load_settings().path("comments", f"{digest}.png")


def receive_hook(
    kind: str, project: str, headers: dict[str, str], body: bytes, now: float | None = None
) -> dict[str, Any]:
    """Take a tracker's webhook: verify, read, apply, in one transaction; say what it led to.

    Errors: NotFound, NotAllowed, InvalidInput.
    """
    with unit_of_work() as work:
        owner = projects.find_project(work, project)
        tracker = trackers.find_tracker(work, owner.id) if owner else None
        if owner is None or tracker is None or tracker.kind != kind:
            raise NotFound("there is no such webhook", hint="`greenroom tracker show` tells it.")
        secret = trackers.hook_secret(tracker)
        change = HOOKS[kind](headers, body, secret, time.time() if now is None else now)
        if change is None:
            return {"action": "nothing"}
        delivery = f"body:{hashlib.sha256(body).hexdigest()}"
        first = record_delivery(work, f"tracker-{kind}", delivery, owner.id, "issue")
        if first is not None:
            return {**first, "repeated": True}
        issue = trackers.find_issue(work, owner.id, change.issue)
        outcome = {"action": "nothing"}
        if issue is not None:
            environment_id = work.get_one(CommentThread, issue.thread_id).environment_id
            thread = comments.find_thread(work, environment_id, issue.thread_id)
            environment = work.get_one(Environment, environment_id)
            author = Author(f"{change.author or kind} ({tracker.kind})")
            if change.is_done is not None:
                issue.is_done = change.is_done
                talking.resolve(work, thread, change.is_done, author, is_known=True)
                outcome = {"action": "resolved" if change.is_done else "reopened"}
            elif change.text and not is_ours(change, thread.comments):
                try:
                    talking.reply(
                        work, environment, thread, change.text[:LONGEST_TEXT], author,
                        external_id=change.id or TOLD,
                    )  # fmt: skip
                    outcome = {"action": "replied"}
                except LimitReached as error:
                    outcome = {"action": "nothing", "reason": error.message}
            outcome["thread"] = str(thread.number)
        record_outcome(work, f"tracker-{kind}", delivery, owner.id, outcome)
        return outcome


def is_ours(change: Change, said: Sequence[Comment]) -> bool:
    """Whether a tracker's comment is one that we brought there, or that we have already. Pure."""
    if change.id and any(one.external_id == change.id for one in said):
        return True
    words = _letters(change.text)
    return any(_letters(f"{one.author}{one.text}") == words for one in said)


def _letters(text: str) -> str:
    """Give a text's letters and digits: trackers write the rest in ways of their own."""
    return "".join(filter(str.isalnum, text))
