"""What is measured of a page, and by how much it must differ to matter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Metric:
    """One number of a page; more is worse."""

    name: str
    title: str
    """As people read it."""
    unit: str
    """``ms``, ``bytes``, or nothing."""
    least: float
    """The smallest difference that counts …"""
    least_ratio: float
    """… or this share of production's, if that is more."""

    def least_difference(self, before: float) -> float:
        """Give the smallest difference that counts where production has ``before``."""
        return max(self.least, self.least_ratio * abs(before))

    def say(self, value: float, *, signed: bool = False) -> str:
        """Give a value as people read it."""
        sign = "+" if signed and value > 0 else ""
        if self.unit == "ms":
            return f"{sign}{value / 1000:.2f} s" if abs(value) >= 9_995 else f"{sign}{value:.0f} ms"
        if self.unit == "bytes":
            kilo = value / 1000
            return f"{sign}{kilo / 1000:.2f} MB" if abs(kilo) >= 999.5 else f"{sign}{kilo:.0f} kB"
        return f"{sign}{value:.3f}" if self.name == "cls" else f"{sign}{value:g}"


METRICS = (
    Metric("ttfb", "First byte", "ms", 30, 0.05),
    Metric("fcp", "First paint", "ms", 30, 0.05),
    Metric("lcp", "Largest paint", "ms", 30, 0.05),
    Metric("load", "Loaded", "ms", 30, 0.05),
    Metric("tbt", "Blocked", "ms", 30, 0.05),
    Metric("cls", "Layout shift", "", 0.02, 0.05),
    Metric("bytes", "Weight", "bytes", 10_000, 0.05),
    Metric("requests", "Requests", "", 2, 0.05),
)
"""Of load times, in the order in which they are told. Source of the names: web.dev/metrics."""
BY_NAME = {metric.name: metric for metric in METRICS}


def metrics_with(thresholds: Mapping[str, Mapping[str, float]]) -> tuple[Metric, ...]:
    """Give the metrics with what a project says of the smallest differences that count.

    A project that says one of both numbers means that one alone.
    """
    return tuple(
        replace(metric, least=said.get("least", 0.0), least_ratio=said.get("ratio", 0.0))
        if (said := thresholds.get(metric.name)) else metric
        for metric in METRICS
    )  # fmt: skip
