"""What people said on an environment's pages: reading it, answering it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from greenroom import talking
from greenroom.store import comments, environments
from greenroom.store.comments import Author, ThreadState
from greenroom.store.work import unit_of_work


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


def threads(reference: str) -> tuple[ThreadRow, ...]:
    """Give an environment's threads by page, in the order they were begun."""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference)
        rows = sorted(comments.list_threads(work, found.id), key=lambda t: (t.page, t.number))
        return tuple(
            ThreadRow(
                row.number, row.page, row.title, row.state,
                str(row.anchor.get("text") or f"<{row.anchor.get('tag', '')}>")[:120],
                row.commit_hash, f"{row.browser}, {row.viewport_width_px} px wide",
                tuple((one.author, one.text, one.created_at) for one in row.comments),
                f"/open?env={quote(reference, safe='')}"
                f"&next={quote(f'{row.page}#greenroom-{row.number}', safe='')}",
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
