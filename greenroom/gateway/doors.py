"""The guard of previews: who comes in by a link, as one of the team, or as our own browser."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import cached_property
from urllib.parse import parse_qs, quote, unquote
from uuid import UUID

from aiohttp import web

from greenroom import previews
from greenroom.clients import Throttle, coarse_client
from greenroom.errors import DatabaseUnavailable, NotAllowed
from greenroom.gateway import doorpages
from greenroom.gateway.front import Outside
from greenroom.gateway.routes import RouteTable, Target
from greenroom.gateway.visitors import Visitor, is_navigation
from greenroom.secrets import hash_token
from greenroom.settings import Settings
from greenroom.store import links
from greenroom.store.crypto import ensure_secret_key
from greenroom.store.links import Door
from greenroom.store.work import unit_of_work

MAX_FORM_OCTETS = 16 * 1024
LOOK_SECONDS = 0.1
MOST_WAITING = 20
"""Strangers who wait for a look into the store."""


def is_cross_site(request: web.BaseRequest) -> bool:
    """Whether another site's page sent a request that changes something.

    Other environments share our registrable domain, so *same-site* is not good enough.
    Source: Go 1.25 net/http CrossOriginProtection; W3C Fetch Metadata.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if origin is not None and origin.partition("://")[2] != request.headers.get("Host", ""):
        return True
    return site is not None and site not in ("same-origin", "none")


def why_shut(door: Door | None, target: Target, now: datetime) -> str:
    """Say why a link does not open: unknown, revoked, expired, moved; else nothing. Pure."""
    if door is None or door.environment_id != target.route.environment_id:
        return "unknown"
    if door.revoked_at is not None:
        return "revoked"
    if door.expires_at is not None and door.expires_at <= now:
        return "expired"
    if door.release_id is not None and door.release_id != target.route.release_id:
        return "moved"
    return ""


def shows(door: Door, path: str) -> bool:
    """Whether a link shows the page at a decoded path. Pure."""
    wanted = (door.start.partition("?")[0], *door.pages)
    if not door.pages:
        return True
    return "/../" not in f"{path}/" and any(fnmatchcase(path, page) for page in wanted)


class Doors:
    """Lets people in, or tells them why not."""

    def __init__(self, settings: Settings, routes: RouteTable) -> None:
        self._settings, self._routes = settings, routes
        self._cookie = previews.cookie_name(settings)
        self._outside = Outside(settings)
        self._throttle = Throttle()
        self._look, self._waiting = asyncio.Lock(), 0
        self._verifications = asyncio.Semaphore(2)
        self.expect: Callable[[web.BaseRequest, Target], None] = lambda request, target: None
        """Told of whoever came by a link that opens, before they see its first page."""

    @cached_property
    def _key(self) -> str:
        return ensure_secret_key(self._settings)

    def admit(
        self, request: web.BaseRequest, target: Target
    ) -> tuple[Visitor | None, web.Response | None]:
        """Give who looks, if that is known, and the answer to whoever may not."""
        if target.is_production:
            return None, None
        is_closed = previews.is_closed(self._settings, target.route.access)
        held = self._pass_of(request, target)
        if held is not None and held.kind == "browser":
            return None, None
        if held is not None and held.kind == "team":
            visitor = self._team(held.subject, target)
            is_out = visitor is None and is_closed
            return visitor, self._closed(request, target) if is_out else None
        if held is not None:
            door = self._routes.doors.get(UUID(held.subject))
        else:
            door = self._by_header(request) if is_closed else None
        if door is None:
            return None, self._closed(request, target) if is_closed else None
        why = why_shut(door, target, datetime.now(UTC))
        if why:
            return None, doorpages.shut(request, why) if is_closed else None
        path = unquote(request.raw_path.partition("?")[0])
        if is_navigation(request) and not shows(door, path):
            return None, doorpages.other_pages(request, (door.start, *door.pages))
        return (self._visitor(door, target) if held is not None else None), None

    def _closed(self, request: web.BaseRequest, target: Target) -> web.Response:
        return doorpages.closed(request, self._team_address(request, target))

    def _pass_of(self, request: web.BaseRequest, target: Target) -> previews.Pass | None:
        cookies = request.headers.get("Cookie")
        if cookies is None or self._cookie not in cookies:
            return None
        for part in cookies.split(";"):
            name, _, value = part.strip().partition("=")
            if name == self._cookie:
                held = previews.read_pass(target.route.host, value, self._key, time.time())
                if held is not None and held.kind != "entry":
                    return held
        return None

    def _by_header(self, request: web.BaseRequest) -> Door | None:
        token = request.headers.get(previews.TOKEN_HEADER, "")
        door = self._routes.find_door(hash_token(token)) if token else None
        return None if door is None or door.has_password else door

    def _visitor(self, door: Door, target: Target) -> Visitor:
        route = target.route
        return Visitor(
            door.id, route.environment_id, route.project, route.environment, door.label,
            door.may_comment, door.may_approve, route.release_id,
        )  # fmt: skip

    def _team(self, session: str, target: Target) -> Visitor | None:
        route, member = target.route, self._routes.team.get(session)
        if member is None or member.expires_at <= datetime.now(UTC):
            return None
        if not member.may("project.read", route.project):
            return None
        return Visitor(
            None, route.environment_id, route.project, route.environment, member.name,
            member.may("comment.create", route.project), False, route.release_id, session,
        )  # fmt: skip

    def still_admits(self, request: web.BaseRequest, visitor: Visitor) -> bool:
        """Whether somebody who was let in would be let in now, to the same, and to comment."""
        target = self._routes.find_environment(visitor.environment_id)
        if target is None:
            return False
        now, _ = self.admit(request, target)
        return now is not None and now.may_comment

    def _team_address(self, request: web.BaseRequest, target: Target) -> str:
        """Give where the console lets one of the team in, and brings them back."""
        name = quote(f"{target.route.project}/{target.route.environment}", safe="")
        path = request.raw_path if request.method == "GET" else "/"
        return f"{self._settings.console_url}/open?env={name}&next={quote(path, safe='')}"

    async def open_link(self, request: web.BaseRequest, target: Target) -> web.Response:
        """Answer a link: ask for its password, or give the pass and show its first page."""
        token = request.raw_path.partition("?")[0].removeprefix(previews.LINK)
        door = await self._newest(hash_token(token))
        why = why_shut(door, target, datetime.now(UTC))
        if why or door is None:
            return doorpages.shut(request, why)
        if request.method != "HEAD":
            self.expect(request, target)  # it may be awake when the password is typed
        if door.has_password:
            if request.method != "POST":
                return doorpages.ask_password(request, door.label)
            refused = await self._check_password(request, door)
            if refused is not None:
                return refused
        elif request.method not in ("GET", "HEAD"):
            return doorpages.ask_password(request, door.label)
        if request.method != "HEAD":
            await self._note_view(door.id, request.headers.get("User-Agent", ""))
        seconds = previews.PASS_HOURS * 3600.0
        if door.expires_at is not None:
            seconds = min(seconds, (door.expires_at - datetime.now(UTC)).total_seconds())
        return self._give_pass(target, "link", str(door.id), seconds, door.start)

    async def _newest(self, token_hash: str) -> Door | None:
        """Find a link, one too that was made this moment; guesses wait in a short line for it."""
        await self._look_anew(lambda: self._routes.find_door(token_hash) is not None)
        return self._routes.find_door(token_hash)

    async def _look_anew(self, is_known: Callable[[], bool]) -> None:
        """Read the store before its notice comes, for what is not known yet."""
        if is_known() or self._waiting >= MOST_WAITING:
            return
        self._waiting += 1
        try:
            async with self._look:
                if not is_known():
                    await asyncio.sleep(LOOK_SECONDS)
                    await self._routes.reload()
        finally:
            self._waiting -= 1

    async def _check_password(self, request: web.BaseRequest, door: Door) -> web.Response | None:
        if is_cross_site(request):
            return doorpages.ask_password(request, door.label, "elsewhere")
        form = await read_form(request)
        password = form.get("password", "")[: previews.LONGEST_PASSWORD + 1]
        if not self._throttle.is_allowed(self._outside.client(request), time.monotonic()):
            return doorpages.ask_password(request, door.label, "resting")
        async with self._verifications:
            try:
                fits = await asyncio.to_thread(_check, door.id, password)
            except NotAllowed:
                return doorpages.ask_password(request, door.label, "resting")
        return None if fits else doorpages.ask_password(request, door.label, "wrong")

    async def _note_view(self, link_id: UUID, agent: str) -> None:
        try:
            await asyncio.to_thread(_record_view, link_id, coarse_client(agent))
        except DatabaseUnavailable:
            return  # the log has a gap; the client has the page

    async def enter(self, request: web.BaseRequest, target: Target) -> web.Response:
        """Let one of the team in, whom the console sent; exchange a machine's token for a pass."""
        query = parse_qs(request.raw_path.partition("?")[2])
        door = self._by_header(request)
        if door is not None:
            why = why_shut(door, target, datetime.now(UTC))
            if why:
                return doorpages.shut(request, why)
            seconds = previews.PASS_HOURS * 3600.0
            return self._give_pass(target, "link", str(door.id), seconds, "")
        given = query.get("pass", [""])[0]
        held = previews.read_pass(target.route.host, given, self._key, time.time())
        if held is None or held.kind != "entry":
            return self._closed(request, target)
        await self._look_anew(lambda: held.subject in self._routes.team)  # logged in just now
        next_path = previews.safe_path(query.get("next", ["/"])[0])
        return self._give_pass(target, "team", held.subject, previews.TEAM_HOURS * 3600, next_path)

    def lead_to_review(self, visitor: Visitor, page: str = "") -> web.Response:
        """Lead a visitor to the page where they decide: on a host of ours.

        The page that is looked at could, by its scripts, press any button on its own origin.
        """
        host = previews.gateway_host(self._settings)
        made = previews.make_pass(
            host, "review", str(visitor.link_id or ""), previews.REVIEW_SECONDS, self._key
        )
        place = f"{self._settings.environment_url(host)}{previews.REVIEW_PATH}?pass={made}"
        place += f"&page={quote(page, safe='')}" if page else ""
        headers = {"Location": place, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        return web.Response(status=303, headers=headers)

    def reviewer(self, request: web.BaseRequest) -> tuple[Visitor | None, web.Response | None]:
        """Give who decides, by the pass in the address; or the answer to whoever may not."""
        given = parse_qs(request.raw_path.partition("?")[2]).get("pass", [""])[0]
        host = previews.gateway_host(self._settings)
        held = previews.read_pass(host, given, self._key, time.time())
        if held is None or held.kind != "review" or not held.subject:
            return None, doorpages.shut(request, "unknown")
        door = self._routes.doors.get(UUID(held.subject))
        target = self._routes.find_environment(door.environment_id) if door is not None else None
        if door is None or target is None:
            return None, doorpages.shut(request, "unknown")
        why = why_shut(door, target, datetime.now(UTC))
        return (None, doorpages.shut(request, why)) if why else (self._visitor(door, target), None)

    def _give_pass(
        self, target: Target, kind: str, subject: str, seconds: float, place: str
    ) -> web.Response:
        made = previews.make_pass(target.route.host, kind, subject, seconds, self._key)
        secure = "; Secure" if self._settings.scheme == "https" else ""
        headers = {
            "Set-Cookie": f"{self._cookie}={made}; Path=/; HttpOnly; SameSite=Lax"
            f"; Max-Age={int(seconds)}{secure}",
            "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
            "X-Robots-Tag": "noindex",
        }  # fmt: skip
        if not place:
            return web.Response(status=204, headers=headers)
        return web.Response(status=303, headers={**headers, "Location": place})


async def read_form(request: web.BaseRequest) -> dict[str, str]:
    """Read a form's fields; an oversized or malformed one has none."""
    if (request.content_length or 0) > MAX_FORM_OCTETS:
        return {}
    body = b""
    async for part in request.content.iter_any():
        body += part
        if len(body) > MAX_FORM_OCTETS:
            return {}
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}


def _check(link_id: UUID, password: str) -> bool:
    with unit_of_work() as work:
        return links.check_link_password(work, link_id, password)


def _record_view(link_id: UUID, client: str) -> None:
    with unit_of_work() as work:
        links.record_view(work, link_id, client)
