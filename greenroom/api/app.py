"""The API's wiring: its nouns, its errors, its description."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from greenroom import __version__
from greenroom.api import (
    assets,
    backups,
    comments,
    comparisons,
    data,
    deployments,
    environments,
    hosts,
    isolation,
    life,
    links,
    logs,
    mail,
    notifications,
    people,
    performance,
    projects,
    sites,
    storage,
    trackers,
    variables,
)
from greenroom.api.door import Door, refuse
from greenroom.api.page import render
from greenroom.errors import GreenroomError
from greenroom.rights import act_for_people
from greenroom.secrets import Redactor

NOUNS = (
    projects, environments, deployments, logs, variables, data, comparisons, links, comments, mail,
    notifications, backups, life, performance, isolation, assets, storage, people,
    sites, trackers, hosts,
)  # fmt: skip
"""One file a noun, each with its ``router``."""
INTRODUCTION = """\
Everything that the command line and the console do, for programs. Every request shows a token:
`Authorization: Bearer grt_…` (`greenroom token add`, or the console). Errors are
`{"error", "detail", "hint"}`. A `POST` with an `Idempotency-Key` may be sent again: it gets the
first answer for a day. What starts a run answers 202 when it is recorded; follow its log by
server-sent events.
"""
_log = logging.getLogger("greenroom.api")


def make_app() -> ASGIApp:
    """Make the API, behind its door. From now on this process acts for whoever shows a token."""
    act_for_people()
    app = FastAPI(
        title="Greenroom", version=__version__, docs_url=None, redoc_url=None, openapi_url=None
    )
    for noun in NOUNS:
        app.include_router(noun.router)
    app.add_exception_handler(GreenroomError, _say)
    app.add_exception_handler(RequestValidationError, _say_malformed)
    app.add_exception_handler(HTTPException, _say_other)
    app.add_exception_handler(Exception, _say_unexpected)

    @app.get("/api/healthz", include_in_schema=False)
    def healthz() -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    @app.get("/api/openapi.json", include_in_schema=False)
    def openapi() -> JSONResponse:
        return JSONResponse(describe())

    @app.get("/api/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return render(describe())

    return Door(app)


@lru_cache(maxsize=1)
def describe() -> dict[str, Any]:
    """Describe the API by OpenAPI 3.1."""
    routes = [route for noun in NOUNS for route in noun.router.routes]
    made = get_openapi(
        title="Greenroom", version=__version__, description=INTRODUCTION, routes=routes,
        tags=[
            {"name": str(noun.router.tags[0]), "description": (noun.__doc__ or "").strip()}
            for noun in NOUNS
        ],
    )  # fmt: skip
    made.setdefault("components", {})["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "`greenroom token add`"}
    }
    return made


async def _say(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, GreenroomError)
    redact = Redactor()
    answer = refuse(error)
    if answer.status_code >= 500:
        _log.warning("%s %s: %s", request.method, request.url.path, redact(error.message))
    return answer


async def _say_malformed(request: Request, error: Exception) -> JSONResponse:
    """Say where a request is malformed, and never what was in it: that may be a secret."""
    assert isinstance(error, RequestValidationError)
    told = "; ".join(
        f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()[:10]
    )
    body = {"error": "InvalidInput", "detail": told, "hint": "/api/docs says what is expected."}
    return JSONResponse(body, 422)


async def _say_other(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    kind = {404: "NotFound", 405: "NotAllowed"}.get(error.status_code, "InvalidInput")
    body = {"error": kind, "detail": str(error.detail), "hint": "/api/docs says what there is."}
    return JSONResponse(body, error.status_code, error.headers)


async def _say_unexpected(request: Request, error: Exception) -> JSONResponse:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    body = {"error": "Unexpected", "detail": "something went wrong here", "hint": "See api.log."}
    return JSONResponse(body, 500)
