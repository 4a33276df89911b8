"""Logs of deployments: a page, the whole as text, and live by server-sent events."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated

from fastapi import Header, Query
from fastapi.responses import PlainTextResponse, StreamingResponse

from greenroom.api.noun import Environment, Limit, Noun, Number, Project, Shown, reference
from greenroom.errors import GreenroomError
from greenroom.rights import Actor, acting_as, current_actor
from greenroom.store import deployments, environments
from greenroom.store.models import DeploymentLog
from greenroom.store.work import unit_of_work

router = Noun("logs")
_OF = "/projects/{project}/environments/{environment}/deployments/{number}/log"
BATCH = 2000
LOOK_SECONDS, PING_SECONDS = 0.4, 15.0
LONGEST_SECONDS = 4 * 3600.0
_After = Annotated[int, Query(ge=0, le=2**62, description="Lines after this one's id.")]


class Line(Shown):
    """One line, without its secrets."""

    id: int
    at: datetime
    section: str
    line: str


def _find(project: str, environment: str, number: int) -> uuid.UUID:
    with unit_of_work() as work:
        found = environments.get_environment(work, reference(project, environment))
        return deployments.find_deployment(work, found, f"#{number}").id


@router.reads(_OF)
def get_log(
    project: Project, environment: Environment, number: Number, after: _After = 0,
    limit: Limit = 200,
) -> list[Line]:  # fmt: skip
    """Show a part of a log; the next begins after its last line's id."""
    key = _find(project, environment, number)
    with unit_of_work() as work:
        rows = deployments.read_log(work, key, after=after, limit=limit)
        return [Line.model_validate(row) for row in rows]


@router.reads(
    _OF + "/download", response_class=PlainTextResponse,
)  # fmt: skip
def download_log(project: Project, environment: Environment, number: Number) -> PlainTextResponse:
    """Give a whole log as text."""
    key = _find(project, environment, number)
    parts, last = [], 0
    with unit_of_work() as work:
        while rows := deployments.read_log(work, key, after=last, limit=BATCH):
            parts += [f"{row.at:%Y-%m-%d %H:%M:%S} [{row.section}] {row.line}" for row in rows]
            last = rows[-1].id
        text = "\n".join(parts) or deployments.get_deployment(work, key).log_output
    name = f"{project}-{environment}-{number}.log"
    return PlainTextResponse(
        f"{text}\n", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


@router.reads(
    _OF + "/events", response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "Lines as they come."}},
)  # fmt: skip
def follow_log(
    project: Project, environment: Environment, number: Number, after: _After = 0,
    last_event_id: Annotated[str, Header(max_length=30)] = "",
) -> StreamingResponse:  # fmt: skip
    """Send a log's lines as they come, each once, until the deployment ends.

    Events are `line` and, last, `end` with the status. A client that comes back with
    `Last-Event-ID` misses nothing.
    """
    key = _find(project, environment, number)
    begin = int(last_event_id) if last_event_id.isdecimal() and len(last_event_id) < 19 else after
    return StreamingResponse(
        _events(key, begin, current_actor()),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _look(key: uuid.UUID, after: int, actor: Actor) -> tuple[list[DeploymentLog], str, bool]:
    """Read what came since the last look, and whether that is the end."""
    with acting_as(actor), unit_of_work() as work:
        row = deployments.get_deployment(work, key)
        lines = deployments.read_log(work, key, after=after, limit=BATCH)
        return lines, row.status, row.status in deployments.FINAL


async def _events(key: uuid.UUID, after: int, actor: Actor) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    begun = said = loop.time()
    has_ended = False
    while loop.time() - begun < LONGEST_SECONDS:
        try:
            lines, status, is_final = await asyncio.to_thread(_look, key, after, actor)
        except GreenroomError:
            return  # the client comes back, and is told why
        for row in lines:
            after, said = row.id, loop.time()
            told = {"at": row.at.isoformat(), "section": row.section, "line": row.line}
            yield f"id: {row.id}\nevent: line\ndata: {json.dumps(told)}\n\n"
        if not lines and has_ended:  # its last line is written right after its end
            yield f"event: end\ndata: {json.dumps({'status': status})}\n\n"
            return
        has_ended = is_final
        if not lines:
            if loop.time() - said > PING_SECONDS:
                said = loop.time()
                yield ": still here\n\n"
            await asyncio.sleep(LOOK_SECONDS)
