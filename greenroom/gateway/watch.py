"""The watch after a switch: a rise of failures takes the new version back."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from uuid import UUID

from greenroom import watching
from greenroom.errors import GreenroomError
from greenroom.gateway.routes import RouteTable, Target
from greenroom.runs import Runs
from greenroom.settings import Settings

log = logging.getLogger("greenroom.gateway")
LOOK_SECONDS = 0.5


class Watch:
    """Compares what a new version answers with what the one before it answered."""

    def __init__(self, settings: Settings, routes: RouteTable) -> None:
        self.routes, self.runs = routes, Runs(settings)
        self._judged: set[UUID] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look from now on."""
        self._task = asyncio.create_task(self._look_for_ever())

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _look_for_ever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for target in self.routes.targets():
                reason = self._judge(target)
                if reason and target.upstream is not None:
                    self._judged.add(target.upstream.instance_id)
                    await self._take_back(target.upstream.instance_id, reason)

    def _judge(self, target: Target) -> str:
        """Say why a version shall be taken back; empty when it shall not, or was."""
        upstream, life = target.upstream, target.route.life
        if upstream is None or life is None or upstream.before is None:
            return ""
        seconds = time.monotonic() - upstream.tally.begun_at
        if upstream.instance_id in self._judged or seconds > life.health.watch_seconds:
            return ""
        before, after = upstream.before, upstream.tally
        if not watching.is_worse((before.answered, before.failed), (after.answered, after.failed)):
            return ""
        return (
            f"{after.failed} of {after.answered} answers failed within {seconds:.0f} s of the"
            f" switch; of the version before, {before.failed} of {before.answered}"
        )

    async def _take_back(self, instance_id: UUID, reason: str) -> None:
        with contextlib.suppress(GreenroomError):
            done = await asyncio.to_thread(watching.take_back, instance_id, reason, self.runs)
            log.warning("%s; %s", reason, done)
