"""Fastly: its cache of staging's files.

Source: Fastly API, POST /purge/{url} and POST /service/{service_id}/purge_all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from greenroom.edge.cdn import address_of
from greenroom.errors import CdnFailed, InvalidInput

API = "https://api.fastly.com"
AT_ONCE = 8


class Fastly:
    """``service`` is the id of staging's own service; ``token`` may purge it."""

    def __init__(self, options: Mapping[str, Any], credentials: Mapping[str, str]) -> None:
        self.service, self.api = str(options["service"]), str(options.get("endpoint") or API)
        self._token = credentials.get("token", "")

    def forget(self, base: str, keys: Sequence[str]) -> str:
        """Purge some files by their addresses."""
        if "://" not in base:
            raise InvalidInput(
                "Fastly forgets by address, and staging's is not set",
                hint="greenroom project set-assets <project> --staging-url https://…",
            )

        def one(key: str) -> None:
            address = address_of(base, key).partition("://")[2]
            self._ask(f"/purge/{address}")

        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(one, keys))
        return f"Fastly forgets {len(keys):,} file{'s' if len(keys) != 1 else ''}"

    def forget_all(self, base: str) -> str:
        """Purge the service, which is staging's own."""
        self._ask(f"/service/{self.service}/purge_all")
        return "Fastly forgets all of staging's service"

    def prepare(self) -> str:
        """Say what is to be done there: a service's version is made and activated by people."""
        return (
            "Fastly's service is changed by hand: in vcl_recv `return(pass);`, and in vcl_deliver"
            ' `set resp.http.X-Robots-Tag = "noindex";`'
        )

    def _ask(self, path: str) -> None:
        try:
            answer = httpx.post(
                f"{self.api}{path}", headers={"Fastly-Key": self._token}, timeout=30
            )
        except httpx.HTTPError as error:
            raise CdnFailed(f"Fastly does not answer ({type(error).__name__})") from error
        if answer.is_error:
            raise CdnFailed(
                f"Fastly purged nothing: it answered {answer.status_code}",
                hint="The token needs the scope purge_select, and purge_all for many files.",
            )
