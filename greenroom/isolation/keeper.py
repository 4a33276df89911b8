"""The guard's program: it keeps the rules in place, and serves those they redirect."""

from __future__ import annotations

import asyncio
import logging
import time
from urllib.parse import urlsplit

from greenroom.guarding import installed_guard
from greenroom.isolation.gates import Doors
from greenroom.isolation.guard import ensure_guard, is_standing, release_guard
from greenroom.isolation.server import serve
from greenroom.settings import Settings, load_settings

log = logging.getLogger("greenroom.egress")
LOOK_SECONDS = 10.0
"""How long rules that somebody took away may be missing."""


def doors_of(settings: Settings) -> Doors:
    """Say what the platform itself offers to guarded environments."""
    database = None
    if settings.database_url is not None:
        parts = urlsplit(settings.database_url.get_secret_value())
        if parts.hostname:
            database = (parts.hostname, parts.port or 5432)
    return Doors(settings.gateway_port, settings.port if settings.tls == "off" else 0, database)


class _Keeper:
    def __init__(self, settings: Settings) -> None:
        self._settings, self._looked = settings, time.monotonic()

    def look(self) -> None:
        """Put the rules back where somebody took them away."""
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        guard = installed_guard(self._settings)
        if guard is None or not is_standing(guard):
            log.warning("the guard's rules were gone; they are put back")
            ensure_guard(self._settings)


def main() -> None:
    """Run the guard's servers."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    settings = load_settings()
    ensure_guard(settings)
    asyncio.run(serve(settings, doors_of(settings), _Keeper(settings).look))
    release_guard(settings)
