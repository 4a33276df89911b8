"""What people said on an environment's pages: reading it, answering it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from greenroom import talking
from greenroom.errors import TrackerRefused
from greenroom.store import comments, environments, trackers
from greenroom.store.comments import Author, ThreadState
from greenroom.store.models import ThreadIssue
from greenroom.store.work import unit_of_work
from greenroom.tracking import picture_file, push_thread


@dataclass(frozen=True)
class ThreadRow:
    """What people said about one element."""

    number: int
    page: str
    title: str
    state: str
    about: str
    """The element's words, or its name."""
    commit: str
    seen_with: str
    said: tuple[tuple[str, str, datetime], ...]
    """Author, text and time of each."""
    place: str
    """The console's address that leads one of the team to it."""
    picture: str = ""
    """Where the picture of what it is about lies; empty if there is none."""
    files: tuple[tuple[str, str], ...] = ()
    """Pictures that came with it: where they lie, and their names."""
    issue: tuple[str, str] | None = None
    """Its key and address in the project's tracker."""
    refused: str = ""
    """Why the tracker did not take it."""


def threads(reference: str) -> tuple[ThreadRow, ...]:
    """Give an environment's threads by page, in the order they were begun."""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference)
        rows = sorted(comments.list_threads(work, found.id), key=lambda t: (t.page, t.number))
        issues = trackers.issues_of(work, [row.id for row in rows])
        return tuple(
            ThreadRow(
                row.number, row.page, row.title, row.state,
                str(row.anchor.get("text") or f"<{row.anchor.get('tag', '')}>")[:120],
                row.commit_hash, f"{row.browser}, {row.viewport_width_px} px wide",
                tuple((one.author, one.text, one.created_at) for one in row.comments),
                f"/open?env={quote(reference, safe='')}"
                f"&next={quote(f'{row.page}#greenroom-{row.number}', safe='')}",
                _file(row.picture),
                tuple(
                    (_file(each["digest"]), each["name"])
                    for one in row.comments for each in one.files
                ),
                *_issue(issues.get(row.id)),
            )
            for row in rows
        )  # fmt: skip


def reply(reference: str, number: int, text: str, actor: str) -> str:
    """Answer a thread."""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference)
        thread = comments.get_thread(work, found, number)
        talking.reply(work, found, thread, text, Author(actor))
    return f"Thread #{number} is answered."


def resolve(reference: str, number: int, is_resolved: bool, actor: str) -> str:
    """Say that a thread is done, or open it again."""
    with unit_of_work() as work:
        thread = comments.get_thread(work, environments.get_environment(work, reference), number)
        talking.resolve(work, thread, is_resolved, Author(actor))
    return f"Thread #{number} is {ThreadState.RESOLVED if is_resolved else 'open again'}."


def has_tracker(reference: str) -> bool:
    """Whether an environment's project has an issue tracker."""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference)
        return trackers.find_tracker(work, found.project_id) is not None


def make_issue(reference: str, number: int, actor: str) -> str:
    """Make an issue of a thread."""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference)
        thread = comments.get_thread(work, found, number)
        trackers.want_issue(work, found, thread, actor)
        key = thread.id
    push_thread(key)
    with unit_of_work() as work:
        issue = work.get_one(ThreadIssue, key)
        if issue.refused:
            raise TrackerRefused(issue.refused, hint="Look at the project's tracker and its token.")
        return f"Thread #{number} is {issue.key}."


def _file(digest: str | None) -> str:
    file = picture_file(digest) if digest else None
    return str(file) if file is not None and file.is_file() else ""


def _issue(row: ThreadIssue | None) -> tuple[tuple[str, str] | None, str]:
    if row is None:
        return None, ""
    return ((row.key, row.url) if row.key else None), row.refused
