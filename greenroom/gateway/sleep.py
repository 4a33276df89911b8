"""Sleep: a copy that nobody visits is paused, then stopped; the first request wakes it.

The gateway alone knows whether somebody visits, so it alone puts to sleep and wakes. It writes
down what it does before it pauses and after it wakes: were it killed in between, a copy that is
awake would be believed asleep, and waking it again does no harm.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from functools import lru_cache
from uuid import UUID

from aiohttp import web

from greenroom.errors import GreenroomError, HostingError
from greenroom.gateway import pages
from greenroom.gateway.routes import RouteTable, Target
from greenroom.gateway.upstream import Upstream
from greenroom.hosting import health
from greenroom.hosting.registry import runtime_for
from greenroom.settings import Settings
from greenroom.store import lives, machines
from greenroom.store.life import Life
from greenroom.store.states import Asleep
from greenroom.store.work import unit_of_work

log = logging.getLogger("greenroom.gateway")
SWEEP_SECONDS = 1.0
PATIENCE_SECONDS = 0.8
"""How long somebody who opens a page waits before a page of ours says that it wakes."""
AT_ONCE = 6
"""Requests that are let through together after a wake: many servers queue no more than five
connections, and one that is refused its place is asked again by the kernel after a whole second."""
GATED_SECONDS = 1.0
AGAIN_SECONDS = 0.03
_MACHINES = re.compile(
    r"bot|crawl|spider|slurp|monitor|uptime|pingdom|statuscake|health", re.IGNORECASE
)
"""Part of how those call themselves who ask without a person: they keep nothing awake."""


@lru_cache(maxsize=1024)
def _is_machine(agent: str) -> bool:
    return bool(_MACHINES.search(agent))


def is_visit(request: web.BaseRequest) -> bool:
    """Whether a request keeps an environment awake: those of monitors and crawlers do not."""
    return not _is_machine(request.headers.get("User-Agent", ""))


class Sleeper:
    """Puts copies to sleep and wakes them."""

    def __init__(self, settings: Settings, routes: RouteTable) -> None:
        self.settings, self.routes = settings, routes
        self._locks: dict[UUID, asyncio.Lock] = {}
        self._waking: dict[UUID, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Look around from now on."""
        self._spawn(self._sweep_for_ever())

    async def stop(self) -> None:
        """End what is under way; a sleep or wake that has begun goes to its end."""
        for task in list(self._tasks):
            if task.get_name() == "sweep":
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _spawn(self, work: object, name: str = "sweep") -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work, name=name)  # type: ignore[arg-type]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # Awake

    async def wait_awake(
        self, request: web.BaseRequest, target: Target, upstream: Upstream
    ) -> web.Response | None:
        """Wait until a copy is awake; give an answer of ours where it is not yet, or cannot be.

        A program waits until it is; somebody who opens a page is shown that it wakes.
        """
        waking = self.wake(target, upstream)
        is_page = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
        try:
            async with asyncio.timeout(PATIENCE_SECONDS if is_page else None):
                await asyncio.shield(waking)
        except TimeoutError:
            return pages.wakes(request)
        except GreenroomError as error:
            log.warning("%s does not wake: %s", target.route.host, error.message)
            return pages.does_not_wake(request)
        return None

    def wake(self, target: Target, upstream: Upstream) -> asyncio.Task[None]:
        """Wake a copy; whoever asks meanwhile waits for the same waking."""
        key = upstream.instance_id
        waking = self._waking.get(key)
        if waking is None:
            waking = self._waking[key] = self._spawn(self._wake(target, upstream), "wake")
            waking.add_done_callback(lambda _: self._waking.pop(key, None))
            waking.add_done_callback(lambda done: done.cancelled() or done.exception())
        return waking

    async def _wake(self, target: Target, upstream: Upstream) -> None:
        life = target.route.life
        async with self._lock(upstream):
            if not upstream.asleep or life is None:
                return
            begun, was = time.monotonic(), upstream.asleep
            upstream.gate = asyncio.Semaphore(AT_ONCE)
            try:
                address = await asyncio.to_thread(
                    _resume, self.settings, life, was, upstream.address, target.route.host
                )
            except GreenroomError:
                # Reconcile makes it anew: it looks after what shall be awake.
                self._spawn(self._record_awake(upstream, None), "record")
                raise
            if address != upstream.address:
                upstream.move(address)
            upstream.asleep, upstream.used_at = "", time.monotonic()
            log.info("%s woke from %s in %.3f s", life.copy, was, time.monotonic() - begun)
        self._spawn(self._record_awake(upstream, upstream.instance_id), "record")

    async def _record_awake(self, upstream: Upstream, key: UUID | None) -> None:
        async with self._lock(upstream):
            if not upstream.asleep or key is None:
                with contextlib.suppress(GreenroomError):
                    await asyncio.to_thread(_record_awake, upstream.instance_id)
        await asyncio.sleep(GATED_SECONDS)
        upstream.gate = None

    def _lock(self, upstream: Upstream) -> asyncio.Lock:
        return self._locks.setdefault(upstream.instance_id, asyncio.Lock())

    # Asleep

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            living = set()
            for target in self.routes.targets():
                upstream, life = target.upstream, target.route.life
                if upstream is None or life is None:
                    continue
                living.add(upstream.instance_id)
                wanted = wanted_sleep(
                    life, upstream.asleep, time.monotonic() - upstream.used_at, upstream.in_flight
                )
                if wanted and target.route.status in ("active", "sleeping"):
                    before, upstream.asleep = upstream.asleep, wanted  # from here requests wait
                    self._spawn(self._put_to_sleep(target, upstream, before), "sleep")
            for key in self._locks.keys() - living:
                if not self._locks[key].locked():
                    del self._locks[key]

    async def _put_to_sleep(self, target: Target, upstream: Upstream, before: str) -> None:
        life, how = target.route.life, upstream.asleep
        if life is None:
            return
        async with self._lock(upstream):
            if upstream.asleep != how:
                return
            try:
                is_done = await asyncio.to_thread(
                    _put_to_sleep, self.settings, life, upstream.instance_id, Asleep(how)
                )
            except GreenroomError as error:
                log.warning("%s stays awake: %s", life.copy, error.message)
                is_done = False
            if is_done:
                await upstream.close_idle()
                log.info("%s is %s", life.copy, how)
            else:
                upstream.asleep, upstream.used_at = before, time.monotonic()


def wanted_sleep(life: Life, asleep: str, unused_seconds: float, in_flight: int) -> str:
    """Say how a copy shall be put to sleep now; empty: not deeper than it is. Pure."""
    if in_flight:
        return ""
    pause, stop = life.idle.pause_seconds, life.idle.stop_seconds
    if stop and unused_seconds >= stop and asleep != Asleep.STOPPED:
        return str(Asleep.STOPPED)
    if pause and unused_seconds >= pause and not asleep:
        return str(Asleep.PAUSED)
    return ""


def _put_to_sleep(settings: Settings, life: Life, instance_id: UUID, how: Asleep) -> bool:
    with unit_of_work() as work:
        if not lives.record_asleep(work, instance_id, how):
            return False
    runtime = runtime_for(life.runtime, settings)
    if how is Asleep.PAUSED:
        runtime.pause(life.copy)
    else:
        runtime.park(life.copy, life.stop_seconds)
    return True


def _resume(settings: Settings, life: Life, was: str, address: str, host: str) -> str:
    """Let a copy go on, and give its address; one that was stopped must be healthy once.

    Errors: HostingError.
    """
    runtime_for(life.runtime, settings).resume(life.copy)
    if was == Asleep.PAUSED:
        return address
    if life.is_elsewhere:  # a swarm starts it wherever there is room
        known = machines.place_of_copy(life.copy)
        address = known[0] if known else address
    deadline = time.monotonic() + life.health.timeout_seconds
    while wrong := health.probe(address, host, life.health):
        if time.monotonic() > deadline:
            raise HostingError(f"it was started, but {wrong}")
        time.sleep(AGAIN_SECONDS)
    return address


def _record_awake(instance_id: UUID) -> None:
    with unit_of_work() as work:
        lives.record_awake(work, instance_id)
