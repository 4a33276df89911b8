"""Logging in, choosing a password, logging out: plain pages of their own, without JavaScript."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from urllib.parse import parse_qs

import anyio
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from greenroom.clients import Throttle, coarse_client
from greenroom.errors import GreenroomError, InvalidInput, LimitReached, NotAllowed
from greenroom.previews import entry_url, make_pass, read_pass, safe_path
from greenroom.rights import acting_as
from greenroom.secrets import hash_token
from greenroom.settings import load_settings
from greenroom.store import environments, users
from greenroom.store.crypto import ensure_secret_key
from greenroom.store.work import platform_work, unit_of_work
from ui import papers, who

MAX_FORM_OCTETS = 16_384
MAX_NAME_LENGTH, MAX_PASSWORD_LENGTH = 100, 1024
CODE_SECONDS = 300
"""How long a code may be typed after the password."""
_HERE = "console"
TRIES, TRIES_SECONDS = 30, 600.0
"""Wrong logins from one address."""
_tries = Throttle(TRIES, TRIES_SECONDS)
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


@dataclass(frozen=True)
class _Checked:
    """What came of a login."""

    token: str = ""
    ticket: str = ""
    """Shows that the password fitted; now a code is asked for."""


def _log_in(name: str, password: str, client: str) -> _Checked:
    if not name.isprintable() or len(name) > MAX_NAME_LENGTH or len(password) > MAX_PASSWORD_LENGTH:
        return _Checked()
    with platform_work() as work:
        user = users.check_password(work, name, password)
        if user is None:
            return _Checked()
        if user.totp_since is not None:
            key = ensure_secret_key()
            return _Checked(ticket=make_pass(_HERE, "code", name, CODE_SECONDS, key))
        return _Checked(users.admit(work, user, "password", client=client))


def _log_in_by_code(ticket: str, code: str, client: str) -> _Checked:
    held = read_pass(_HERE, ticket, ensure_secret_key(), time.time())
    if held is None or held.kind != "code":
        return _Checked()
    with platform_work() as work:
        user = users.check_code(work, held.subject, code)
        if user is None:
            return _Checked(ticket=ticket)
        return _Checked(users.admit(work, user, "password and code", client=client))


async def login(request: Request) -> Response:
    """Show the form, or check it and open a session."""
    target = safe_path(request.query_params.get("next", "/"))
    if request.method in ("GET", "HEAD"):
        return papers.login_page(target, provider=provider_name())
    if request.method != "POST":
        return papers.error_page(405, "that is not possible here", "Open /login in a browser.")
    form = await _read_form(request)
    name, target = form.get("name", "").strip(), safe_path(form.get("next", target))
    ticket, client = form.get("ticket", ""), coarse_client(request.headers.get("user-agent", ""))
    address = request.client.host if request.client else ""
    if _tries.is_resting(address, time.monotonic()):
        return papers.login_page(
            target, name, "too many wrong logins from your address",
            f"Try again in {TRIES_SECONDS / 60:.0f} minutes.", status=429,
        )  # fmt: skip
    try:
        check = (
            partial(_log_in_by_code, ticket, form.get("code", ""), client)
            if ticket
            else partial(_log_in, name, form.get("password", ""), client)
        )
        checked = await anyio.to_thread.run_sync(check, limiter=_verifications)
    except NotAllowed as error:
        return papers.login_page(target, name, error.message, error.hint, status=429)
    if checked.token:
        return let_in(request, checked.token, target)
    if checked.ticket and not ticket:
        return papers.code_page(target, checked.ticket)
    _tries.is_allowed(address, time.monotonic())
    if checked.ticket:
        return papers.code_page(target, ticket, "The code does not fit.", status=401)
    return papers.login_page(
        target, name, "Name or password does not fit.",
        "Lost it? `greenroom user reset-password` gives a new one.", status=401,
        provider=provider_name(),
    )  # fmt: skip


def let_in(request: Request, token: str, target: str) -> RedirectResponse:
    """Give a browser its session."""
    answer = RedirectResponse(target, 303)
    answer.set_cookie(
        who.COOKIE, token, max_age=users.SESSION_DAYS * 86_400, path="/", httponly=True,
        samesite="lax", secure=_is_https(request),
    )  # fmt: skip
    return answer


def provider_name() -> str:
    """Give the name of the identity provider, if logins go there, too."""
    settings = load_settings()
    return settings.oidc_name if settings.oidc_discovery_url else ""


def _log_out(token: str) -> None:
    with platform_work() as work:
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


def _entry(reference: str, token: str, target: str) -> str:
    with unit_of_work() as work:
        found = environments.get_environment(work, reference)
        return entry_url(found.url, found.host, hash_token(token), target, ensure_secret_key())


async def open_preview(request: Request, token: str, viewer: who.Viewer) -> Response:
    """Bring one of the team into an environment, closed or not."""
    reference = request.query_params.get("env", "")
    target = request.query_params.get("next", "/")
    with acting_as(viewer.actor):
        place = await anyio.to_thread.run_sync(_entry, reference, token, target)
    return RedirectResponse(place, 303)


def _change(token: str, old: str, new: str) -> None:
    with platform_work() as work:
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
