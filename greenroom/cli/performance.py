"""``performance``: what loads slower in an environment than in production."""

from __future__ import annotations

import time
import uuid

import click

from greenroom.cli.main import actor
from greenroom.cli.output import command, json_option, out, say_json, say_ordered, say_table
from greenroom.compare.lighthouse_words import ADVICE, score_rows
from greenroom.compare.speed_words import is_regression, say_page, say_verdict
from greenroom.measuring import measurement_folder, place_measurement
from greenroom.store import measurements
from greenroom.store.comparisons import FINAL
from greenroom.store.models import Measurement
from greenroom.store.work import unit_of_work

POLL_SECONDS = 0.5
SLOWER = 9
"""Exit code where a page is slower or over its budget: for scripts."""


@click.command()
@click.argument("environment")
@click.option("--page", "paths", multiple=True, metavar="PATH", help="Only this page; repeatable.")
@click.option("--lighthouse", "with_lighthouse", is_flag=True,
              help="Run Lighthouse too, on three pages: takes minutes.")  # fmt: skip
@click.option("--no-wait", is_flag=True, help="Return when it is ordered.")
@json_option
@command
def performance(
    environment: str, paths: tuple[str, ...], with_lighthouse: bool, no_wait: bool, as_json: bool
) -> None:
    """Measure how fast the pages of ENVIRONMENT load beside production's; production alone.

    Without --page: production's front page and what it links to. Ends with 9 where a page is slower
    than production's or over its budget.
    """
    made = place_measurement(environment, paths, actor=actor(), with_lighthouse=with_lighthouse)
    if no_wait:
        with unit_of_work() as work:
            number = measurements.get_measurement(work, made).number
        say_ordered("Performance", number, as_json)
        return
    row = _wait(made)
    report = measurement_folder(made) / "report.html"
    if as_json:
        say_json({"number": row.number, "status": row.status, "verdict": row.verdict,
                  "pages": row.pages, "error": row.error, "report": str(report)})  # fmt: skip
    else:
        _say(row)
        if report.exists():
            out.print(f"  Report   {report}", markup=False)
    if is_regression(row.verdict):
        raise SystemExit(SLOWER)
    if row.status == "failed" or any(page["verdict"] == "failed" for page in row.pages):
        raise SystemExit(1)


def _wait(measurement_id: uuid.UUID) -> Measurement:
    while True:
        with unit_of_work() as work:
            row = measurements.get_measurement(work, measurement_id)
        if row.status in FINAL:
            return row
        time.sleep(POLL_SECONDS)


def _say(row: Measurement) -> None:
    if row.error:
        click.echo(f"ERROR ({row.error['error']}): {row.error['detail']}", err=True)
        if row.error["hint"]:
            click.echo(f"  {row.error['hint']}", err=True)
    say_table(
        ["page", "device", "verdict", "what"],
        [(p["path"], p["viewport"], say_verdict(p["verdict"]), say_page(p)) for p in row.pages
         if p["verdict"]],
        "No page was measured.",
    )  # fmt: skip
    for page in row.pages:
        found = page["lighthouse"]
        if not found:
            continue
        out.print(f"\nLighthouse, {page['path']} {page['viewport']}", markup=False)
        if found["failure"]:
            out.print(f"  {found['failure']}", markup=False)
            continue
        say_table(["", "production", "here", ""], score_rows(found), "")
        for key in ("new", "gone"):
            for advice in found["advice"][key]:
                out.print(f"  {ADVICE[key]}: {advice['title']} {advice['said']}", markup=False)
