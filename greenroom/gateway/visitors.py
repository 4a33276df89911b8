"""Who looks at an environment through a preview link, or as one of the team."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


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
