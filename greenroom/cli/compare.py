"""``compare``: what differs between an environment and production."""

from __future__ import annotations

import time
import uuid
from typing import Any

import click

from greenroom.cli.main import actor
from greenroom.cli.output import command, json_option, out, say_json, say_table
from greenroom.compare.words import describe_change
from greenroom.comparing import folder_of, place_comparison
from greenroom.store import comparisons
from greenroom.store.models import Comparison
from greenroom.store.work import unit_of_work

POLL_SECONDS = 0.5
CHANGED = 9
"""Exit code where anything differs: for scripts."""


@click.command()
@click.argument("environment")
@click.option("--page", "paths", multiple=True, metavar="PATH", help="Only this page; repeatable.")
@click.option("--no-wait", is_flag=True, help="Return when it is ordered.")
@json_option
@command
def compare(environment: str, paths: tuple[str, ...], no_wait: bool, as_json: bool) -> None:
    """Compare the pages of ENVIRONMENT with production's, as a person sees them.

    Without --page: production's front page and what it links to. Ends with 9 where pages differ.
    """
    comparison_id = place_comparison(environment, paths, actor=actor())
    if no_wait:
        out.print("Ordered. The console shows it on the environment's page, under Compare.")
        return
    row = _wait(comparison_id)
    report = folder_of(comparison_id) / "report.html"
    if as_json:
        say_json({"number": row.number, "status": row.status, "pages": row.pages,
                  "error": row.error, "report": str(report)})  # fmt: skip
    else:
        _say(row)
        if report.exists():
            out.print(f"  Report   {report}", markup=False)
    if row.status == "failed" or any(page["verdict"] == "failed" for page in row.pages):
        raise SystemExit(1)
    if any(page["verdict"] != "unchanged" for page in row.pages):
        raise SystemExit(CHANGED)


def _wait(comparison_id: uuid.UUID) -> Comparison:
    while True:
        with unit_of_work() as work:
            row = comparisons.get_comparison(work, comparison_id)
        if row.status in comparisons.FINAL:
            return row
        time.sleep(POLL_SECONDS)


def _say(row: Comparison) -> None:
    if row.error:
        click.echo(f"ERROR ({row.error['error']}): {row.error['detail']}", err=True)
    say_table(
        ["page", "width", "verdict", "changes"],
        [(p["path"], p["viewport"], p["verdict"], _first(p)) for p in row.pages],
        "No page was compared.",
    )


def _first(page: dict[str, Any]) -> str:
    """Say what is first of a page's changes."""
    if page["failure"]:
        return str(page["failure"])
    if not page["changes"]:
        return ""
    more = len(page["changes"]) - 1
    said = describe_change(page["changes"][0])
    return f"{said} and {more} more" if more else said
