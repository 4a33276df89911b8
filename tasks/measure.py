"""The steps of a measurement: choose pages, time their loads, run Lighthouse, judge, write."""

from __future__ import annotations

import shutil
from dataclasses import asdict, replace
from typing import Any
from urllib.parse import urlsplit

from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact

from greenroom.compare.apart import ask_apart
from greenroom.compare.judging import count_questions, judge_pages, overall
from greenroom.compare.lighthouse import RUN_SECONDS
from greenroom.compare.loading import DEVICES
from greenroom.compare.measure import Job
from greenroom.compare.pool import ask_once
from greenroom.compare.speed_report import markdown, render
from greenroom.compare.statistics import Plan, plan_looks
from greenroom.compare_rules import Rules
from greenroom.manifest import Manifest
from greenroom.measuring import measurement_folder
from greenroom.previews import browser_cookie
from greenroom.settings import load_settings
from greenroom.store import measurements
from greenroom.store.crypto import ensure_secret_key
from greenroom.store.models import Environment, Measurement
from greenroom.store.work import Work, unit_of_work
from tasks.policies import step
from tasks.values import Measured

PROGRAM = "greenroom.compare.measure"
PAGE_SECONDS = 240.0
LIGHTHOUSE_PAIRS = 3
LIGHTHOUSE_PAGES = 3
"""A run of Lighthouse takes a quarter of a minute: the first pages only."""


@step
def choose_measured(sides: Measured) -> Measured:
    """Give the pages: asked for, or the project's, or what production's front page links to."""
    if sides.paths:
        return sides
    with unit_of_work() as work:
        rules = _rules(work, sides)
    if not isinstance(rules.pages, str):
        return replace(sides, paths=rules.pages[: rules.max_pages])
    side = {"site": sides.production, "rules": {}}
    found, _ = ask_once({"ask": "paths", "side": side})
    return replace(sides, paths=tuple(found or ["/"]))


def _rules(work: Work, sides: Measured) -> Rules:
    """Give what the commit that is measured says of comparisons."""
    row = work.get_one(Measurement, sides.measurement_id)
    release = work.get_one(Environment, row.environment_id).release
    return Manifest.from_json(release.manifest if release else {}).comparison


def _plan(sides: Measured) -> Plan:
    return plan_looks(count_questions(len(sides.paths), len(DEVICES)))


def _job(sides: Measured, path: str, device: str, pairs: int = 0) -> dict[str, Any]:
    plan, cookie = _plan(sides), None
    if sides.environment:
        host = urlsplit(sides.environment).hostname or ""
        cookie = browser_cookie(load_settings(), host, sides.environment, ensure_secret_key())
    return asdict(
        Job(
            sides.production, sides.environment, path, device, plan.looks, plan.tests, cookie, pairs
        )
    )


@step
def time_loads(sides: Measured) -> None:
    """Time every page on every device; what breaks is told of that page alone. Idempotent."""
    pages: list[dict[str, Any]] = []
    for path in sides.paths:
        for device in DEVICES:
            found = ask_apart(PROGRAM, _job(sides, path, device.name), PAGE_SECONDS)
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
    """Run Lighthouse on the first pages, where it was asked for. Idempotent."""
    if not sides.with_lighthouse:
        return
    pages = _pages(sides)
    limit = RUN_SECONDS * 2 * LIGHTHOUSE_PAIRS + 60
    for page in pages:
        if page["path"] in sides.paths[:LIGHTHOUSE_PAGES] and not page["failure"]:
            job = _job(sides, page["path"], page["viewport"], LIGHTHOUSE_PAIRS)
            found = ask_apart(PROGRAM, job, limit)
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
    folder = measurement_folder(sides.measurement_id)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        made = folder / "report.html.new"
        made.write_text(render(title, verdict, pages), encoding="utf-8")
        made.replace(folder / "report.html")
    except OSError as error:  # the verdict stands in the store; the page is for sending
        shutil.rmtree(folder, ignore_errors=True)
        get_run_logger().warning("the report could not be written: %s", error.strerror)
    key = f"measurement-{sides.measurement_id}"
    create_markdown_artifact(markdown(title, verdict, pages), key=key, description=title)
