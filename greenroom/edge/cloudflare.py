"""Cloudflare: its cache of staging's files.

Source: Cloudflare API, POST /zones/{zone_id}/purge_cache.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx

from greenroom.edge.cdn import address_of
from greenroom.errors import CdnFailed, InvalidInput

API = "https://api.cloudflare.com/client/v4"
FILES_AT_ONCE = 30
"""Source: Cloudflare documentation, single-file purge: the least of all plans."""


class Cloudflare:
    """``zone`` is the zone's id; the credential ``token`` may purge its cache."""

    def __init__(self, options: Mapping[str, Any], credentials: Mapping[str, str]) -> None:
        self.zone, self.api = str(options["zone"]), str(options.get("endpoint") or API)
        self._token = credentials.get("token", "")

    def forget(self, base: str, keys: Sequence[str]) -> str:
        """Purge some files by their addresses."""
        _check_base(base)
        addresses = [address_of(base, key) for key in keys]
        for start in range(0, len(addresses), FILES_AT_ONCE):
            self._purge({"files": addresses[start : start + FILES_AT_ONCE]})
        return f"Cloudflare forgets {len(keys):,} file{'s' if len(keys) != 1 else ''}"

    def forget_all(self, base: str) -> str:
        """Purge what is below the address; never the zone, which may be production's, too."""
        _check_base(base)
        parts = urlsplit(base)
        prefix = f"{parts.netloc}{parts.path.rstrip('/')}"
        self._purge({"prefixes": [prefix]})
        return f"Cloudflare forgets all of {prefix}"

    def prepare(self) -> str:
        """Say what is to be done there: a cache rule is the zone's, and people's."""
        return (
            "Cloudflare's rules are made by hand: for staging's host, bypass cache, and the"
            " response header X-Robots-Tag: noindex"
        )

    def _purge(self, what: Mapping[str, Sequence[str]]) -> None:
        try:
            answer = httpx.post(
                f"{self.api}/zones/{self.zone}/purge_cache", json=dict(what), timeout=30,
                headers={"Authorization": f"Bearer {self._token}"},
            )  # fmt: skip
            done = answer.json().get("success") is True
        except (httpx.HTTPError, ValueError, AttributeError) as error:
            raise CdnFailed(f"Cloudflare does not answer ({type(error).__name__})") from error
        if not done:
            raise CdnFailed(
                f"Cloudflare purged nothing: it answered {answer.status_code}",
                hint="The token needs the permission Cache Purge for the zone.",
            )


def _check_base(base: str) -> None:
    if not urlsplit(base).netloc:
        raise InvalidInput(
            "Cloudflare forgets by address, and staging's is not set",
            hint="greenroom project set-assets <project> --staging-url https://…",
        )
