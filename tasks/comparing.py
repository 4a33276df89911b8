"""Holding a comparison: its beginning and end, and what becomes of one that was killed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from greenroom.comparing import folder_of, start_comparison
from greenroom.errors import GreenroomError, PlatformError
from greenroom.runs import Runs
from greenroom.settings import load_settings
from greenroom.store import comparisons
from greenroom.store.models import Comparison, Environment, now
from greenroom.store.work import unit_of_work
from tasks.hold import HOST, is_process_alive, this_process
from tasks.policies import step
from tasks.values import CompareRequest, Sides

KEPT = 10
"""Comparisons of an environment whose pictures are kept."""


@step
def begin_comparison(request: CompareRequest) -> Sides:
    """Mark a comparison as under way, and say what it compares. Idempotent."""
    with unit_of_work() as work:
        row = work.get_one(Comparison, request.comparison_id, with_for_update=True)
        environment = work.get_one(Environment, row.environment_id)
        production = comparisons.production_of(work, environment.project)
        if production is None:
            raise PlatformError("production shows nothing any more")
        row.status, row.host, row.process = "running", HOST, this_process()
        row.started_at = row.started_at or now()
        row.commit_hash = environment.last_deployed_commit or ""
        row.production_commit = production.last_deployed_commit or ""
        row.pages = []
        return Sides(row.id, production.url, environment.url, tuple(row.paths))


@step
def end_comparison(comparison_id: UUID, error: GreenroomError | None) -> None:
    """Record how a comparison ended; forget the pictures of old ones. Idempotent."""
    with unit_of_work() as work:
        row = work.get_one(Comparison, comparison_id, with_for_update=True)
        comparisons.finish(row, error.as_json() if error else None)
        environment = work.get_one(Environment, row.environment_id)
        old = comparisons.list_comparisons(work, environment, limit=1000)[KEPT:]
    for each in old:
        shutil.rmtree(folder_of(each.id), ignore_errors=True)


@contextmanager
def comparing(request: CompareRequest) -> Iterator[Sides]:
    """Record the end of a comparison, whatever it is."""
    try:
        yield begin_comparison(request)
    except GreenroomError as error:
        end_comparison(request.comparison_id, error)
        raise
    except BaseException as error:
        unknown = PlatformError(f"unexpected {type(error).__name__}")
        end_comparison.fn(request.comparison_id, unknown)  # the engine may be going down
        raise
    else:
        end_comparison(request.comparison_id, None)


@step
def report_comparison(request: CompareRequest) -> dict[str, int]:
    """Count the verdicts. Idempotent."""
    with unit_of_work() as work:
        pages = work.get_one(Comparison, request.comparison_id).pages
    counts: dict[str, int] = {}
    for page in pages:
        counts[page["verdict"]] = counts.get(page["verdict"], 0) + 1
    return counts


@step
def repair_comparisons() -> int:
    """Start what was recorded and has no run; end what nobody works at. Idempotent."""
    with unit_of_work() as work:
        unfinished = comparisons.list_unfinished(work)
    mended, runs = 0, Runs()
    for row in unfinished:
        if row.flow_run_id is None:
            start_comparison(row.id, runs)
        elif _is_lost(row, runs):
            error = PlatformError("the run was killed before it ended", hint="Compare again.")
            end_comparison.fn(row.id, error)
        else:
            continue
        mended += 1
    _forget_lost()
    return mended


def _is_lost(row: Comparison, runs: Runs) -> bool:
    """Whether nobody works at a comparison any more, or ever will."""
    if row.status == "running":
        return not is_process_alive(row.host, row.process)
    run = runs.find(row.flow_run_id) if row.flow_run_id else None
    return run is None or run.is_final


def _forget_lost() -> None:
    """Delete pictures that belong to no comparison."""
    root = load_settings().path("comparisons")
    if root.is_dir():
        with unit_of_work() as work:
            known = {str(key) for key in comparisons.list_ids(work)}
        for folder in root.iterdir():
            if folder.name not in known:
                shutil.rmtree(folder, ignore_errors=True)
