"""The comments' own paths on a preview's host: the script, the threads, and what changes live.

A pass is enough for these, and for nothing more: the page's own scripts run on the same origin and
could ask with it. Deciding about a version happens on another host.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
from aiohttp import web

from greenroom import talking
from greenroom.clients import coarse_client
from greenroom.errors import GreenroomError, InvalidInput, LimitReached, NotAllowed, NotFound
from greenroom.gateway import attachments, pages, script
from greenroom.gateway.doors import is_cross_site
from greenroom.gateway.visitors import Visitor
from greenroom.previews import OVERLAY
from greenroom.runs import Runs
from greenroom.store import comments, links, team
from greenroom.store.comments import LONGEST_TEXT, Author, Pin
from greenroom.store.models import CommentThread, Environment
from greenroom.store.work import Work, database_url, unit_of_work

COMMENTS = "/_greenroom/comments"
FILES = f"{COMMENTS}/files/"
MAX_OCTETS = 16 * 1024
LONGEST_TITLE, LONGEST_PAGE = 200, 1000
LONGEST_ANCHOR = 6000
MOST_LISTENERS = 400
PING_SECONDS = 20.0
LOOK_SECONDS = 1.0
"""After which a stream ends at the latest, once its visitor was turned out."""
MOST_UPLOADS, UPLOAD_SECONDS = 20, 600.0
"""Pictures through one link in that time."""
_ANCHOR = {"tag", "attributes", "text", "path", "context", "card", "x", "y", "twins", "turn", "box"}
_STATUSES: dict[type[GreenroomError], int] = {
    NotFound: 404, LimitReached: 429, InvalidInput: 400, NotAllowed: 403,
}  # fmt: skip


class Remarks:
    """Answers what the overlay asks."""

    def __init__(self) -> None:
        self._listeners: dict[UUID, set[asyncio.Event]] = {}
        self._task: asyncio.Task[None] | None = None
        self._starting: asyncio.Task[None] | None = None
        self._uploads: dict[object, list[float]] = {}
        self._reads: dict[tuple[UUID, str, int], asyncio.Task[dict[str, Any]]] = {}
        self._turns: Counter[UUID] = Counter()
        """How often something changed in an environment."""

    async def stop(self) -> None:
        """Stop listening to the store."""
        if self._starting is not None:
            await asyncio.gather(self._starting, return_exceptions=True)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for waiting in self._listeners.values():
            for changed in waiting:
                changed.set()

    def is_mine(self, path: str) -> bool:
        """Whether a path is one of these."""
        return path in (OVERLAY, COMMENTS) or path.startswith(f"{COMMENTS}/")

    async def answer(
        self, request: web.BaseRequest, visitor: Visitor, still_open: Callable[[], bool]
    ) -> web.StreamResponse:
        """Answer one request of the overlay."""
        path = request.raw_path.partition("?")[0]
        if path == OVERLAY:
            return script.serve(request)
        try:
            if request.method == "GET":
                if path == f"{COMMENTS}/events":
                    return await self._events(request, visitor, still_open)
                if path.startswith(FILES):
                    digest = path.removeprefix(FILES)
                    return await asyncio.to_thread(attachments.serve, visitor, digest)
                page = request.query.get("page", "/")[:LONGEST_PAGE]
                return _json(await self._read_once(visitor, page))
            if request.method != "POST":
                return pages.not_allowed(request, "GET, POST", "Comments are read and sent.")
            try:
                return await self._write(request, visitor, path.removeprefix(COMMENTS).strip("/"))
            finally:
                self._turns[visitor.environment_id] += 1
        except GreenroomError as error:
            return _json(error.as_json(), _STATUSES.get(type(error), 503))

    async def _read_once(self, visitor: Visitor, page: str) -> dict[str, Any]:
        """Read a page's threads, once for all who ask while that is under way.

        A change makes everybody who looks at the page ask at the same moment. Who asks after it
        never gets what was read before.
        """
        key = (visitor.environment_id, page, self._turns[visitor.environment_id])
        reading = self._reads.get(key)
        if reading is None:
            reading = asyncio.create_task(asyncio.to_thread(_read, visitor.environment_id, page))
            self._reads[key] = reading
            reading.add_done_callback(lambda _: self._reads.pop(key, None))
        told = await asyncio.shield(reading)
        return {**told, "label": visitor.label, "may_approve": visitor.may_approve}

    async def _write(
        self, request: web.BaseRequest, visitor: Visitor, path: str
    ) -> web.StreamResponse:
        kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        is_file = path == "files" and kind in attachments.KINDS
        if is_cross_site(request) or not (is_file or kind == "application/json"):
            refused = NotAllowed("comments come from the page itself")
            return _json(refused.as_json(), 403)
        if is_file:
            self._check_uploads(visitor)
            await asyncio.to_thread(_check_open, visitor)
            return _json(await attachments.receive(request), 201)
        body = await _body(request)
        author = Author(visitor.label, visitor.link_id)
        if not path:
            pin = _pin(body, request.headers.get("User-Agent", ""))
            text = _text(body)
            files = attachments.files_of(body)
            made = await asyncio.to_thread(_begin, visitor, pin, text, author, files)
            self._follow_up()
            return _json(made, 201)
        thread, _, act = path.partition("/")
        try:
            number = UUID(thread)
        except ValueError as error:
            raise NotFound("there is no such thread here") from error
        match act:
            case "replies":
                text, files = _text(body), attachments.files_of(body)
                done: Callable[[Work, CommentThread], object] = lambda work, found: (  # noqa: E731
                    _reply(work, found, text, author, files)
                )
            case "resolve":
                done = lambda work, found: talking.resolve(  # noqa: E731
                    work, found, body.get("resolved") is True, author
                )
            case "place":
                done = lambda work, found: comments.record_place(  # noqa: E731
                    work, found, body.get("found") is True
                )
            case _:
                raise NotFound("there is nothing here")
        return _json(await asyncio.to_thread(_change, visitor, number, done))

    def _check_uploads(self, visitor: Visitor) -> None:
        """Count a visitor's pictures of the last minutes.

        Errors: LimitReached.
        """
        key, now = visitor.link_id or visitor.label, time.monotonic()
        newest = [at for at in self._uploads.get(key, []) if at > now - UPLOAD_SECONDS]
        if len(newest) >= MOST_UPLOADS:
            raise LimitReached("too many pictures at once", hint="Wait some minutes.")
        self._uploads[key] = [*newest, now]

    def _follow_up(self) -> None:
        """Have the picture taken now; what cannot be started now is within a minute."""
        if self._starting is None or self._starting.done():
            self._starting = asyncio.create_task(asyncio.to_thread(_start_follow_up))

    async def _events(
        self, request: web.BaseRequest, visitor: Visitor, still_open: Callable[[], bool]
    ) -> web.StreamResponse:
        """Tell a browser of each change, until it leaves or may look no more.

        Source: WHATWG HTML, section 9.2 (server-sent events).
        """
        if sum(map(len, self._listeners.values())) >= MOST_LISTENERS:
            raise LimitReached("too many are looking at once")
        if self._task is None:
            self._task = asyncio.create_task(self._listen_for_ever())
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        stream = web.StreamResponse(headers=headers)
        await stream.prepare(request)
        changed = asyncio.Event()
        waiting = self._listeners.setdefault(visitor.environment_id, set())
        waiting.add(changed)
        try:
            await stream.write(b"retry: 2000\n\n")
            silent = 0.0
            while self._task is not None and not self._task.done():
                try:
                    async with asyncio.timeout(LOOK_SECONDS):
                        await changed.wait()
                except TimeoutError:
                    silent += LOOK_SECONDS
                if not still_open():
                    break
                if not changed.is_set():
                    if silent >= PING_SECONDS:
                        silent = 0.0
                        await stream.write(b": still here\n\n")
                    continue
                silent = 0.0
                changed.clear()
                await stream.write(b"event: change\ndata: \n\n")
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            waiting.discard(changed)
        return stream

    async def _listen_for_ever(self) -> None:
        pause = 0.1
        while True:
            with contextlib.suppress(psycopg.Error, OSError, GreenroomError):
                url = await asyncio.to_thread(database_url)
                async with await psycopg.AsyncConnection.connect(
                    url, autocommit=True, connect_timeout=5, application_name="greenroom-comments"
                ) as connection:
                    await connection.execute(f"listen {comments.CHANNEL}")
                    for environment in list(self._listeners):  # what happened meanwhile
                        self._wake(environment)
                    pause = 0.1
                    async for notice in connection.notifies():
                        self._wake(UUID(notice.payload.partition(" ")[0]))
            await asyncio.sleep(pause)
            pause = min(5.0, pause * 2)

    def _wake(self, environment_id: UUID) -> None:
        self._turns[environment_id] += 1
        for changed in self._listeners.get(environment_id, ()):
            changed.set()


def _start_follow_up() -> None:
    with contextlib.suppress(GreenroomError):
        talking.start_follow_up(Runs())


def _json(body: Any, status: int = 200) -> web.Response:
    headers = {
        "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }  # fmt: skip
    return web.Response(
        status=status, text=json.dumps(body), content_type="application/json", headers=headers
    )


async def _body(request: web.BaseRequest) -> dict[str, Any]:
    read = b""
    async for part in request.content.iter_any():
        read += part
        if len(read) > MAX_OCTETS:
            raise LimitReached("this comment is too large")
    try:
        told = json.loads(read)
        # Half of an emoji, where a script cut a text in two, is JSON and no text.
        body = json.loads(json.dumps(told, ensure_ascii=False).encode(errors="replace"))
    except (ValueError, RecursionError) as error:
        raise InvalidInput("this is no JSON") from error
    if not isinstance(body, dict):
        raise InvalidInput("this is no JSON object")
    return body


def _words(value: object, most: int) -> str:
    """Give a text as it is kept: no control characters but line breaks."""
    text = value if isinstance(value, str) else ""
    kept = "".join(c for c in text if c == "\n" or (c.isprintable() and c != "\ufeff"))
    return kept.strip()[:most]


def _text(body: dict[str, Any]) -> str:
    text = _words(body.get("text"), LONGEST_TEXT)
    if not text:
        raise InvalidInput("a comment says something")
    return text


def _pin(body: dict[str, Any], agent: str) -> Pin:
    anchor = body.get("anchor")
    if not isinstance(anchor, dict) or set(anchor) - _ANCHOR or "tag" not in anchor:
        raise InvalidInput("a comment names its place")
    if len(json.dumps(anchor)) > LONGEST_ANCHOR or not isinstance(anchor.get("path"), str):
        raise InvalidInput("a comment's place is described in fewer words")
    if not isinstance(anchor.get("attributes"), dict) or "\\u0000" in json.dumps(anchor):
        raise InvalidInput("a comment names its place")
    box = anchor.get("box", [0, 0, 1, 1])
    if not isinstance(box, list) or len(box) != 4 or not all(_is_number(one) for one in box):
        raise InvalidInput("a box has four numbers")
    page = _words(body.get("page"), LONGEST_PAGE)
    if not page.startswith("/"):
        raise InvalidInput("a comment names its page")
    width, height = body.get("width"), body.get("height")
    if not (isinstance(width, int) and isinstance(height, int)) or not (
        0 < width < 100_000 and 0 < height < 1_000_000
    ):
        raise InvalidInput("a comment names its window")
    title = _words(body.get("title"), LONGEST_TITLE)
    return Pin(page, title, anchor, width, height, coarse_client(agent))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and -1e6 < value < 1e6


def _read(environment_id: UUID, page: str) -> dict[str, Any]:
    with unit_of_work() as work:
        found = comments.list_threads(work, environment_id, page=page)
        return {
            "threads": [comments.as_told(thread) for thread in found],
            "pages": comments.count_unresolved(work, environment_id),
        }


def _check_open(visitor: Visitor) -> None:
    with unit_of_work() as work:
        _check_still(work, visitor)


def _check_still(work: Work, visitor: Visitor) -> Environment:
    """Give where somebody comments, if the store, asked anew, still lets them.

    Errors: NotAllowed.
    """
    if visitor.link_id is not None:
        link = links.find_open(work, visitor.link_id)
        may = link is not None and link.may_comment
    else:
        member = team.find_member(work, visitor.session)
        may = member is not None and member.may("comment.create", visitor.project)
    if not may:
        raise NotAllowed(
            "you may not comment here any more", hint="Open the preview anew, by link or login."
        )
    return work.get_one(Environment, visitor.environment_id)


def _begin(
    visitor: Visitor, pin: Pin, text: str, author: Author, files: tuple[dict[str, str], ...]
) -> dict[str, Any]:
    with unit_of_work() as work:
        environment = _check_still(work, visitor)
        made = talking.begin_thread(
            work, environment, pin, text, author, release_id=visitor.release_id, files=files
        )
        return comments.as_told(made)


def _reply(
    work: Work, thread: CommentThread, text: str, author: Author, files: tuple[dict[str, str], ...]
) -> None:
    environment = work.get_one(Environment, thread.environment_id)
    talking.reply(work, environment, thread, text, author, files=files)


def _change(
    visitor: Visitor, thread_id: UUID, act: Callable[[Work, CommentThread], object]
) -> dict[str, Any]:
    with unit_of_work() as work:
        _check_still(work, visitor)
        found = comments.find_thread(work, visitor.environment_id, thread_id)
        act(work, found)
        work.flush()
        return comments.as_told(found)
