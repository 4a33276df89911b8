"""What people say on pages: one way in for overlay, console, command line, API and trackers.

Each act is recorded together with what follows from it: who is told, and what the project's
tracker is to hear.
"""

from __future__ import annotations

import re
import uuid

from greenroom.errors import InvalidInput
from greenroom.notices import note_comment
from greenroom.runs import Runs
from greenroom.store import comments, trackers
from greenroom.store.comments import LONGEST_TEXT, Author, Pin
from greenroom.store.models import Comment, CommentThread, Environment
from greenroom.store.work import Work

FOLLOW = "follow_comments/on-demand"
_MENTION = re.compile(r"(?<![\w@])@([\w][\w.-]{0,59})")


def begin_thread(
    work: Work, environment: Environment, pin: Pin, text: str, author: Author, *,
    release_id: uuid.UUID | None = None, files: tuple[dict[str, str], ...] = (),
) -> CommentThread:  # fmt: skip
    """Begin a thread about what an environment shows.

    Errors: InvalidInput, LimitReached.
    """
    made = comments.add_thread(
        work, environment, pin, check_text(text), author, release_id, files=files
    )
    _tell(work, environment, made, author, text)
    trackers.want_issue_by_rule(work, environment, made)
    return made


def reply(
    work: Work, environment: Environment, thread: CommentThread, text: str, author: Author, *,
    files: tuple[dict[str, str], ...] = (), external_id: str | None = None,
) -> Comment:  # fmt: skip
    """Add a comment to a thread; ``external_id`` is of one that the tracker has already.

    Errors: InvalidInput, LimitReached.
    """
    made = comments.add_reply(
        work, thread, check_text(text), author, files=files, external_id=external_id
    )
    _tell(work, environment, thread, author, text)
    if external_id is None:
        trackers.note_change(work, thread)
    return made


def resolve(
    work: Work, thread: CommentThread, is_resolved: bool, author: Author, *,
    is_known: bool = False,
) -> None:  # fmt: skip
    """Resolve a thread, or open it again; ``is_known``: the tracker said so. Idempotent."""
    comments.set_resolved(work, thread, is_resolved, author)
    if not is_known:
        trackers.note_change(work, thread)


def check_text(text: str) -> str:
    """Give a comment's text as it is kept.

    Errors: InvalidInput.
    """
    text = text.strip()
    if not 0 < len(text) <= LONGEST_TEXT:
        raise InvalidInput(f"a comment has 1 to {LONGEST_TEXT:,} characters")
    return text


def mentions(text: str) -> frozenset[str]:
    """Give the names that a text calls by ``@``. Pure."""
    return frozenset(name.rstrip(".-").lower() for name in _MENTION.findall(text))


def _tell(
    work: Work, environment: Environment, thread: CommentThread, author: Author, text: str
) -> None:
    note_comment(
        work, environment, thread.number, thread.page, author.name, text, called=mentions(text)
    )


def start_follow_up(runs: Runs) -> uuid.UUID:
    """Start what follows comments: pictures and issues. One run at a time; ``reconcile`` asks, too.

    Errors: OrchestratorUnavailable; it is done within a minute.
    """
    return runs.start(FOLLOW, {}, idempotency_key=str(uuid.uuid4()))
