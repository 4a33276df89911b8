"""Serve the console: ``python -m ui``, from the checkout."""

from __future__ import annotations

from greenroom.settings import load_settings
from ui.app import app
from ui.provider import write_secrets

if __name__ == "__main__":
    settings = load_settings()
    secrets = write_secrets(settings)
    app.run(
        config={
            "server.address": settings.bind,
            "server.port": settings.console_port,
            "browser.serverAddress": "localhost",
            **({"secrets.files": [str(secrets)]} if secrets else {}),
        }
    )
