"""Holding a measurement: its order, beginning and end, and what becomes of one that was killed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit
from uuid import UUID

from prefect import get_run_logger

from greenroom.compare.alone import alone, turn_file
from greenroom.compare.speed_words import is_regression
from greenroom.deltas import say_regressions
from greenroom.errors import GreenroomError, PlatformError
from greenroom.hosting.folder import check_free_bytes
from greenroom.manifest import Manifest
from greenroom.measuring import place_measurement, start_measurement
from greenroom.notices import note_regression
from greenroom.runs import Runs
from greenroom.settings import load_settings
from greenroom.store import comparisons, measurements
from greenroom.store.models import Environment, EnvironmentKind, Measurement, now
from greenroom.store.work import unit_of_work
from greenroom.waking import wake
from tasks.ending import recorded_end
from tasks.hold import HOST, is_process_alive, this_process
from tasks.policies import step
from tasks.shown import note_shown
from tasks.values import DeployRequest, Measured, MeasureRequest


@step
def order_measurement(request: DeployRequest) -> None:
    """Order a measurement of what was just deployed, where that is wanted. Idempotent.

    What keeps it from being ordered is in the run's log: it fails no deployment.
    """
    settings = load_settings()
    with unit_of_work() as work:
        environment = work.get_one(Environment, request.environment_id)
        production = comparisons.production_of(work, environment.project)
        release = environment.release
        if (
            not settings.measure_after_deploy
            or environment.kind == EnvironmentKind.PRODUCTION
            or production is None
            or release is None
            or production.release_id == release.id
            or measurements.has_unfinished(work, environment)
        ):
            return
        wanted = Manifest.from_json(release.manifest).comparison.performance
    if not wanted.after_deployment:
        return
    try:
        place_measurement(
            request.environment, actor="deployment", with_lighthouse=wanted.lighthouse
        )
    except GreenroomError as error:
        get_run_logger().warning("load times are not measured: %s", error.message)


@step
def order_productions(only: list[str]) -> int:
    """Order a measurement of every production, or of those of projects named; give how many.

    One that cannot be ordered is told and does not stop the others.
    """
    with unit_of_work() as work:
        found = [
            (f"{row.project.name}/{row.name}", row.release.manifest if row.release else {})
            for row in measurements.list_productions(work, only)
        ]  # fmt: skip
    count = 0
    for name, manifest in found:
        wanted = Manifest.from_json(manifest).comparison.performance
        try:
            place_measurement(name, actor="schedule", with_lighthouse=wanted.lighthouse)
        except GreenroomError as error:
            get_run_logger().warning("%s: %s", name, error.message)
        else:
            count += 1
    return count


@step
def begin_measurement(request: MeasureRequest) -> Measured:
    """Mark a measurement as under way, and say what it measures. Idempotent.

    Errors: LimitReached (the disk is nearly full), PlatformError.
    """
    settings = load_settings()
    check_free_bytes(settings.path("measurements"), settings.least_free_bytes)
    with unit_of_work() as work:
        row = work.get_one(Measurement, request.measurement_id, with_for_update=True)
        environment, production = note_shown(work, row)
        row.status, row.host, row.process = "running", HOST, this_process()
        row.started_at = row.started_at or now()
        row.pages, row.verdict = [], ""
        here = "" if environment.id == production.id else environment.url
        return Measured(row.id, production.url, here, tuple(row.paths), row.with_lighthouse)


@step
def end_measurement(measurement_id: UUID, error: GreenroomError | None) -> None:
    """Record how a measurement ended, and tell of what became slower. Idempotent."""
    with unit_of_work() as work:
        row = work.get_one(Measurement, measurement_id, with_for_update=True)
        environment = work.get_one(Environment, row.environment_id)
        is_news = measurements.finish_measurement(
            row, row.verdict, error.as_json() if error else None
        )
        if is_news and is_regression(row.verdict):
            note_regression(work, environment, row.number, say_regressions(row.pages))
        measurements.prune_measurements(work, environment)
    _forget_reports()


@contextmanager
def measuring(request: MeasureRequest) -> Iterator[Measured]:
    """Record the end of a measurement, whatever it is."""
    with recorded_end(end_measurement, request.measurement_id):
        yield begin_measurement(request)


@contextmanager
def machine_alone(sides: Measured) -> Iterator[None]:
    """Have the machine's one turn of measuring for the block; both sides are awake then.

    Pictures take the same turn: a browser beside makes each page late.
    """
    get_run_logger().info("%d pages; waiting for the machine's turn", len(sides.paths))
    with alone(turn_file()):
        for site in filter(None, (sides.production, sides.environment)):
            if not wake(urlsplit(site).hostname or ""):
                get_run_logger().warning("%s was not woken: its pages say what they answer", site)
        yield


@step
def report_measurement(request: MeasureRequest) -> dict[str, str]:
    """Give each page's verdict. Idempotent."""
    with unit_of_work() as work:
        pages = work.get_one(Measurement, request.measurement_id).pages
    return {f"{page['path']} {page['viewport']}": page["verdict"] for page in pages}


@step
def repair_measurements() -> int:
    """Start what was recorded and has no run; end what nobody works at. Idempotent."""
    with unit_of_work() as work:
        unfinished = measurements.list_unfinished_measurements(work)
    mended, runs = 0, Runs()
    for row in unfinished:
        if row.flow_run_id is None:
            start_measurement(row.id, runs)
        elif _is_lost(row, runs):
            error = PlatformError("the run was killed before it ended", hint="Measure again.")
            end_measurement.fn(row.id, error)
        else:
            continue
        mended += 1
    return mended


def _is_lost(row: Measurement, runs: Runs) -> bool:
    """Whether nobody works at a measurement any more, or ever will."""
    if row.status == "running":
        return not is_process_alive(row.host, row.process)
    run = runs.find(row.flow_run_id) if row.flow_run_id else None
    return run is None or run.is_final


def _forget_reports() -> None:
    """Delete reports that belong to no measurement."""
    root = load_settings().path("measurements")
    if root.is_dir():
        with unit_of_work() as work:
            known = {str(key) for key in measurements.list_measurement_ids(work)}
        for folder in root.iterdir():
            if folder.name not in known:
                shutil.rmtree(folder, ignore_errors=True)
