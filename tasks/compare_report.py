"""What a comparison leaves: the page that can be sent, and the summary on Prefect's pages."""

from __future__ import annotations

from prefect.artifacts import create_markdown_artifact

from greenroom.compare.report import markdown, render
from greenroom.compare_verdicts import decided
from greenroom.comparing import folder_of, pictures_root
from greenroom.store import comparisons
from greenroom.store.work import unit_of_work
from tasks.policies import step
from tasks.values import Sides


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
    folder = folder_of(sides.comparison_id)
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / "report.html.new"
    made.write_text(render(title, pages, pictures_root()), encoding="utf-8")
    made.replace(folder / "report.html")
    key = f"comparison-{sides.comparison_id}"
    create_markdown_artifact(markdown(title, pages, pictures_root()), key=key, description=title)
