"""What follows a comment: a picture of what it is about, and the project's tracker."""

from __future__ import annotations

import hashlib
import time
import uuid
from urllib.parse import urlsplit

from prefect import get_run_logger

from greenroom import talking
from greenroom.errors import GreenroomError
from greenroom.previews import browser_cookie
from greenroom.runs import Runs
from greenroom.settings import load_settings
from greenroom.store import comments, trackers
from greenroom.store.crypto import ensure_secret_key
from greenroom.store.models import CommentThread, Environment
from greenroom.store.work import unit_of_work
from greenroom.tracking import picture_file, push_thread
from tasks.policies import step

FRESH_SECONDS = 86_400.0
SMALLEST_PX, LARGEST_PX = 200, 2000
"""Windows of our browser; what a visitor's browser says is not to be trusted."""


@step
def list_unpictured() -> list[uuid.UUID]:
    """List the threads of which a picture is still to be taken. Idempotent."""
    with unit_of_work() as work:
        return comments.list_unpictured(work)


@step
def picture_thread(thread_id: uuid.UUID) -> bool:
    """Take the picture of what a thread is about, once; tell whether there is one. Idempotent."""
    from greenroom.compare.element import Wanted, picture_element  # with a browser's client

    settings = load_settings()
    with unit_of_work() as work:
        thread = work.get_one(CommentThread, thread_id)
        environment = work.get_one(Environment, thread.environment_id)
        host = urlsplit(environment.url).hostname or ""
        cookie = browser_cookie(settings, host, environment.url, ensure_secret_key())
        width, height = (
            min(max(size, SMALLEST_PX), LARGEST_PX)
            for size in (thread.viewport_width_px, thread.viewport_height_px)
        )
        url, anchor = f"{environment.url}{thread.page}", dict(thread.anchor)
    folder = settings.path("comments")
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / f".{thread_id}.png"
    digest = ""
    if picture_element(Wanted(url, anchor, width, height, str(made), cookie)):
        digest = hashlib.sha256(made.read_bytes()).hexdigest()
        made.replace(picture_file(digest))
    made.unlink(missing_ok=True)
    with unit_of_work() as work:
        comments.record_picture(work, work.get_one(CommentThread, thread_id), digest)
    return bool(digest)


@step
def forget_pictures() -> int:
    """Delete pictures that no thread of a living environment shows; give how many. Idempotent.

    A new one is left alone for a day: the comment that it was sent for may be on its way.
    """
    folder, before, count = load_settings().path("comments"), time.time() - FRESH_SECONDS, 0
    if not folder.is_dir():
        return 0
    with unit_of_work() as work:
        shown = comments.list_pictures(work)
    for file in folder.iterdir():
        if file.stem not in shown and file.stat().st_mtime < before:
            file.unlink(missing_ok=True)
            count += 1
    return count


@step
def list_news() -> list[uuid.UUID]:
    """List the threads that a tracker is to hear of. Idempotent."""
    with unit_of_work() as work:
        return trackers.list_due(work)


@step
def tell_tracker(thread_id: uuid.UUID) -> bool:
    """Bring a thread's issue up to date; what the tracker refuses is recorded with it."""
    return push_thread(thread_id)


@step
def follow_up() -> bool:
    """Start what follows comments, where something is left to do; tell whether. Idempotent."""
    with unit_of_work() as work:
        is_needed = bool(comments.list_unpictured(work) or trackers.list_due(work, limit=1))
    if is_needed:
        try:
            talking.start_follow_up(Runs())
        except GreenroomError as error:
            get_run_logger().warning("comments are followed later: %s", error.message)
    return is_needed
