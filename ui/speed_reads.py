"""What the pages know of measurements, and ordering one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from greenroom.measuring import measurement_folder, place_measurement
from greenroom.store import environments, measurements
from greenroom.store.measure_models import Measurement
from greenroom.store.work import unit_of_work


@dataclass(frozen=True)
class MeasurementRow:
    """A measurement."""

    number: int
    status: str
    verdict: str
    by: str
    at: datetime
    commit: str
    production_commit: str
    pages: tuple[dict[str, Any], ...]
    failure: str
    hint: str
    folder: Path


@dataclass(frozen=True)
class Trend:
    """One metric of one page over time."""

    path: str
    points: tuple[tuple[str, float, float, float], ...]
    """When and what, value, low, high: oldest first."""


def listed(reference: str) -> tuple[MeasurementRow, ...]:
    """Give an environment's measurements, newest first."""
    with unit_of_work() as work:
        environment = environments.get_environment(work, reference)
        return tuple(_row(row) for row in measurements.list_measurements(work, environment))


def _row(row: Measurement) -> MeasurementRow:
    error = row.error or {}
    return MeasurementRow(
        row.number, row.status, row.verdict, row.requested_by, row.requested_at, row.commit_hash,
        row.production_commit, tuple(row.pages), str(error.get("detail", "")),
        str(error.get("hint", "")), measurement_folder(row.id),
    )  # fmt: skip


def trends(reference: str, metric: str, viewport: str) -> tuple[Trend, ...]:
    """Give how a metric of each page went, for the pages that were measured last."""
    with unit_of_work() as work:
        environment = environments.get_environment(work, reference)
        rows = measurements.list_trend(work, environment)
    found: dict[str, list[tuple[str, float, float, float]]] = {}
    for row in rows:
        for page in row.pages:
            if page["viewport"] == viewport and (three := _value(page, metric)):
                when = f"{row.requested_at:%d %b %Y %H:%M}, {row.commit_hash[:9]}"
                found.setdefault(page["path"], []).append((when, *three))
    last = {page["path"] for page in rows[-1].pages} if rows else set()
    return tuple(Trend(path, tuple(points)) for path, points in found.items() if path in last)


def _value(page: dict[str, Any], metric: str) -> tuple[float, float, float] | None:
    """Give a metric's value with its spread: of production alone, or of the environment."""
    if metric in page["alone"]:
        value, low, high = page["alone"][metric]
        return float(value), float(low), float(high)
    samples = page["samples"].get("after", {}).get(metric) if page["findings"] else None
    if not samples:
        return None
    ordered = sorted(samples)
    middle = next(f["after"] for f in page["findings"] if f["metric"] == metric)
    quarter = len(ordered) // 4
    return float(middle), float(ordered[quarter]), float(ordered[-1 - quarter])


def order(reference: str, paths: Sequence[str], with_lighthouse: bool, actor: str) -> str:
    """Order a measurement of an environment."""
    place_measurement(reference, paths, actor=actor, with_lighthouse=with_lighthouse)
    more = " Lighthouse takes some minutes." if with_lighthouse else ""
    return f"The measurement is on its way; it takes some ten seconds a page.{more}"
