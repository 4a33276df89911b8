"""Logging in, choosing a password, logging out: plain pages of their own, without JavaScript."""

from __future__ import annotations

from urllib.parse import parse_qs

import anyio
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from greenroom.errors import GreenroomError, InvalidInput, LimitReached, NotAllowed
from greenroom.previews import entry_url, safe_path
from greenroom.store import environments, users
from greenroom.store.crypto import ensure_secret_key
from greenroom.store.work import unit_of_work
from ui import papers, who

MAX_FORM_OCTETS = 16_384
MAX_NAME_LENGTH, MAX_PASSWORD_LENGTH = 100, 1024
_verifications = anyio.CapacityLimiter(2)
"""Each takes 64 MiB and a core: a flood waits in line instead of filling the machine."""


async def _read_form(request: Request) -> dict[str, str]:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_FORM_OCTETS:
            raise LimitReached("the form is too large")
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=20)
    except ValueError as error:
        raise InvalidInput("the form is malformed") from error
    return {name: values[0] for name, values in fields.items()}


def _is_https(request: Request) -> bool:
    return request.url.scheme == "https"


def _log_in(name: str, password: str) -> str | None:
    if not name.isprintable() or len(name) > MAX_NAME_LENGTH or len(password) > MAX_PASSWORD_LENGTH:
        return None
    with unit_of_work() as work:
        return users.log_in(work, name, password)


async def login(request: Request) -> Response:
    """Show the form, or check it and open a session."""
    target = safe_path(request.query_params.get("next", "/"))
    if request.method in ("GET", "HEAD"):
        return papers.login_page(target)
    if request.method != "POST":
        return papers.error_page(405, "that is not possible here", "Open /login in a browser.")
    form = await _read_form(request)
    name, target = form.get("name", "").strip(), safe_path(form.get("next", target))
    try:
        token = await anyio.to_thread.run_sync(
            _log_in, name, form.get("password", ""), limiter=_verifications
        )
    except NotAllowed as error:
        return papers.login_page(target, name, error.message, error.hint, status=429)
    if token is None:
        return papers.login_page(
            target, name, "Name or password does not fit.",
            "Lost it? `greenroom user reset-password` gives a new one.", status=401,
        )  # fmt: skip
    answer = RedirectResponse(target, 303)
    answer.set_cookie(
        who.COOKIE, token, max_age=users.SESSION_DAYS * 86_400, path="/", httponly=True,
        samesite="lax", secure=_is_https(request),
    )  # fmt: skip
    return answer


def _log_out(token: str) -> None:
    with unit_of_work() as work:
        users.log_out(work, token)
    who.forget(token)


async def logout(request: Request, token: str) -> Response:
    """Ask whether to log out, or do it."""
    if request.method != "POST":
        return papers.logout_page()
    await anyio.to_thread.run_sync(_log_out, token)
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(who.COOKIE, path="/")
    return answer


def _entry(reference: str, who_asks: str, target: str) -> str:
    with unit_of_work() as work:
        found = environments.get_environment(work, reference)
        return entry_url(found.url, found.host, who_asks, target, ensure_secret_key())


async def open_preview(request: Request, viewer: who.Viewer) -> Response:
    """Bring one of the team into an environment, closed or not."""
    reference = request.query_params.get("env", "")
    target = request.query_params.get("next", "/")
    place = await anyio.to_thread.run_sync(_entry, reference, viewer.name, target)
    return RedirectResponse(place, 303)


def _change(token: str, old: str, new: str) -> None:
    with unit_of_work() as work:
        user = users.find_session_user(work, token)
        if user is None:
            raise NotAllowed("your session has ended", hint="Log in again.")
        users.change_password(work, user, old, new)
    who.forget(token)


async def password(request: Request, token: str, viewer: who.Viewer) -> Response:
    """Show the form for a new password, or set it."""
    if request.method != "POST":
        return papers.password_page(viewer)
    form = await _read_form(request)
    old, new = form.get("old", ""), form.get("new", "")
    try:
        if new != form.get("again", ""):
            raise InvalidInput("the new passwords differ", hint="Type the same one twice.")
        if new == old:
            raise InvalidInput("the new password is the old one")
        if len(old) > MAX_PASSWORD_LENGTH:
            raise NotAllowed("the old password is wrong")
        await anyio.to_thread.run_sync(_change, token, old, new, limiter=_verifications)
    except (NotAllowed, InvalidInput) as error:
        return papers.password_page(viewer, error.message, error.hint, status=400)
    except GreenroomError as error:
        return papers.password_page(viewer, error.message, error.hint, status=503)
    return RedirectResponse("/", 303)
