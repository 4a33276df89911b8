"""The guard: nothing of the console is reachable without a session.

It stands before Streamlit, and lets through by exception, not by rule: only ``/login`` and
``/healthz`` answer to strangers, and where one is set the paths of an identity provider's login.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from urllib.parse import quote

import anyio
import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request, cookie_parser
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from greenroom.errors import GreenroomError, InvalidInput
from ui import entry, papers, provider, who

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY_VIOLATION = 1008
"""Source: RFC 6455 section 7.4.1."""


def _inline_scripts() -> str:
    """Give the hashes of the inline scripts in Streamlit's own page."""
    page = Path(st.__file__).with_name("static") / "index.html"
    scripts = re.findall(r"<script>(.*?)</script>", page.read_text(), re.DOTALL)
    hashes = (base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts)
    return " ".join(f"'sha256-{text}'" for text in hashes)


CONSOLE_POLICY = (
    f"default-src 'self'; script-src 'self' 'unsafe-eval' blob: {_inline_scripts()}; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self'; worker-src 'self' blob:; frame-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)
"""No other host, and no inline script: a stored value that slips through cannot run."""

_lookups = anyio.CapacityLimiter(8)


def is_cross_origin(headers: Headers) -> bool:
    """Whether a request that changes something was sent by another site's page.

    Environments share our registrable domain, so *same-site* is not good enough.
    Source: Go 1.25 net/http CrossOriginProtection; W3C Fetch Metadata.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if origin is not None and origin.partition("://")[2] != headers.get("host", ""):
        return True
    return site is not None and site not in ("same-origin", "none")


class Guard:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, answer it, or refuse it."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _harden(MutableHeaders(scope=message))
            await send(message)

        request = Request(scope, receive)
        try:
            answer = await self._answer(request)
        except GreenroomError as error:
            answer = _say(request, 503 if error.transient else 400, error)
        await (answer or self.app)(scope, receive, send_with_headers)

    async def _answer(self, request: Request) -> Response | None:
        """Answer a request here, or give None to let it through."""
        path, method = request.url.path, request.method
        if path == "/healthz" and method in SAFE_METHODS:
            return PlainTextResponse("ok\n")
        if "\0" in request.scope["path"] or b"%00" in request.scope.get("query_string", b""):
            raise InvalidInput("the address is malformed", hint="Open the console's first page.")
        if method not in SAFE_METHODS and is_cross_origin(request.headers):
            refusal = GreenroomError(
                "this request came from another site", hint="Open the console itself and try again."
            )
            return _say(request, 403, refusal)
        if path == "/login":
            return await entry.login(request)
        is_asked = method in SAFE_METHODS and provider.is_on()
        if is_asked and path == provider.BEGIN:
            return provider.begin()
        if is_asked and path in provider.STREAMLIT:
            return None
        token = request.cookies.get(who.COOKIE, "")
        viewer = await anyio.to_thread.run_sync(who.find_viewer, token, limiter=_lookups)
        if viewer is None and is_asked and provider.has_answer(request):
            return await provider.finish(request)
        if viewer is None:
            return _ask_to_log_in(request)
        if path == "/logout":
            return await entry.logout(request, token)
        if path == "/password":
            return await entry.password(request, token, viewer)
        if viewer.must_change_password:
            return RedirectResponse("/password", 303)
        if path == "/open" and method in SAFE_METHODS:
            return await entry.open_preview(request, token, viewer)
        return None

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        token = cookie_parser(headers.get("cookie", "")).get(who.COOKIE, "")

        was_open = False

        async def is_open() -> bool:
            """Ask the store; while it is away, its last answer for this connection stands.

            Nothing is shown or done meanwhile: every page and every act asks the store, too. But
            the page stays, says what is wrong, and goes on by itself when the store is back.
            """
            nonlocal was_open
            try:
                viewer = await anyio.to_thread.run_sync(who.find_viewer, token, limiter=_lookups)
            except GreenroomError:
                return was_open
            was_open = viewer is not None and not viewer.must_change_password
            return was_open

        async def receive_while_open() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive" and not await is_open():
                await send({"type": "websocket.close", "code": POLICY_VIOLATION})
                return {"type": "websocket.disconnect", "code": POLICY_VIOLATION}
            return message

        if is_cross_origin(headers) or not await is_open():
            await receive()
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return
        await self.app(scope, receive_while_open, send)


def _ask_to_log_in(request: Request) -> Response:
    wants_page = "text/html" in request.headers.get("accept", "") and request.method == "GET"
    if not wants_page:
        body = {"error": "NotAllowed", "detail": "log in first", "hint": "Open /login."}
        return JSONResponse(body, 401)
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse("/login" + ("" if target == "/" else f"?next={quote(target)}"), 303)


def _say(request: Request, status: int, error: GreenroomError) -> Response:
    if "text/html" in request.headers.get("accept", ""):
        return papers.error_page(status, error.message, error.hint)
    return Response(json.dumps(error.as_json()), status, media_type="application/json")


def _harden(headers: MutableHeaders) -> None:
    headers.setdefault("content-security-policy", CONSOLE_POLICY)
    headers["x-content-type-options"] = "nosniff"
    headers["x-frame-options"] = "SAMEORIGIN"
    headers["referrer-policy"] = "same-origin"
    headers["x-robots-tag"] = "noindex"
    if headers.get("content-type", "").startswith("text/html"):
        headers["cache-control"] = "no-store"
