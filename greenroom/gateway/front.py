"""How the world reaches the gateway: by which scheme and port, and through which front."""

from __future__ import annotations

from aiohttp import web

from greenroom.secrets import is_same
from greenroom.settings import FRONT_HEADER, Settings


class Outside:
    """What applications are told of the outside; only a front of ours is believed."""

    def __init__(self, settings: Settings) -> None:
        self.scheme, self.port = settings.scheme, str(settings.port)
        file = settings.front_token_file
        has_front = settings.tls != "off" and file.exists()
        self._token = file.read_bytes().strip() if has_front else b""

    def client(self, request: web.BaseRequest) -> str:
        """Give the address of whoever asks: our front's client, or whoever is connected."""
        peer = request.remote or ""
        given = request.headers.get(FRONT_HEADER, "") if self._token else ""
        if not given or not is_same(given.encode("utf-8", "replace"), self._token):
            return peer
        named = request.headers.get("X-Forwarded-For", "")
        return named.rpartition(",")[2].strip() or peer
