"""Who asks from a guarded network: told by its address, remembered for a moment."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from uuid import UUID

from greenroom.errors import GreenroomError
from greenroom.store import networks
from greenroom.store.networks import Inside
from greenroom.store.work import unit_of_work

log = logging.getLogger("greenroom.egress")
REMEMBERED_SECONDS = 2.0
"""How soon a deployment's new ``egress.allow`` holds."""
MOST_REMEMBERED = 2000


class Insiders:
    """Finds environments by address, and counts what they were refused."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Inside | None]] = {}
        self._refused: dict[UUID, Counter[tuple[str, str]]] = {}

    async def find(self, address: str) -> Inside | None:
        """Tell whose address it is; None for a stranger's, and while nobody can tell."""
        at, found = self._known.get(address, (0.0, None))
        if time.monotonic() - at < REMEMBERED_SECONDS and at:
            return found
        try:
            found = await asyncio.to_thread(_find, address)
        except GreenroomError as error:
            log.warning("who asks from a network cannot be told: %s", error.message)
            return found  # as it was last known: a store that restarts cuts nobody off
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[address] = (time.monotonic(), found)
        return found

    def refuse(self, inside: Inside, what: str, reason: str) -> None:
        """Count a refusal."""
        counted = self._refused.setdefault(inside.environment_id, Counter())
        if len(counted) < networks.MOST_REFUSALS:
            counted[what[:300], reason] += 1

    async def record(self) -> None:
        """Write what was counted to the store."""
        waiting, self._refused = self._refused, {}
        for environment_id, counted in waiting.items():
            try:
                await asyncio.to_thread(_record, environment_id, dict(counted))
            except GreenroomError as error:
                log.warning("refusals are not recorded: %s", error.message)


def _find(address: str) -> Inside | None:
    with unit_of_work() as work:
        return networks.find_inside(work, address)


def _record(environment_id: UUID, counted: dict[tuple[str, str], int]) -> None:
    with unit_of_work() as work:
        if networks.find_network(work, environment_id) is not None:
            networks.record_refusals(work, environment_id, counted)
