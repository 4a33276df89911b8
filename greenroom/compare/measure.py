"""Measure one page of two sites on one device: a program of its own, which can be ended as a whole.

usage: python -m greenroom.compare.measure, with a JSON object on standard input
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from greenroom.compare import lighthouse
from greenroom.compare.apart import end_with_parent
from greenroom.compare.blocking import resolver_arguments
from greenroom.compare.browser import started_browser
from greenroom.compare.loading import DEVICES, LOAD_SECONDS, Load, load, machine_speed
from greenroom.compare.metrics import BY_NAME, METRICS, Metric, metrics_with
from greenroom.compare.statistics import Finding, Plan, find, interval, is_clear, steady
from greenroom.compare.visit import Visitor, visitor_of
from greenroom.errors import PlatformError

WAKE_SECONDS = 90.0
"""An environment may sleep: it is woken, and measured when it is warm."""
WARM_UPS = 1
"""Good visits that do not count; one more where the first had to wait."""
VOID_PAIRS = 12
"""Pairs that may be void before a machine is called too unsteady."""
_ASK_SECONDS = 1.0


@dataclass(frozen=True)
class Job:
    """One page on one device. It holds what lets our browser in: it is never stored."""

    production: dict[str, Any]
    """As ``greenroom.compare.visit.visitor_of`` takes it."""
    environment: dict[str, Any] | None
    """None: production is measured alone."""
    path: str
    viewport: str
    looks: tuple[int, ...]
    tests: int
    thresholds: dict[str, dict[str, float]] = field(default_factory=dict)
    """The smallest differences that count, where the project says other ones."""
    lighthouse_pairs: int = 0
    """With Lighthouse, and how often; 0: load times instead."""

    @property
    def plan(self) -> Plan:
        """The plan that all pages of the report share."""
        return Plan(tuple(self.looks), self.tests)

    @property
    def visitors(self) -> list[Visitor]:
        """Who visits production, and the environment if there is one."""
        return [visitor_of(said) for said in (self.production, self.environment) if said]

    @property
    def arguments(self) -> list[str]:
        """What the browser is told of what it does not load."""
        visitors = self.visitors
        return resolver_arguments(visitors[0].rules.block, [one.site for one in visitors])


@dataclass(frozen=True)
class Pair:
    """One visit of each side, right after each other."""

    before: dict[str, float]
    after: dict[str, float]
    speed: float
    """How fast the machine was, between before and after."""


@dataclass
class Sampled:
    """What was taken of a page."""

    pairs: list[Pair] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    voided: int = 0
    failure: str = ""

    @property
    def kept(self) -> list[Pair]:
        """The pairs that count."""
        good = steady([pair.speed for pair in self.pairs])
        return [pair for pair, is_good in zip(self.pairs, good, strict=True) if is_good]


def sample(
    take: Callable[[int], Pair | str], plan: Plan, metrics: Sequence[Metric] = METRICS
) -> Sampled:
    """Take pairs until the answer is clear or the plan is at its end; a sentence ends it at once.

    ``take`` gets the pair's number, for turning the order of the two sides.
    """
    taken = Sampled()
    for look in plan.looks:
        while len(taken.kept) < look:
            if len(taken.pairs) - len(taken.kept) > VOID_PAIRS:
                taken.failure = "This machine was too unsteady to measure by."
                return taken
            pair = take(len(taken.pairs))
            if isinstance(pair, str):
                taken.failure = pair
                return taken
            taken.pairs.append(pair)
        kept = taken.kept
        taken.findings = [
            find(metric, [(p.before[metric.name], p.after[metric.name]) for p in kept], plan)
            for metric in metrics
        ]
        if is_clear(taken.findings, plan):
            break
    taken.voided = len(taken.pairs) - len(taken.kept)
    return taken


def measure_page(job: Job) -> dict[str, Any]:
    """Measure a page's load times: pairs of both sides, or production alone."""
    device = next(d for d in DEVICES if d.name == job.viewport)
    visitors = job.visitors
    names = ("production", "here")[: len(visitors)]
    with started_browser(job.arguments) as browser:

        def visit(side: int, seconds: float = LOAD_SECONDS) -> Load:
            return load(browser, visitors[side], job.path, device, seconds)

        for side, name in enumerate(names):
            if failure := _warm(lambda side=side: visit(side, WAKE_SECONDS)):  # type: ignore[misc]
                return _result(job, Sampled(failure=f"{name}: {failure}"))

        def take(number: int) -> Pair | str:
            order = range(len(names)) if number % 2 == 0 else reversed(range(len(names)))
            first = machine_speed()
            loads = {side: visit(side) for side in order}
            for side, name in enumerate(names):
                if loads[side].failure:
                    return f"{name}: {loads[side].failure}"
            speed = (first * machine_speed()) ** 0.5
            return Pair(loads[0].values, loads[len(names) - 1].values, speed)

        plan = job.plan if job.environment else Plan(job.looks[:1], job.tests)
        return _result(job, sample(take, plan, metrics_with(job.thresholds)))


def _warm(visit: Callable[[], Load]) -> str:
    """Visit a side until it is awake and its caches are warm; give why it never was."""
    deadline = time.monotonic() + WAKE_SECONDS
    wanted = WARM_UPS
    while wanted:
        failure = visit().failure
        if not failure:
            wanted -= 1
            continue
        wanted = WARM_UPS + 1
        if time.monotonic() > deadline or not _may_wake(failure):
            return failure
        time.sleep(_ASK_SECONDS)
    return ""


def _may_wake(failure: str) -> bool:
    """Whether a page that fails so may be one whose environment is only just being started."""
    return any(f"answered {status}" in failure for status in (502, 503, 504))


def _result(job: Job, taken: Sampled) -> dict[str, Any]:
    kept = taken.kept
    sides = {"before": [p.before for p in kept], "after": [p.after for p in kept]}
    alone = {
        metric.name: interval([p.before[metric.name] for p in kept]) for metric in METRICS
    } if kept and not job.environment else {}  # fmt: skip
    return {
        "path": job.path, "viewport": job.viewport, "failure": taken.failure,
        "pairs": len(kept), "voided": taken.voided,
        "findings": [] if alone or taken.failure else [asdict(f) for f in taken.findings],
        "alone": {name: list(three) for name, three in alone.items()},
        "samples": {
            side: {name: [visit[name] for visit in visits] for name in BY_NAME}
            for side, visits in sides.items()
        },
    }  # fmt: skip


def measure_lighthouse(job: Job) -> dict[str, Any]:
    """Run Lighthouse on both sides, in turns; production alone where there is no other."""
    sides = dict(zip(("before", "after"), job.visitors, strict=False))
    reports: dict[str, list[lighthouse.Report]] = {side: [] for side in sides}
    try:
        with lighthouse.runner(job.visitors, job.arguments) as runner:
            for number in range(job.lighthouse_pairs):
                for side in sides if number % 2 == 0 else reversed(sides):
                    url = sides[side].site + job.path
                    reports[side].append(runner.run(url, job.viewport))
    except PlatformError as error:
        return {"failure": f"{error.message} {error.hint}".strip()}
    except OSError as error:
        return {"failure": f"Lighthouse could not write its report: {error.strerror}."}
    return lighthouse.summarize(reports)


def main() -> None:
    """Answer one question."""
    end_with_parent()
    os.nice(5)  # what is deployed and served goes first
    job = Job(**json.load(sys.stdin))
    json.dump(measure_lighthouse(job) if job.lighthouse_pairs else measure_page(job), sys.stdout)


if __name__ == "__main__":
    main()
