"""The route table: loaded from the store, kept live by LISTEN, kept when the store is away."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import UUID

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from greenroom.errors import GreenroomError
from greenroom.gateway.upstream import Upstream
from greenroom.store.environments import Route, list_routes
from greenroom.store.links import Door, list_doors
from greenroom.store.team import Member, list_members
from greenroom.store.work import database_url, unit_of_work

log = logging.getLogger("greenroom.gateway")
CHANNEL = "greenroom_routes"
RELOAD_SECONDS = 5.0
"""A reload without any notice: a lost notice costs no more than this."""
GATHER_SECONDS = 0.02


@dataclass(frozen=True)
class Target:
    """Where one host's requests go."""

    route: Route
    upstream: Upstream | None
    folder: Path | None

    @property
    def is_production(self) -> bool:
        """Whether search engines may see it."""
        return self.route.kind == "production"


def _load() -> tuple[list[Route], list[Door], dict[str, Member]]:
    with unit_of_work() as work:
        return list_routes(work), list_doors(work), list_members(work)


class RouteTable:
    """Hosts and their targets."""

    def __init__(self) -> None:
        self._targets: dict[str, Target] = {}
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.doors: dict[UUID, Door] = {}
        """Preview links."""
        self.team: dict[str, Member] = {}
        """Who is logged in at the console, by their session's fingerprint."""
        self._by_token: dict[str, Door] = {}
        self.is_fresh = False
        """Whether the last load succeeded."""

    def __len__(self) -> int:
        return len(self._targets)

    def find(self, host: str) -> Target | None:
        """Find the target of a host name (lower case, no port)."""
        return self._targets.get(host)

    def targets(self) -> list[Target]:
        """List all targets."""
        return list(self._targets.values())

    def find_environment(self, environment_id: UUID) -> Target | None:
        """Find the target of an environment."""
        found = (t for t in self._targets.values() if t.route.environment_id == environment_id)
        return next(found, None)

    def find_door(self, token_hash: str) -> Door | None:
        """Find a preview link by its token's fingerprint."""
        return self._by_token.get(token_hash)

    async def start(self) -> None:
        """Load once, then keep loading."""
        await self.reload()
        self._tasks = [
            asyncio.create_task(self._listen_for_ever()),
            asyncio.create_task(self._reload_for_ever()),
        ]

    async def stop(self) -> None:
        """Stop loading and close every pool."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for target in self._targets.values():
            if target.upstream is not None:
                await target.upstream.close()

    async def reload(self) -> None:
        """Load the table; on failure, of whatever kind, the last one stays."""
        try:
            routes, doors, team = await asyncio.to_thread(_load)
        except (GreenroomError, SQLAlchemyError) as error:
            if self.is_fresh:
                what = getattr(error, "message", type(error).__name__)
                log.warning("routes cannot be loaded: %s; the last known stay", what)
            self.is_fresh = False
            return
        self._replace(routes)
        self.doors = {door.id: door for door in doors}
        self._by_token = {door.token_hash: door for door in doors}
        self.team = team
        self.is_fresh = True

    def _replace(self, routes: list[Route]) -> None:
        before = {t.upstream.instance_id: t.upstream for t in self._targets.values() if t.upstream}
        targets: dict[str, Target] = {}
        made: dict[UUID, Upstream] = {}
        for route in routes:
            upstream, folder = None, None
            address = route.address or ""
            if address.startswith("file://"):
                folder = Path(unquote(urlsplit(address).path))
            elif address and route.instance_id is not None:
                upstream = made.get(route.instance_id)  # one copy, by each of its names
                kept = before.get(route.instance_id)
                if upstream is None and kept is not None and kept.address == address:
                    upstream = before.pop(route.instance_id)
                elif upstream is None:
                    asleep = route.life.asleep if route.life is not None else ""
                    upstream = Upstream(route.instance_id, address, asleep)
                    known = self._targets.get(route.host)
                    upstream.before = known.upstream.tally if known and known.upstream else None
            if upstream is not None:
                made[upstream.instance_id] = upstream
            targets[route.host] = Target(route, upstream, folder)
        self._targets = targets
        for gone in before.values():
            gone.retire()

    async def _reload_for_ever(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                # Not wait_for: until Python 3.12 it loses a cancellation that meets its result.
                async with asyncio.timeout(RELOAD_SECONDS):
                    await self._changed.wait()
                await asyncio.sleep(GATHER_SECONDS)
            self._changed.clear()
            await self.reload()

    async def _listen_for_ever(self) -> None:
        pause = 0.1
        while True:
            try:
                url = await asyncio.to_thread(database_url)
                async with await psycopg.AsyncConnection.connect(
                    url, autocommit=True, connect_timeout=5, application_name="greenroom-gateway"
                ) as connection:
                    await connection.execute(f"listen {CHANNEL}")
                    self._changed.set()  # what happened while nobody listened
                    pause = 0.1
                    async for _ in connection.notifies():
                        self._changed.set()
            except (psycopg.Error, OSError, GreenroomError):
                await asyncio.sleep(pause)
                pause = min(5.0, pause * 2)
