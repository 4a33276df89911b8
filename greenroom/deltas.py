"""What comparisons and measurements found of a version, in a line each.

For its deployment, its pull request, and whoever is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from greenroom.compare.speed_words import FAILED, is_regression, overall, say_page, say_verdict
from greenroom.compare.words import count_verdicts, describe_change
from greenroom.compare_verdicts import APPROVED, REJECTED, decided, worst
from greenroom.store import comparisons, measurements
from greenroom.store.models import Comparison, Environment, Measurement
from greenroom.store.work import Work

NEWEST = 10
"""Comparisons and measurements that are looked at, of each."""
_FINE = (APPROVED, "unchanged")


@dataclass(frozen=True)
class Delta:
    """What was found of a version beside production."""

    kind: str
    """``pages`` or ``speed``."""
    verdict: str
    """The worst page's, as people read it."""
    said: str
    """In a line."""
    is_alarm: bool
    """Whether it fails a version's status: a look that is other does not, a slower page does."""

    @property
    def title(self) -> str:
        """What it is about."""
        return {"pages": "Pages", "speed": "Load times"}[self.kind]

    @property
    def part(self) -> str:
        """The part of the environment's page in the console that has all of it."""
        return {"pages": "compare", "speed": "performance"}[self.kind]


def find_deltas(work: Work, environment: Environment, commit: str) -> tuple[Delta, ...]:
    """Find what is known of a commit that an environment shows or showed."""
    return list_deltas(work, environment).get(commit, ())


def list_deltas(work: Work, environment: Environment) -> dict[str, tuple[Delta, ...]]:
    """List what the newest comparison and measurement of each commit found."""
    said = comparisons.said_in(work, environment.project_id)
    found: dict[str, dict[str, Delta]] = {}
    for compared in comparisons.list_comparisons(work, environment, limit=NEWEST):
        if compared.status == "done" and "pages" not in found.get(compared.commit_hash, {}):
            found.setdefault(compared.commit_hash, {})["pages"] = look_of(compared, said)
    for measured in measurements.list_measurements(work, environment, limit=NEWEST):
        if measured.status == "done" and "speed" not in found.get(measured.commit_hash, {}):
            found.setdefault(measured.commit_hash, {})["speed"] = speed_of(measured)
    return {commit: tuple(deltas.values()) for commit, deltas in found.items()}


def look_of(row: Comparison, said: Mapping[tuple[str, str], str]) -> Delta:
    """Say what a comparison found, after what people said of its changes. Pure."""
    pages = decided(row.pages, said)
    verdict = worst(pages)
    shown = [page for page in pages if page["verdict"] == verdict and verdict not in _FINE]
    line = count_verdicts(pages) or "nothing was compared"
    if shown:
        line += f"; {say_look(shown[0])}"
    return Delta("pages", verdict, line, verdict in (FAILED, REJECTED))


def say_look(page: Mapping[str, Any]) -> str:
    """Say what differs on a page at a width. Pure."""
    where = f"{page['path']} ({page['viewport']})"
    if page["verdict"] == FAILED:
        return f"{where}: {page['failure']}"
    told = [describe_change(one) for one in page["changes"] if one.get("said") != APPROVED]
    more = f" and {len(told) - 1} more" if len(told) > 1 else ""
    return f"{where}: {told[0]}{more}" if told else f"{where}: {page['verdict']}"


def open_looks(pages: Iterable[dict[str, Any]], said: Mapping[tuple[str, str], str]) -> list[str]:
    """Say what a comparison found that nobody has approved, a line a page. Pure."""
    return [say_look(page) for page in decided(pages, said) if page["verdict"] not in _FINE]


def speed_of(row: Measurement) -> Delta:
    """Say what a measurement found. Pure."""
    verdict = overall(row.pages)
    line = say_verdict(verdict)
    if regressions := say_regressions(row.pages):
        line += f": {regressions[0]}"
    return Delta("speed", line.split(":")[0], line, is_regression(verdict) or verdict == FAILED)


def say_regressions(pages: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say which pages became worse than they may be, a line each; else which failed. Pure."""
    for bad in (is_regression, FAILED.__eq__):
        said = [
            f"{page['path']} ({page['viewport']}): {say_page(page)}"
            for page in pages if bad(page["verdict"])
        ]  # fmt: skip
        if said:
            return said
    return []
