"""The steps of a measurement: choose pages, time their loads, run Lighthouse, judge, write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact

from greenroom.compare.apart import ask_apart
from greenroom.compare.judging import count_questions, judge_pages
from greenroom.compare.lighthouse import RUN_SECONDS
from greenroom.compare.loading import DEVICES
from greenroom.compare.measure import Job
from greenroom.compare.pool import ask_once
from greenroom.compare.speed_report import markdown, render
from greenroom.compare.speed_words import overall
from greenroom.compare.statistics import Plan, plan_looks
from greenroom.compare_rules import Rules
from greenroom.manifest import Manifest
from greenroom.measuring import measurement_folder
from greenroom.store import measurements
from greenroom.store.models import Environment, Measurement
from greenroom.store.work import Work, unit_of_work
from tasks.compare_report import write_page
from tasks.policies import step
from tasks.shown import look_at_one_version
from tasks.values import Measured
from tasks.visiting import Side, logged_in, side_of

PROGRAM = "greenroom.compare.measure"
PAGE_SECONDS = 240.0
LIGHTHOUSE_PAIRS = 3
LIGHTHOUSE_PAGES = 3
"""A run of Lighthouse takes a quarter of a minute: the first pages only."""


@step
def choose_measured(sides: Measured) -> Measured:
    """Give the pages: asked for, or the project's, or what production's front page links to.

    Errors: PlatformError (the login failed).
    """
    if sides.paths:
        return sides
    with unit_of_work() as work:
        rules = _rules(work, sides)
    if not isinstance(rules.pages, str):
        return replace(sides, paths=tuple(rules.pages))
    side = logged_in(_side(sides, sides.production), "production")
    found, broke = ask_once({"ask": "paths", "side": side}, rules.view_seconds)
    if broke:
        get_run_logger().warning("production's pages were not found: %s", broke)
    return replace(sides, paths=tuple(found or ["/"]))


def _side(sides: Measured, site: str) -> Side:
    with unit_of_work() as work:
        row = work.get_one(Measurement, sides.measurement_id)
        return side_of(work, work.get_one(Environment, row.environment_id), site)


def _jobs(sides: Measured, pairs: int = 0) -> Callable[[str, str], dict[str, Any]]:
    """Log in to both sides, and give what makes the job of a page on a device.

    Errors: PlatformError.
    """
    plan = _plan(sides)
    with unit_of_work() as work:
        thresholds = _rules(work, sides).performance.least_differences
    production = logged_in(_side(sides, sides.production), "production")
    environment = None
    if sides.environment:
        environment = logged_in(_side(sides, sides.environment), "the environment")

    def job(path: str, device: str) -> dict[str, Any]:
        return asdict(
            Job(production, environment, path, device, plan.looks, plan.tests, thresholds, pairs)
        )

    return job


def _rules(work: Work, sides: Measured) -> Rules:
    """Give what the commit that is measured says of comparisons."""
    row = work.get_one(Measurement, sides.measurement_id)
    release = work.get_one(Environment, row.environment_id).release
    return Manifest.from_json(release.manifest if release else {}).comparison


def _plan(sides: Measured) -> Plan:
    return plan_looks(count_questions(len(sides.paths), len(DEVICES)))


@step
def time_loads(sides: Measured) -> None:
    """Time every page on every device; what breaks is told of that page alone. Idempotent."""
    look_at_one_version(_row_of(sides), lambda: _time_loads(sides))


def _row_of(sides: Measured) -> Callable[[Work], Measurement]:
    return lambda work: work.get_one(Measurement, sides.measurement_id)


def _time_loads(sides: Measured) -> None:
    pages: list[dict[str, Any]] = []
    job = _jobs(sides)
    for path in sides.paths:
        for device in DEVICES:
            found = ask_apart(PROGRAM, job(path, device.name), PAGE_SECONDS)
            if found is None:
                failure = f"The browser did not end within {PAGE_SECONDS:g} seconds, or broke."
                found = {"path": path, "viewport": device.name, "failure": failure, "pairs": 0,
                         "voided": 0, "findings": [], "alone": {}, "samples": {}}  # fmt: skip
            pages.append(found | {"verdict": "", "over": [], "lighthouse": None})
            get_run_logger().info("%s %s: %d pairs", path, device.name, found["pairs"])
            _keep(sides, pages)


def _keep(sides: Measured, pages: list[dict[str, Any]], verdict: str = "") -> None:
    with unit_of_work() as work:
        row = work.get_one(Measurement, sides.measurement_id)
        row.pages = list(pages)
        row.verdict = verdict


def _pages(sides: Measured) -> list[dict[str, Any]]:
    with unit_of_work() as work:
        return list(work.get_one(Measurement, sides.measurement_id).pages)


@step
def run_lighthouse(sides: Measured) -> None:
    """Run Lighthouse on the first pages, where it was asked for. Idempotent.

    It is of the versions whose loads were timed: what was switched since is timed anew.
    """
    if not sides.with_lighthouse:
        return
    timed = _shown(sides)

    def look() -> None:
        nonlocal timed
        if (shown := _shown(sides)) != timed:
            _time_loads(sides)
            timed = shown
        _run_lighthouse(sides)

    look_at_one_version(_row_of(sides), look)


def _shown(sides: Measured) -> tuple[str, str]:
    """Give the commits that the measurement is recorded to be of."""
    with unit_of_work() as work:
        row = work.get_one(Measurement, sides.measurement_id)
        return row.commit_hash, row.production_commit


def _run_lighthouse(sides: Measured) -> None:
    pages, job = _pages(sides), _jobs(sides, LIGHTHOUSE_PAIRS)
    limit = RUN_SECONDS * 2 * LIGHTHOUSE_PAIRS + 60
    for page in pages:
        if page["path"] in sides.paths[:LIGHTHOUSE_PAGES] and not page["failure"]:
            found = ask_apart(PROGRAM, job(page["path"], page["viewport"]), limit)
            page["lighthouse"] = found or {"failure": "Lighthouse did not end in time, or broke."}
            failure = page["lighthouse"]["failure"]
            get_run_logger().info("%s %s: %s", page["path"], page["viewport"], failure or "ran")
            _keep(sides, pages)


@step
def judge_loads(sides: Measured) -> None:
    """Give all pages their verdicts together, and the measurement its own. Idempotent."""
    with unit_of_work() as work:
        row = work.get_one(Measurement, sides.measurement_id)
        budgets = _rules(work, sides).performance.model_dump()["budgets"]
        row.pages = judge_pages(row.pages, _plan(sides), budgets)
        row.verdict = overall(row.pages)


@step
def write_report(sides: Measured) -> None:
    """Write the page that can be sent to somebody, and Prefect's summary. Idempotent."""
    with unit_of_work() as work:
        row = measurements.get_measurement(work, sides.measurement_id)
        environment, pages, verdict = row.environment, list(row.pages), row.verdict
        title = f"{environment.project.name}/{environment.name} #{row.number}"
        title += f": load times of {row.commit_hash[:12]}"
        if sides.environment:
            title += f" beside {row.production_commit[:12]}"
    write_page(measurement_folder(sides.measurement_id), render(title, verdict, pages))
    key = f"measurement-{sides.measurement_id}"
    create_markdown_artifact(markdown(title, verdict, pages), key=key, description=title)
