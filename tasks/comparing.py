"""Holding a comparison: its beginning and end, and what becomes of one that was killed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

from prefect import get_run_logger

from greenroom.compare.kept import FOLDER, forget_others, is_kept, names_in
from greenroom.compare_verdicts import APPROVED, decided, worst
from greenroom.comparing import pictures_root, start_comparison
from greenroom.deltas import open_looks
from greenroom.errors import GreenroomError, PlatformError
from greenroom.hosting.folder import check_free_bytes
from greenroom.notices import note_changed
from greenroom.runs import Runs
from greenroom.settings import load_settings
from greenroom.sources import git
from greenroom.store import comparisons
from greenroom.store.models import Comparison, Environment, now
from greenroom.store.work import Work, unit_of_work
from tasks.ending import recorded_end
from tasks.hold import HOST, is_process_alive, this_process
from tasks.policies import step
from tasks.shown import note_shown
from tasks.values import CompareRequest, Sides

FRESH_SECONDS = 3600.0
"""Pictures this young may belong to a comparison that has not told of them yet."""


@step
def begin_comparison(request: CompareRequest) -> Sides:
    """Mark a comparison as under way, and say what it compares. Idempotent.

    Errors: LimitReached (the disk is nearly full), PlatformError.
    """
    settings = load_settings()
    check_free_bytes(settings.path("comparisons"), settings.least_free_bytes)
    with unit_of_work() as work:
        row = work.get_one(Comparison, request.comparison_id, with_for_update=True)
        environment, production = note_shown(work, row)
        row.status, row.host, row.process = "running", HOST, this_process()
        row.started_at = row.started_at or now()
        row.pages = []
        return Sides(row.id, production.url, environment.url, tuple(row.paths), row.baseline)


@step
def find_baseline(sides: Sides) -> Sides:
    """Find the kept pictures that stand for production, if the comparison is with such. Idempotent.

    Where there are none it is compared with production as it is now, and the record says so.
    """
    if sides.baseline == "production":
        return sides
    with unit_of_work() as work:
        row = work.get_one(Comparison, sides.comparison_id)
        environment = work.get_one(Environment, row.environment_id)
        project = environment.project
        commits, url = (row.commit_hash, row.production_commit), project.source_url
        found = _last_approved(work, environment) if sides.baseline == "approved" else None
    if sides.baseline == "merge-base":
        base = _merge_base(url, commits, project.id)
        if base == commits[1]:
            return sides  # production is just that
        if base is not None:
            with unit_of_work() as work:
                taken = comparisons.list_of_production(work, project.id, base)
                found = next((one for one in reversed(taken) if _has_pictures(one)), None)
    with unit_of_work() as work:
        row = work.get_one(Comparison, sides.comparison_id)
        if found is None:
            row.baseline = "production"
            return replace(sides, baseline="production")
        is_approved = sides.baseline == "approved"
        row.production_commit = found.commit_hash if is_approved else found.production_commit
    side = "after" if is_approved else "before"
    return replace(sides, baseline_id=found.id, baseline_side=side)


def _has_pictures(comparison: Comparison) -> bool:
    """Whether any of its pictures of production is kept still."""
    root = pictures_root()
    return any(is_kept(root, page["before"]) for page in comparison.pages)


def _merge_base(url: str, commits: tuple[str, str], project_id: UUID) -> str | None:
    folder = load_settings().path("histories", f"{project_id}.git")
    try:
        return git.merge_base(url, *commits, folder, lambda: None)
    except GreenroomError as error:
        get_run_logger().warning("no merge base: %s", error.message)
        return None


def _last_approved(work: Work, environment: Environment) -> Comparison | None:
    """Find the newest comparison whose changes are all approved."""
    said = comparisons.said_in(work, environment.project_id)
    kept = comparisons.list_comparisons(work, environment, limit=load_settings().keep_comparisons)
    return next(
        (
            row for row in kept
            if row.status == "done" and row.pages
            and worst(decided(row.pages, said)) in (APPROVED, "unchanged")
        ),
        None,
    )  # fmt: skip


@step
def end_comparison(comparison_id: UUID, error: GreenroomError | None) -> None:
    """Record how a comparison ended, and tell what differs; forget old pictures. Idempotent."""
    with unit_of_work() as work:
        row = work.get_one(Comparison, comparison_id, with_for_update=True)
        environment = work.get_one(Environment, row.environment_id)
        is_news = comparisons.finish(row, error.as_json() if error else None)
        said = comparisons.said_in(work, environment.project_id)
        if is_news and not error and (told := open_looks(row.pages, said)):
            note_changed(work, environment, row.number, told)
    forget_pictures()


def forget_pictures() -> None:
    """Delete the reports and pictures of old comparisons, and of none. Idempotent."""
    root = pictures_root()
    if not root.is_dir():
        return
    with unit_of_work() as work:
        kept = comparisons.list_kept(work, load_settings().keep_comparisons)
        names = {name for row in kept for name in names_in(row.pages)}
    known = {str(row.id) for row in kept} | {FOLDER}
    for folder in root.iterdir():
        if folder.name not in known:
            shutil.rmtree(folder, ignore_errors=True)
    forget_others(root, names, time.time() - FRESH_SECONDS)


@contextmanager
def comparing(request: CompareRequest) -> Iterator[Sides]:
    """Record the end of a comparison, whatever it is."""
    with recorded_end(end_comparison, request.comparison_id):
        yield begin_comparison(request)


@step
def report_comparison(request: CompareRequest) -> dict[str, int]:
    """Count the verdicts, after what people said before. Idempotent."""
    with unit_of_work() as work:
        row = work.get_one(Comparison, request.comparison_id)
        environment = work.get_one(Environment, row.environment_id)
        pages = decided(row.pages, comparisons.said_in(work, environment.project_id))
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
    forget_pictures()
    return mended


def _is_lost(row: Comparison, runs: Runs) -> bool:
    """Whether nobody works at a comparison any more, or ever will."""
    if row.status == "running":
        return not is_process_alive(row.host, row.process)
    run = runs.find(row.flow_run_id) if row.flow_run_id else None
    return run is None or run.is_final
