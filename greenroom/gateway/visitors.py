"""Who looks at an environment through a preview link, or as one of the team."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from aiohttp import web

_DOCUMENTS = frozenset({"document", "iframe", "frame"})
"""Source: W3C Fetch Metadata Request Headers, section 2.1."""


@dataclass(frozen=True)
class Visitor:
    """Somebody who is known by a pass."""

    link_id: UUID | None
    """Empty for one of the team."""
    environment_id: UUID
    project: str
    environment: str
    label: str
    """For whom the link is, or the team member's name."""
    may_comment: bool
    may_approve: bool
    release_id: UUID | None
    """What they look at."""
    session: str = ""
    """Of one of the team: their session's fingerprint at the console."""


def is_navigation(request: web.BaseRequest) -> bool:
    """Whether a browser asks for a page to show."""
    meant = request.headers.get("Sec-Fetch-Dest")
    if meant == "empty":  # a page's own service worker that hands a navigation on
        return request.headers.get("Sec-Fetch-Mode") == "navigate"
    if meant is not None:
        return meant in _DOCUMENTS
    return "text/html" in request.headers.get("Accept", "")
