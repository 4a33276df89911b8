"""The one line that a benchmark prints."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Line:
    """A figure, what it is compared with, and whether the goal is met."""

    name: str
    value: float
    unit: str
    rival: str
    rival_value: float | None
    goal: str
    met: bool
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """``value`` as a share of the rival's."""
        return round(self.value / self.rival_value, 3) if self.rival_value else None

    def __str__(self) -> str:
        """Give it as JSON."""
        return json.dumps(
            {
                "name": self.name,
                "value": round(self.value, 3),
                "unit": self.unit,
                "rival": self.rival,
                "rival_value": None if self.rival_value is None else round(self.rival_value, 3),
                "ratio": self.ratio,
                "goal": self.goal,
                "met": self.met,
                "details": self.details,
            }
        )
