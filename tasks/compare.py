"""The steps of a comparison: choose pages, take and compare pictures, write the page to send."""

from __future__ import annotations

import shutil
from dataclasses import asdict, replace
from typing import Any
from urllib.parse import urlsplit

from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact

from greenroom.compare.report import markdown, render
from greenroom.compare.run import PAGE_SECONDS, VIEWPORTS, Job, run_apart
from greenroom.comparing import folder_of
from greenroom.previews import browser_cookie
from greenroom.settings import load_settings
from greenroom.store import comparisons
from greenroom.store.crypto import ensure_secret_key
from greenroom.store.models import Comparison
from greenroom.store.work import unit_of_work
from greenroom.waking import wake
from tasks.policies import step
from tasks.values import Sides


@step
def choose_pages(sides: Sides) -> Sides:
    """Give the pages: those asked for, else those that production's front page links to.

    What sleeps is woken first. Idempotent.
    """
    for address in (sides.production, sides.environment):
        wake(urlsplit(address).hostname or "")
    if sides.paths:
        return sides
    found = run_apart({"front": f"{sides.production}/"})
    return replace(sides, paths=tuple(found or ["/"]))


@step
def compare_pages(sides: Sides) -> None:
    """Compare every page at every width; what breaks is told of that page alone. Idempotent."""
    folder = folder_of(sides.comparison_id)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    pages: list[dict[str, Any]] = []
    host = urlsplit(sides.environment).hostname or ""
    cookie = browser_cookie(load_settings(), host, sides.environment, ensure_secret_key())
    for number, path in enumerate(sides.paths):
        for viewport in VIEWPORTS:
            job = Job(
                sides.production, sides.environment, path, viewport.name, str(folder),
                f"{number}-{viewport.name}", cookie,
            )  # fmt: skip
            found = run_apart(asdict(job))
            if found is None:
                failure = f"The browser did not end within {PAGE_SECONDS:g} seconds, or broke."
                found = {"path": path, "viewport": viewport.name, "verdict": "failed",
                         "failure": failure, "changes": [], "ratio": 0.0, "masks": 0,
                         "before": None, "after": None}  # fmt: skip
            pages.append(found)
            get_run_logger().info("%s %s: %s", path, viewport.name, found["verdict"])
            with unit_of_work() as work:
                work.get_one(Comparison, sides.comparison_id).pages = list(pages)


@step
def write_page(sides: Sides) -> None:
    """Write the page that can be sent to somebody, and Prefect's summary. Idempotent."""
    with unit_of_work() as work:
        row = comparisons.get_comparison(work, sides.comparison_id)
        environment, pages = row.environment, list(row.pages)
        name = f"{environment.project.name}/{environment.name}"
        title = f"{name} #{row.number}: {row.commit_hash[:12]} beside {row.production_commit[:12]}"
    folder = folder_of(sides.comparison_id)
    made = folder / "report.html.new"
    made.write_text(render(title, pages, folder), encoding="utf-8")
    made.replace(folder / "report.html")
    key = f"comparison-{sides.comparison_id}"
    create_markdown_artifact(markdown(title, pages), key=key, description=title)
