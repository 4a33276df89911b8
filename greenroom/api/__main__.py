"""Serve the API: ``python -m greenroom.api``."""

from __future__ import annotations

import uvicorn

from greenroom.api.app import make_app
from greenroom.settings import load_settings

if __name__ == "__main__":
    settings = load_settings()
    uvicorn.run(
        make_app(),
        host=settings.bind_loopback,
        port=settings.api_port,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
        ws="none",
    )
