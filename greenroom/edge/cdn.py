"""Content delivery networks before staging's files: what was changed is forgotten there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from greenroom.errors import InvalidInput

VENDORS = ("cloudfront", "cloudflare", "fastly")
_NEEDED = {
    "cloudfront": ("distribution",),
    "cloudflare": ("zone",),
    "fastly": ("service",),
}


class Cdn(Protocol):
    """Forgets what was changed. Asking twice is asking once.

    Errors of all: CdnFailed (transient).
    """

    def forget(self, base: str, keys: Sequence[str]) -> str:
        """Forget some files below the address ``base``; say what was done."""

    def forget_all(self, base: str) -> str:
        """Forget every file below the address ``base``; say what was done."""

    def prepare(self) -> str:
        """Make staging's files be neither cached nor found by search engines; say what was done."""


def check_cdn(options: Mapping[str, Any]) -> dict[str, Any]:
    """Give options of a CDN as they are kept.

    Errors: InvalidInput.
    """
    vendor = str(options.get("vendor", ""))
    if vendor not in VENDORS:
        raise InvalidInput(f"{vendor!r} is no CDN that is known", hint=", ".join(VENDORS))
    missing = [name for name in _NEEDED[vendor] if not options.get(name)]
    if missing:
        raise InvalidInput(f"{vendor} needs a {missing[0]}", hint=f"--cdn-option {missing[0]}=…")
    return dict(options)


def open_cdn(options: Mapping[str, Any], credentials: Mapping[str, str]) -> Cdn:
    """Open the CDN that a project names.

    Errors: InvalidInput.
    """
    kept = check_cdn(options)
    if kept["vendor"] == "cloudfront":
        from greenroom.edge.cloudfront import CloudFront

        return CloudFront(kept, credentials)
    if kept["vendor"] == "cloudflare":
        from greenroom.edge.cloudflare import Cloudflare

        return Cloudflare(kept, credentials)
    from greenroom.edge.fastly import Fastly

    return Fastly(kept, credentials)


def path_of(base: str, key: str) -> str:
    """Give the path of a file below an address, as it is asked for."""
    return f"{urlsplit(base).path.rstrip('/')}/{quote(key, safe='/~-_.')}"


def address_of(base: str, key: str) -> str:
    """Give the address of a file."""
    parts = urlsplit(base)
    return f"{parts.scheme}://{parts.netloc}{path_of(base, key)}"
