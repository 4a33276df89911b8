"""Reading a deployment's log bit by bit: only what came since the last look."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from datetime import datetime

from greenroom.store import deployments
from greenroom.store.work import unit_of_work

BATCH = 2000
BATCHES_A_LOOK = 5
"""A flood is caught up with over several looks instead of blocking one."""
MAX_LINE = 2000
CHUNK = 200
MAX_CHUNKS = 25
"""Lines kept for the page: the last 5,000. The download has all."""

_ANSI = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\|$)"
    r"|[PX^_][^\x1b]*(?:\x1b\\|$)|[ -/]*[0-~])"
)
"""Source: ECMA-48 sections 5.4 (CSI), 5.6 (strings), 5.3 and 5.5 (other escapes)."""
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def clean(line: str) -> str:
    """Strip colours and control characters; of an overwritten line keep what was seen last."""
    text = _ANSI.sub("", line).rstrip("\r\n")
    text = _CONTROL.sub("", text.rsplit("\r", 1)[-1])
    return text if len(text) <= MAX_LINE else f"{text[:MAX_LINE]} … ({len(text)} characters)"


@dataclass(frozen=True)
class Line:
    """A log line, ready to be shown as text."""

    at: datetime | None
    section: str
    text: str


@dataclass
class Tail:
    """The end of one deployment's log, growing."""

    deployment_id: uuid.UUID
    last_id: int = 0
    chunks: list[list[Line]] = field(default_factory=list)
    first_chunk: int = 0
    """How many chunks were let go."""
    sections: dict[str, int] = field(default_factory=dict)
    is_behind: bool = False

    def add(self, line: Line) -> None:
        """Append a line, letting the oldest go when there are too many."""
        if not self.chunks or len(self.chunks[-1]) >= CHUNK:
            self.chunks.append([])
        self.chunks[-1].append(line)
        self.sections[line.section] = self.sections.get(line.section, 0) + 1
        if len(self.chunks) > MAX_CHUNKS:
            del self.chunks[0]
            self.first_chunk += 1

    @property
    def dropped(self) -> int:
        """Lines that came before those kept."""
        return self.first_chunk * CHUNK


def read_on(tail: Tail) -> None:
    """Read what was written since the last look."""
    with unit_of_work() as work:
        for _ in range(BATCHES_A_LOOK):
            rows = deployments.read_log(work, tail.deployment_id, after=tail.last_id, limit=BATCH)
            for row in rows:
                tail.add(Line(row.at, row.section, clean(row.line)))
                tail.last_id = row.id
            tail.is_behind = len(rows) == BATCH
            if not tail.is_behind:
                break
        if tail.last_id == 0 and not tail.chunks:
            for line in _sealed(deployments.get_deployment(work, tail.deployment_id).log_output):
                tail.add(line)


def _sealed(text: str) -> list[Line]:
    lines = []
    for raw in text.splitlines():
        section, mark, rest = raw.partition("] ")
        if mark and section.startswith("["):
            lines.append(Line(None, section[1:], clean(rest)))
        else:
            lines.append(Line(None, "", clean(raw)))
    return lines


def whole_log(deployment_id: uuid.UUID) -> str:
    """Give the whole log as text, for a download."""
    parts, after = [], 0
    with unit_of_work() as work:
        while rows := deployments.read_log(work, deployment_id, after=after, limit=BATCH):
            parts += [f"{r.at:%Y-%m-%d %H:%M:%S} [{r.section}] {clean(r.line)}" for r in rows]
            after = rows[-1].id
        text = "" if parts else deployments.get_deployment(work, deployment_id).log_output
    return "\n".join(parts) + "\n" if parts else "\n".join(map(clean, text.splitlines())) + "\n"
