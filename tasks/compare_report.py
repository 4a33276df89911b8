"""What a comparison leaves: the page that can be sent, and the summary on Prefect's pages."""

from __future__ import annotations

import shutil
from pathlib import Path

from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact

from greenroom.compare.report import markdown, render
from greenroom.compare_verdicts import decided
from greenroom.comparing import folder_of, pictures_root
from greenroom.store import comparisons
from greenroom.store.work import unit_of_work
from tasks.policies import step
from tasks.values import Sides


def write_page(folder: Path, html: str) -> None:
    """Write a report's page as a whole or not at all: the verdict stands in the store."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        made = folder / "report.html.new"
        made.write_text(html, encoding="utf-8")
        made.replace(folder / "report.html")
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        get_run_logger().warning("the report could not be written: %s", error.strerror)


@step
def write_report(sides: Sides) -> None:
    """Write the page that can be sent to somebody, and Prefect's summary. Idempotent."""
    with unit_of_work() as work:
        row = comparisons.get_comparison(work, sides.comparison_id)
        environment = row.environment
        pages = decided(row.pages, comparisons.said_in(work, environment.project_id))
        name = f"{environment.project.name}/{environment.name}"
        with_what = {"approved": "what was approved", "merge-base": "the merge base"}.get(
            row.baseline, "production"
        )
        title = f"{name} #{row.number}: {row.commit_hash[:12]} beside {with_what}"
        title += f" {row.production_commit[:12]}" if row.production_commit else ""
    write_page(folder_of(sides.comparison_id), render(title, pages, pictures_root()))
    key = f"comparison-{sides.comparison_id}"
    create_markdown_artifact(markdown(title, pages, pictures_root()), key=key, description=title)
