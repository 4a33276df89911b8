"""``python -m shop``: serve until SIGTERM, then finish what is in flight and exit with 0."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from shop.app import make_app
from shop.config import Config

log = logging.getLogger("shop")

DRAIN_SECONDS = 8.0
"""How long a request may take to finish after SIGTERM."""


class AccessLog(AbstractAccessLogger):
    """One line a request; health checks that pass are left out."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """Write the line."""
        if request.path == "/healthz" and response.status == 200:
            return
        self.logger.info(
            "%s %s %d %dB %.0fms",
            request.method,
            request.path_qs,
            response.status,
            response.body_length,
            time * 1000,
        )


async def serve(config: Config) -> None:
    """Serve ``config`` until a signal asks to stop."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    runner = web.AppRunner(
        make_app(config), access_log_class=AccessLog, shutdown_timeout=DRAIN_SECONDS
    )
    await runner.setup()
    await web.TCPSite(runner, config.host, config.port, reuse_address=True).start()
    log.info("listening on http://%s:%d", config.host, config.port)
    await stopped.wait()
    log.info("stopping: finishing the requests in flight")
    await runner.cleanup()
    log.info("stopped")


def main() -> None:
    """Start the shop."""
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
    asyncio.run(serve(Config.read(os.environ)))


if __name__ == "__main__":
    main()
