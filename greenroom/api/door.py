"""The API's door: nothing is reached without a token, and whoever shows one acts with its rights.

It is plain ASGI around everything, so no route can be outside. No cookie is read: a page of another
site has nothing to send.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from greenroom.clients import Throttle
from greenroom.errors import GreenroomError, InvalidInput, LimitReached, NotAllowed
from greenroom.rights import Actor, acting_as
from greenroom.store import tokens
from greenroom.store.work import platform_work

PREFIX = "/api"
OPEN = frozenset({f"{PREFIX}/docs", f"{PREFIX}/openapi.json", f"{PREFIX}/healthz"})
"""What needs no token: it says how the API is used, and nothing of this installation."""
MAX_BODY_OCTETS = 1_000_000
MAX_PATH_OCTETS = 4096
BAD_TOKENS, BAD_TOKEN_SECONDS = 20, 300.0
"""Wrong tokens from one address, after which it waits."""
KEY_HEADER = "idempotency-key"
LONGEST_KEY = 100


class Door:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._bad = Throttle(BAD_TOKENS, BAD_TOKEN_SECONDS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through as whoever shows a token, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            await self._enter(scope, receive, send)
        except GreenroomError as error:
            await refuse(error)(scope, receive, send)

    async def _enter(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = scope.get("raw_path", b"") + b"?" + scope.get("query_string", b"")
        if len(raw) > MAX_PATH_OCTETS or b"%00" in raw or "\0" in scope["path"]:
            raise InvalidInput("the address is malformed")
        if scope["path"] in OPEN:
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        actor = await self._who(headers, _client(scope, headers))
        body = await _read(receive, headers)
        with acting_as(actor):
            key = headers.get(KEY_HEADER, "")
            if key and scope["method"] == "POST":
                await self._once(scope, body, send, actor, key)
            else:
                await self.app(scope, _replay(body, receive), send)

    async def _who(self, headers: Headers, address: str) -> Actor:
        if self._bad.is_resting(address, time.monotonic()):
            raise LimitReached(
                "too many wrong tokens from your address",
                hint=f"Try again in {BAD_TOKEN_SECONDS / 60:.0f} minutes.",
            )
        scheme, _, secret = headers.get("authorization", "").partition(" ")
        actor = None
        if scheme.lower() == "bearer":
            actor = await asyncio.to_thread(_find, secret.strip())
            if actor is None:
                self._bad.is_allowed(address, time.monotonic())
        if actor is None:
            raise Unknown(
                "this needs a token that holds",
                hint="Authorization: Bearer <token>; `greenroom token add` makes one.",
            )
        return actor

    async def _once(self, scope: Scope, body: bytes, send: Send, actor: Actor, key: str) -> None:
        """Answer the first request with a key, and its repetitions with the same."""
        if actor.token_id is None or len(key) > LONGEST_KEY or not key.isprintable():
            raise InvalidInput(f"an idempotency key has 1 to {LONGEST_KEY} plain characters")
        told = b"\n".join(
            (scope["method"].encode(), scope["raw_path"], scope["query_string"], body)
        )
        mark = hashlib.sha256(told).hexdigest()
        known = await asyncio.to_thread(_claim, actor, key, mark)
        if known is not None:
            headers = {"Idempotency-Replayed": "true"}
            answer = JSONResponse(known.body, known.status, headers)
            await answer(scope, _replay(b"", None), send)
            return
        status, parts = 500, b""

        async def keep(message: Message) -> None:
            nonlocal status, parts
            if message["type"] == "http.response.start":
                status = message["status"]
            parts += message.get("body", b"")
            await send(message)

        try:
            await self.app(scope, _replay(body, None), keep)
        finally:
            await asyncio.to_thread(_settle, actor, key, status, parts)


class Unknown(NotAllowed):
    """Nobody is known by this token."""


STATUSES: tuple[tuple[str, int], ...] = (
    ("Unknown", 401), ("NotFound", 404), ("UnknownRef", 422), ("AlreadyExists", 409),
    ("InvalidTransition", 409), ("EnvironmentLocked", 409), ("NotAllowed", 403),
    ("LimitReached", 429), ("InvalidFile", 422), ("Undecided", 422), ("LiveKeyRefused", 422),
    ("UserError", 400), ("SourceError", 422), ("ProjectFailed", 422),
    ("SourceUnavailable", 424), ("SyncFailed", 409), ("NotificationRefused", 424),
    ("ForgeError", 424),
    ("DnsUnavailable", 424), ("HostUnavailable", 424), ("HostingError", 424),
    ("TrackerRefused", 424), ("BackupFailed", 424),
)  # fmt: skip


def status_of(error: GreenroomError) -> int:
    """Give the status of an error's class, or of the nearest it descends from."""
    known = dict(STATUSES)
    for kind in type(error).__mro__:
        if kind.__name__ in known:
            return known[kind.__name__]
    return 503 if error.transient else 500


def refuse(error: GreenroomError) -> JSONResponse:
    """Give an error as an answer."""
    status = status_of(error)
    told = error.as_json()
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if isinstance(error, Unknown):
        told["error"] = "NotAllowed"
    return JSONResponse(told, status, headers)


def _find(secret: str) -> Actor | None:
    with platform_work() as work:
        return tokens.find_actor(work, secret)


def _claim(actor: Actor, key: str, fingerprint: str) -> tokens.Reply | None:
    if actor.token_id is None:
        return None
    with platform_work() as work:
        return tokens.claim_reply(work, actor.token_id, key, fingerprint)


def _settle(actor: Actor, key: str, status: int, body: bytes) -> None:
    if actor.token_id is None:
        return
    with platform_work() as work:
        if status >= 500 or not body:
            tokens.drop_reply(work, actor.token_id, key)
            return
        try:
            tokens.keep_reply(work, actor.token_id, key, status, json.loads(body))
        except ValueError:
            tokens.drop_reply(work, actor.token_id, key)


def _client(scope: Scope, headers: Headers) -> str:
    """Give who asks: the gateway, the only one who reaches us, adds whom it saw, last."""
    named = headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    peer = scope.get("client")
    return named or (peer[0] if peer else "")


async def _read(receive: Receive, headers: Headers) -> bytes:
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return body
        body += bytes(message.get("body", b""))
        if len(body) > MAX_BODY_OCTETS:
            raise LimitReached(f"a request has at most {MAX_BODY_OCTETS:,} octets")
        if not message.get("more_body"):
            break
    if b"\0" in body or b"\\u0000" in body:
        raise InvalidInput("the request contains a NUL character")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind != "application/json":
        raise InvalidInput("a request's body is JSON", hint="Content-Type: application/json")
    return body


def _replay(body: bytes, receive: Receive | None) -> Receive:
    is_given = False

    async def again() -> Message:
        nonlocal is_given
        if not is_given:
            is_given = True
            return {"type": "http.request", "body": body, "more_body": False}
        if receive is None:
            await asyncio.Event().wait()
        else:
            return await receive()
        return {"type": "http.disconnect"}

    return again
