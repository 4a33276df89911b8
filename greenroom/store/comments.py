"""Queries about comments on pages: threads, replies, states; who listens hears of each change."""

from __future__ import annotations

import enum
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from greenroom.errors import LimitReached, NotFound
from greenroom.store.audit import record_audit
from greenroom.store.environments import serving_instance
from greenroom.store.models import (
    Comment,
    CommentThread,
    Environment,
    EnvironmentStatus,
    Release,
    now,
)
from greenroom.store.work import Work, take_turn

CHANNEL = "greenroom_comments"
"""Where each change is told, as ``<environment's id> <thread's id>``."""
MOST_THREADS, MOST_COMMENTS = 2000, 200
"""Threads of an environment; comments of a thread."""
LONGEST_TEXT = 2000
MOST_PER_MINUTE = 20
PICTURE_HOURS = 2
"""A picture taken later shows what nobody commented on."""
"""Comments through one link."""


class ThreadState(enum.StrEnum):
    """Where a thread stands."""

    OPEN = "open"
    RESOLVED = "resolved"
    DETACHED = "detached"
    """Open, but its element is not on the page any more."""


@dataclass(frozen=True)
class Author:
    """Who writes."""

    name: str
    link_id: uuid.UUID | None = None

    @property
    def actor(self) -> str:
        """The name for the audit trail."""
        return self.name if self.link_id is None else f"link:{self.name}"


@dataclass(frozen=True)
class Pin:
    """Where a thread begins, as a browser told it."""

    page: str
    title: str
    anchor: dict[str, Any]
    width_px: int
    height_px: int
    browser: str


def add_thread(
    work: Work,
    environment: Environment,
    pin: Pin,
    words: str,
    author: Author,
    release_id: uuid.UUID | None = None,
    *,
    files: tuple[dict[str, str], ...] = (),
) -> CommentThread:
    """Begin a thread about what an environment shows: what serves, or the release of a pinned link.

    Errors: LimitReached.
    Locks: one writer of an environment's threads at a time.
    """
    take_turn(work, f"comments {environment.id}")
    _check_pace(work, author)
    number = work.scalar(
        select(func.max(CommentThread.number)).where(CommentThread.environment_id == environment.id)
    )
    if (number or 0) >= MOST_THREADS:
        raise LimitReached(f"{environment.name} has {MOST_THREADS} threads; more are not kept")
    serving = serving_instance(work, environment.id)
    shown = release_id or (serving.release_id if serving else None)
    release = work.get(Release, shown) if shown else None
    thread = CommentThread(
        environment_id=environment.id, number=(number or 0) + 1, page=pin.page, title=pin.title,
        anchor=pin.anchor, viewport_width_px=pin.width_px, viewport_height_px=pin.height_px,
        browser=pin.browser, release_id=release.id if release else None,
        commit_hash=release.commit_hash if release else "",
        deployment_id=serving.deployment_id if serving and serving.release_id == shown else None,
    )  # fmt: skip
    first = Comment(author=author.name, link_id=author.link_id, text=words, files=list(files))
    thread.comments.append(first)
    work.add(thread)
    work.flush()
    tell(work, thread)
    record_audit(
        work, author.actor, "comment.create", environment=environment,
        subject=f"{environment.name} thread {thread.number}", page=pin.page,
    )  # fmt: skip
    return thread


def add_reply(
    work: Work, thread: CommentThread, words: str, author: Author, *,
    files: tuple[dict[str, str], ...] = (), external_id: str | None = None,
) -> Comment:  # fmt: skip
    """Add a comment to a thread.

    Errors: LimitReached.
    """
    take_turn(work, f"comments {thread.environment_id}")
    _check_pace(work, author)
    count = work.scalar(select(func.count()).where(Comment.thread_id == thread.id)) or 0
    if count >= MOST_COMMENTS:
        raise LimitReached(f"this thread has {MOST_COMMENTS} comments; begin another one")
    environment = work.get_one(Environment, thread.environment_id)
    record_audit(
        work, author.actor, "comment.reply", environment=environment,
        subject=f"{environment.name} thread {thread.number}",
    )  # fmt: skip
    made = Comment(
        author=author.name, link_id=author.link_id, text=words, files=list(files),
        external_id=external_id,
    )  # fmt: skip
    thread.comments.append(made)
    work.flush()
    tell(work, thread)
    return made


def set_resolved(work: Work, thread: CommentThread, is_resolved: bool, author: Author) -> None:
    """Resolve a thread, or open it again. Idempotent."""
    if (thread.state == ThreadState.RESOLVED) == is_resolved:
        return
    thread.state = ThreadState.RESOLVED if is_resolved else ThreadState.OPEN
    thread.resolved_by = author.name if is_resolved else ""
    thread.resolved_at = now() if is_resolved else None
    environment = work.get_one(Environment, thread.environment_id)
    record_audit(
        work, author.actor, "comment.resolve" if is_resolved else "comment.reopen",
        environment=environment, subject=f"{environment.name} thread {thread.number}",
    )  # fmt: skip
    tell(work, thread)


def record_place(work: Work, thread: CommentThread, is_found: bool) -> None:
    """Record whether a browser found a thread's element on its page. Idempotent."""
    before = ThreadState.DETACHED if is_found else ThreadState.OPEN
    if thread.state == before:
        thread.state = ThreadState.OPEN if is_found else ThreadState.DETACHED
        tell(work, thread)


def list_unpictured(work: Work, limit: int = 20) -> list[uuid.UUID]:
    """List the newest threads of which no picture was taken yet."""
    since = now() - timedelta(hours=PICTURE_HOURS)
    wanted = select(CommentThread.id).where(
        CommentThread.picture.is_(None), CommentThread.created_at > since
    )
    return list(work.scalars(wanted.order_by(CommentThread.created_at).limit(limit)))


def is_digest(text: str) -> bool:
    """Whether a text is the SHA-256 of something. Pure."""
    return len(text) == 64 and not set(text) - set("0123456789abcdef")


def shows_picture(work: Work, environment_id: uuid.UUID, digest: str) -> bool:
    """Whether a thread of an environment shows a picture."""
    if not is_digest(digest):
        return False
    mine = CommentThread.environment_id == environment_id
    own = select(CommentThread.id).where(mine, CommentThread.picture == digest)
    sent = (
        select(Comment.id)
        .join(Comment.thread)
        .where(mine, Comment.files.contains([{"digest": digest}]))
    )
    return any(work.scalar(query.limit(1)) is not None for query in (own, sent))


def list_pictures(work: Work) -> set[str]:
    """List the pictures that threads of living environments show, by their SHA-256."""
    living = Environment.status != EnvironmentStatus.DESTROYED
    threads = select(CommentThread.picture).join(
        Environment, Environment.id == CommentThread.environment_id
    )
    shown = {one for one in work.scalars(threads.where(living)) if one}
    sent = (
        select(Comment.files)
        .join(Comment.thread)
        .join(Environment, Environment.id == CommentThread.environment_id)
    )
    for files in work.scalars(sent.where(living, Comment.files != [])):
        shown |= {file["digest"] for file in files}
    return shown


def record_picture(work: Work, thread: CommentThread, digest: str) -> None:
    """Record the picture of a thread's element; an empty one if none can be taken."""
    thread.picture = digest
    tell(work, thread)


def find_thread(work: Work, environment_id: uuid.UUID, thread_id: uuid.UUID) -> CommentThread:
    """Find a thread of one environment, and of no other, to change it.

    Errors: NotFound.
    Locks: the thread.
    """
    found = work.scalar(
        select(CommentThread)
        .with_for_update()
        .options(selectinload(CommentThread.comments))
        .where(CommentThread.environment_id == environment_id, CommentThread.id == thread_id)
    )
    if found is None:
        raise NotFound("there is no such thread here")
    return found


def get_thread(work: Work, environment: Environment, number: int) -> CommentThread:
    """Get an environment's thread ``number``.

    Errors: NotFound.
    """
    found = work.scalar(
        select(CommentThread)
        .options(selectinload(CommentThread.comments))
        .where(CommentThread.environment_id == environment.id, CommentThread.number == number)
    )
    if found is None:
        raise NotFound(
            f"{environment.name} has no thread {number}",
            hint=f"`greenroom comments list {environment.project.name}/{environment.name}`"
            " lists them.",
        )
    return found


def list_threads(
    work: Work, environment_id: uuid.UUID, *, page: str | None = None
) -> list[CommentThread]:
    """List an environment's threads, or those of one page, in the order they were begun."""
    query = (
        select(CommentThread)
        .options(selectinload(CommentThread.comments))
        .where(CommentThread.environment_id == environment_id)
        .order_by(CommentThread.number)
    )
    if page is not None:
        query = query.where(CommentThread.page == page)
    return list(work.scalars(query))


def count_unresolved(work: Work, environment_id: uuid.UUID) -> dict[str, int]:
    """Count the threads of each page that are not resolved."""
    rows = work.execute(
        select(CommentThread.page, func.count())
        .where(
            CommentThread.environment_id == environment_id,
            CommentThread.state != ThreadState.RESOLVED,
        )
        .group_by(CommentThread.page)
        .order_by(CommentThread.page)
    )
    return {str(page): int(count) for page, count in rows}


def as_told(thread: CommentThread) -> dict[str, Any]:
    """Give a thread as the overlay and the command line read it."""
    return {
        "id": str(thread.id), "number": thread.number, "page": thread.page, "state": thread.state,
        "anchor": thread.anchor, "commit": thread.commit_hash, "picture": thread.picture or "",
        "comments": [
            {
                "author": one.author, "text": one.text, "at": one.created_at.isoformat(),
                "files": one.files or [],
            }
            for one in thread.comments
        ],
    }  # fmt: skip


def _check_pace(work: Work, author: Author) -> None:
    if author.link_id is None:
        return
    since = now() - timedelta(minutes=1)
    count = work.scalar(
        select(func.count()).where(Comment.link_id == author.link_id, Comment.created_at > since)
    )
    if (count or 0) >= MOST_PER_MINUTE:
        raise LimitReached(
            f"{MOST_PER_MINUTE} comments a minute are taken through one link",
            hint="Wait a minute.",
        )


def tell(work: Work, thread: CommentThread) -> None:
    """Tell who listens, once this transaction is committed."""
    work.execute(select(func.pg_notify(CHANNEL, f"{thread.environment_id} {thread.id}")))
