"""The gateway's wiring: which request goes to which part."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import signal
import time
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any
from uuid import UUID, uuid4

from aiohttp import web

from greenroom.gateway import devices, files, pages, sleep, sockets, verdicts
from greenroom.gateway.doors import Doors
from greenroom.gateway.proxy import Proxy
from greenroom.gateway.remarks import Remarks
from greenroom.gateway.routes import RouteTable, Target
from greenroom.gateway.sleep import Sleeper
from greenroom.gateway.upstream import Upstream
from greenroom.gateway.visitors import Visitor
from greenroom.gateway.watch import Watch
from greenroom.gateway.webhooks import Webhooks
from greenroom.previews import (
    BESIDE,
    DEVICES,
    ENTER,
    LINK,
    PREFIX,
    REVIEW,
    REVIEW_PATH,
    gateway_host,
)
from greenroom.settings import FRONT_QUESTION, Settings, load_settings
from greenroom.store.environments import Route
from greenroom.waking import WAKE

log = logging.getLogger("greenroom.gateway")
DRAIN_SECONDS = 10.0
KEEPALIVE_SECONDS = 75.0
LINGER_SECONDS = 3.0
"""Who is refused and still sends is read from so long, lest the answer be lost with a reset."""
MAX_HEADER_OCTETS = 16 * 1024
API = "/api"
"""Leads to the API's own process."""
_API_ROUTE = Route("", UUID(int=0), "", "", "platform", "active", "", None, "")
RESERVED = PREFIX
"""Paths of ours on an environment's own host."""
SERVING = f"{RESERVED}serving"
"""Tells which copy the gateway sends an environment's requests to."""


class PatientServer(web.Server):
    """aiohttp's server, which of itself would wait for ever for a connection's first request."""

    def __init__(self, handler: Callable[..., Any], seconds: float, **options: Any) -> None:
        super().__init__(handler, **options)
        self._seconds = seconds
        self._silent: dict[asyncio.BaseProtocol, asyncio.TimerHandle] = {}

    def __call__(self) -> web.RequestHandler:
        """Make the protocol of a new connection."""
        connection = super().__call__()
        loop = asyncio.get_running_loop()
        self._silent[connection] = loop.call_later(self._seconds, self._give_up, connection)
        return connection

    def has_asked(self, connection: asyncio.BaseProtocol) -> None:
        """Note that a connection's request has come in whole."""
        timer = self._silent.pop(connection, None)
        if timer is not None:
            timer.cancel()

    def _give_up(self, connection: web.RequestHandler) -> None:
        del self._silent[connection]
        if connection.transport is not None:
            connection.transport.abort()


class Gateway:
    """One gateway process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.routes = RouteTable()
        self.proxy = Proxy(settings)
        self.webhooks = Webhooks(settings)
        self.doors = Doors(settings, self.routes)
        self.remarks = Remarks()
        self.sleeper = Sleeper(settings, self.routes)
        self.watch = Watch(settings, self.routes)
        self.doors.expect = self._expect
        self._api_upstream = Upstream(
            uuid4(), f"http://{settings.bind_loopback}:{settings.api_port}"
        )
        self._api = Target(_API_ROUTE, self._api_upstream, None)
        self._own_hosts = {
            settings.base_domain,
            gateway_host(settings),
            "localhost",
            "127.0.0.1",
            "[::1]",
        }
        self._server: PatientServer | None = None
        self._runner: web.ServerRunner | None = None

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        if self._server is not None:
            self._server.has_asked(request.protocol)
        hosts = request.headers.getall("Host", ())
        if len(hosts) != 1:
            return pages.bad_request(request, "A request names exactly one host.")
        if not request.raw_path.startswith("/") and request.raw_path != "*":
            return pages.bad_request(request, "The request's target is not a path.")
        host = _host_name(hosts[0])
        target = self.routes.find(host)
        if target is None:
            if host in self._own_hosts:
                return await self._own(request)
            return pages.unknown_host(request)
        if not target.is_production and request.raw_path.partition("?")[0] == "/robots.txt":
            return pages.robots()
        if request.raw_path == WAKE:
            return await self._wake(request, target)
        if request.raw_path == SERVING:
            return pages.serving(target.route.instance_id)
        if request.raw_path.startswith(LINK):
            return await self.doors.open_link(request, target)
        if request.raw_path.partition("?")[0] == ENTER:
            return await self.doors.enter(request, target)
        visitor, refusal = self.doors.admit(request, target)
        if refusal is not None:
            return refusal
        if request.raw_path.startswith(RESERVED):
            return await self._reserved(request, visitor)
        comments = visitor is not None and visitor.may_comment
        if target.upstream is not None:
            return await self._visit(request, target, target.upstream, comments)
        if target.folder is not None:
            return await files.serve(
                request, target.folder, noindex=not target.is_production, with_overlay=comments
            )
        return pages.nothing_serves(request, target.route.status, target.route.reason)

    async def _visit(
        self, request: web.BaseRequest, target: Target, upstream: Upstream, comments: bool
    ) -> web.StreamResponse:
        is_visit = sleep.is_visit(request)
        if is_visit:
            upstream.used_at = time.monotonic()
        try:
            if upstream.asleep:
                refusal = await self.sleeper.wait_awake(request, target, upstream)
                if refusal is not None:
                    return refusal
            if upstream.gate is not None:
                async with upstream.gate:
                    return await self._forward(request, target, upstream, comments)
            return await self._forward(request, target, upstream, comments)
        finally:
            if is_visit:
                upstream.used_at = time.monotonic()

    async def _forward(
        self, request: web.BaseRequest, target: Target, upstream: Upstream, comments: bool
    ) -> web.StreamResponse:
        if sockets.is_websocket(request):
            return await sockets.splice(request, upstream, self.proxy.outside)
        answer = await self.proxy.forward(request, target, upstream, with_overlay=comments)
        upstream.tally.count(answer.status)
        return answer

    def _expect(self, request: web.BaseRequest, target: Target) -> None:
        """Wake an environment for somebody whose link opens: they will ask for it next."""
        upstream = target.upstream
        if upstream is not None and upstream.asleep and sleep.is_visit(request):
            self.sleeper.wake(target, upstream)

    async def _wake(self, request: web.BaseRequest, target: Target) -> web.StreamResponse:
        """Wake an environment for a program of ours that is about to visit it."""
        if self.proxy.outside.client(request) not in ("127.0.0.1", "::1"):
            return pages.answer(request, 404, "Nothing here", "This path is kept for Greenroom.")
        upstream = target.upstream
        if upstream is not None:
            upstream.used_at = time.monotonic()
            refusal = None
            if upstream.asleep:
                refusal = await self.sleeper.wait_awake(request, target, upstream)
            if refusal is not None:
                return refusal
        return pages.serving(target.route.instance_id)

    async def _reserved(
        self, request: web.BaseRequest, visitor: Visitor | None
    ) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        if visitor is not None and path == REVIEW:
            return self.doors.lead_to_review(visitor, request.query.get("page", ""))
        if visitor is not None and path == DEVICES:
            return devices.show(request)
        if visitor is not None and path == BESIDE:
            return devices.show_beside(request, self._today(visitor.project))
        if visitor is not None and visitor.may_comment and self.remarks.is_mine(path):
            still_open = partial(self.doors.still_admits, request, visitor)
            return await self.remarks.answer(request, visitor, still_open)
        return pages.answer(request, 404, "Nothing here", "This path is kept for Greenroom.")

    def _today(self, project: str) -> str:
        """Give the origin of a project's production; empty where nothing serves there."""
        for target in self.routes.targets():
            serves = target.upstream is not None or target.folder is not None
            if target.is_production and serves and target.route.project == project:
                return self.settings.environment_url(target.route.host)
        return ""

    async def _own(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path == "/healthz":
            state = {"ok": True, "routes": len(self.routes), "database": self.routes.is_fresh}
            return web.Response(text=json.dumps(state), content_type="application/json")
        parts = path.strip("/").split("/")
        if len(parts) == 3 and parts[0] == "hooks":
            if request.method != "POST":
                return pages.not_allowed(request, "POST", "Webhooks are posted.")
            return await self.webhooks.receive(request, parts[1], parts[2])
        if len(parts) == 4 and parts[:2] == ["hooks", "issues"]:
            if request.method != "POST":
                return pages.not_allowed(request, "POST", "Webhooks are posted.")
            return await self.webhooks.receive(request, parts[2], parts[3], is_tracker=True)
        if path == API or path.startswith(f"{API}/"):
            return await self.proxy.forward(request, self._api, self._api_upstream)
        if path == "/robots.txt":
            return pages.robots()
        if path == REVIEW_PATH:
            visitor, refusal = self.doors.reviewer(request)
            return refusal or await verdicts.answer(request, visitor)
        if path == FRONT_QUESTION:
            return self._is_known(request.query.get("domain", ""))
        if path == "/":
            return pages.answer(
                request,
                200,
                "Greenroom",
                "This is the gateway. Environments have their own addresses.",
            )
        return pages.answer(request, 404, "Nothing here", "The gateway has no such page.")

    def _is_known(self, host: str) -> web.Response:
        """Tell the front whether a host may have a certificate. Source: Caddy's ``ask``."""
        name = _host_name(host)
        settings = self.settings
        ours = {settings.base_domain, gateway_host(settings), settings.console_host}
        is_known = bool(name) and (self.routes.find(name) is not None or name in ours)
        return web.Response(status=200 if is_known else 404)

    async def start(self) -> None:
        """Load the routes and listen."""
        await self.routes.start()
        self.sleeper.start()
        self.watch.start()
        self._server = PatientServer(
            self.handle,
            self.settings.header_seconds,
            access_log=None,
            handler_cancellation=True,
            keepalive_timeout=KEEPALIVE_SECONDS,
            lingering_time=LINGER_SECONDS,
            max_line_size=MAX_HEADER_OCTETS,
            max_field_size=MAX_HEADER_OCTETS,
            auto_decompress=False,
            read_bufsize=2**17,
        )
        self._runner = web.ServerRunner(
            self._server, handle_signals=False, shutdown_timeout=DRAIN_SECONDS
        )
        await self._runner.setup()
        site = web.TCPSite(
            self._runner, self.settings.bind, self.settings.gateway_port, reuse_address=True
        )
        await site.start()

    async def stop(self) -> None:
        """Stop listening, let requests end, close sockets."""
        await sockets.close_all()
        await self.remarks.stop()
        if self._runner is not None:
            await self._runner.cleanup()
        await self._api_upstream.close()
        await self.webhooks.finish()
        await self.watch.stop()
        await self.sleeper.stop()
        await self.routes.stop()


@lru_cache(maxsize=1024)
def _host_name(host: str) -> str:
    """Give a Host header's name: lower case, without port and last dot."""
    name = host.strip().lower()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    return name.partition(":")[0].rstrip(".")


def _spare_collections() -> None:
    """Look for cycles less often, and never in what was there from the start.

    Requests make hardly any, but by Python's own thresholds one in twenty pays for a search.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


async def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    gateway, ended = Gateway(settings), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    await gateway.start()
    _spare_collections()
    log.info("listening on %s:%d", settings.bind, settings.gateway_port)
    await ended.wait()
    await gateway.stop()


def main() -> None:
    """Run the gateway, on uvloop where it is installed."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    factory = None
    with contextlib.suppress(ImportError):
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(run(load_settings()))
