"""Webhooks: verified, remembered, committed; answered at once, started right after."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from dataclasses import replace
from typing import Any

from aiohttp import web

from greenroom import orders
from greenroom.errors import (
    GreenroomError,
    InvalidInput,
    LimitReached,
    NotAllowed,
    NotFound,
    UserError,
)
from greenroom.gateway.uploads import TooLarge, chunks_of
from greenroom.intake import Accepted, act_on
from greenroom.names import check_project_name
from greenroom.runs import Runs
from greenroom.settings import Settings
from greenroom.sources.forges import FORGES
from greenroom.store import projects, webhooks
from greenroom.store.models import Project
from greenroom.store.work import Work, unit_of_work
from greenroom.tracking import receive_hook

log = logging.getLogger("greenroom.gateway")
MAX_BODY = 25 * 1024 * 1024
"""Source: GitHub Docs, webhook payloads are capped at 25 MB."""
READ_SECONDS = 60.0
RETRY_SECONDS = "5"
_STATUSES: dict[type[GreenroomError], int] = {NotFound: 404, NotAllowed: 401}


class Webhooks:
    """Takes deliveries."""

    def __init__(self, settings: Settings) -> None:
        self.runs = Runs(settings)
        self._under_way: set[asyncio.Task[Any]] = set()

    async def receive(
        self, request: web.BaseRequest, sender: str, project: str, *, is_tracker: bool = False
    ) -> web.Response:
        """Take one delivery of a forge or of a tracker."""
        try:
            async with asyncio.timeout(READ_SECONDS):
                body = b"".join([part async for part in chunks_of(request, MAX_BODY)])
        except TooLarge:
            return _refused(413, LimitReached("the payload is larger than 25 MB"), is_read=False)
        except TimeoutError:
            return _refused(408, InvalidInput("the payload did not come in whole"), is_read=False)
        headers = {name.lower(): value for name, value in request.headers.items()}
        take = self._take_issue if is_tracker else self._take
        taking = asyncio.create_task(take(sender, project, headers, body))
        self._under_way.add(taking)
        taking.add_done_callback(self._under_way.discard)
        return await asyncio.shield(taking)  # a forge that hangs up does not undo its delivery

    async def _take(
        self, forge: str, project: str, headers: dict[str, str], body: bytes
    ) -> web.Response:
        try:
            accepted = await asyncio.to_thread(accept, forge, project, headers, body)
        except GreenroomError as error:
            status = _STATUSES.get(type(error), 400 if isinstance(error, UserError) else 503)
            return _refused(status, error)
        led_to = (accepted, *accepted.also)
        if any(one.order is not None or one.teardown is not None for one in led_to):
            starting = asyncio.create_task(asyncio.to_thread(self._start, accepted))
            self._under_way.add(starting)
            starting.add_done_callback(self._under_way.discard)
        return _json(200 if accepted.is_repeated else 202, accepted.outcome)

    async def _take_issue(
        self, tracker: str, project: str, headers: dict[str, str], body: bytes
    ) -> web.Response:
        try:
            check_project_name(project)
            told = await asyncio.to_thread(receive_hook, tracker, project, headers, body)
        except GreenroomError as error:
            status = _STATUSES.get(type(error), 400 if isinstance(error, UserError) else 503)
            return _refused(status, error)
        return _json(200, told)

    def _start(self, accepted: Accepted) -> None:
        for one in (accepted, *accepted.also):
            try:
                if one.order is not None:
                    orders.start_order(one.order, self.runs)
                if one.teardown is not None:
                    orders.start_teardown(*one.teardown, runs=self.runs)
            except GreenroomError as error:
                log.warning("%s; reconcile starts it later", error.message)

    async def finish(self) -> None:
        """Wait for the deliveries and the starts that are under way."""
        while self._under_way:
            await asyncio.gather(*self._under_way, return_exceptions=True)


def accept(forge: str, project: str, headers: dict[str, str], body: bytes) -> Accepted:
    """Verify, parse, decide and record a delivery, in one transaction.

    A delivery is known by its id; and by its body where the signature does not cover the id, as
    whoever has seen a body could send it again under another one. Two pushes to GitHub never have
    the same body: it puts the time into it.

    Errors: NotFound, NotAllowed, InvalidInput.
    """
    speaker = FORGES.get(forge)
    if speaker is None:
        raise NotFound("there is no such webhook", hint="Copy its address from the console.")
    with unit_of_work() as work:
        owner = _find_project(work, project)
        if owner is None:
            raise NotFound("there is no such webhook", hint="Copy its address from the console.")
        speaker.verify(headers, body, projects.webhook_secret(owner))
        event = speaker.parse(headers, body)
        names = [event.delivery]
        if speaker.signs_body_only:
            names.append(f"body:{hashlib.sha256(body).hexdigest()}")
        for name in names:
            first = webhooks.record_delivery(work, forge, name, owner.id, event.kind)
            if first is not None:
                return Accepted({**first, "repeated": True}, is_repeated=True)
        accepted = act_on(work, owner, event)
        if event.also:
            also = tuple(act_on(work, owner, other) for other in event.also)
            told = {**accepted.outcome, "also": [one.outcome for one in also]}
            accepted = replace(accepted, outcome=told, also=also)
        for name in names:
            webhooks.record_outcome(work, forge, name, owner.id, accepted.outcome)
        return accepted


def _find_project(work: Work, name: str) -> Project | None:
    try:
        return projects.find_project(work, check_project_name(name))
    except InvalidInput:
        return None


def _refused(status: int, error: GreenroomError, *, is_read: bool = True) -> web.Response:
    refused = _json(status, error.as_json())
    if status == 503:
        refused.headers["Retry-After"] = RETRY_SECONDS
    if not is_read:
        refused.force_close()  # the rest of the payload may still come
    return refused


def _json(status: int, data: dict[str, Any]) -> web.Response:
    return web.Response(
        status=status, text=json.dumps(data, default=str), content_type="application/json"
    )
