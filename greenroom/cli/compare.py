"""``compare``: what differs between an environment and production."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import click

from greenroom.cli.main import actor
from greenroom.cli.output import (
    command,
    json_option,
    out,
    say_done,
    say_json,
    say_ordered,
    say_table,
)
from greenroom.compare.words import describe_change, describe_ignored, describe_view
from greenroom.compare_rules import BASELINES
from greenroom.compare_verdicts import APPROVED, REJECTED, decided, said_of, signatures, worst
from greenroom.comparing import (
    decide_changes,
    folder_of,
    heed_part,
    ignore_part,
    place_comparison,
)
from greenroom.store import comparisons, environments
from greenroom.store.models import Comparison
from greenroom.store.work import unit_of_work

POLL_SECONDS = 0.5
CHANGED = 9
"""Exit code where anything differs: for scripts."""


class Box(click.ParamType[tuple[int, ...]]):
    """A place on a page."""

    name = "LEFT,TOP,WIDTH,HEIGHT"

    def convert(self, value: Any, *_: Any) -> tuple[int, ...]:
        """Read four whole numbers."""
        try:
            left, top, width, height = map(int, value.split(","))
        except ValueError:
            self.fail(f"{value!r} is no place on a page; one looks like 0,120,300,80")
        return left, top, width, height


@click.command()
@click.argument("environment")
@click.option("--page", "paths", multiple=True, metavar="PATH", help="Only this page; repeatable.")
@click.option(
    "--baseline", type=click.Choice(BASELINES),
    help="What it is compared with; else what the project says.",
)  # fmt: skip
@click.option("--no-wait", is_flag=True, help="Return when it is ordered.")
@json_option
@command
def compare(
    environment: str, paths: tuple[str, ...], baseline: str | None, no_wait: bool, as_json: bool
) -> None:
    """Compare the pages of ENVIRONMENT with production's, as a person sees them.

    Without --page: what the project's rules find. Ends with 0 where nothing differs or all of it is
    approved, 9 where something waits for a decision or was rejected, 1 where a page failed.
    """
    comparison_id = place_comparison(environment, paths, baseline=baseline or "", actor=actor())
    if no_wait:
        say_ordered("Compare", _number(comparison_id), as_json)
        return
    row = _wait(comparison_id)
    with unit_of_work() as work:
        said = comparisons.said_in(work, row.environment.project_id)
    pages = decided(row.pages, said)
    report = folder_of(comparison_id) / "report.html"
    if as_json:
        say_json({"number": row.number, "status": row.status, "verdict": worst(pages),
                  "baseline": row.baseline, "pages": pages, "error": row.error,
                  "report": str(report)})  # fmt: skip
    else:
        _say(row, pages)
        if report.exists():
            out.print(f"  Report   {report}", markup=False)
    if row.status == "failed" or any(page["verdict"] == "failed" for page in pages):
        raise SystemExit(1)
    if worst(pages) not in (APPROVED, "unchanged"):
        raise SystemExit(CHANGED)


@click.command()
@click.argument("environment")
@click.option("--number", type=int, default=0, help="Of the comparison; else the newest.")
@click.option("--approve", "verdict", flag_value=APPROVED, help="Approve.")
@click.option("--reject", "verdict", flag_value=REJECTED, help="Reject.")
@click.option("--page", "path", default="", metavar="PATH", help="Only this page's.")
@click.option("--change", default="", metavar="ID", help="Only this one, wherever it shows.")
@click.option("--note", default="", help="Why.")
@json_option
@command
def changes(
    environment: str, number: int, verdict: str | None, path: str, change: str, note: str,
    as_json: bool,
) -> None:  # fmt: skip
    """List what the newest comparison of ENVIRONMENT found, and approve or reject it.

    What is decided is not asked again as long as the change stays the same.
    """
    if verdict:
        count = decide_changes(
            environment, verdict, number=number, path=path, signature=change, note=note,
            actor=actor(),
        )  # fmt: skip
        out.print(f"{count} {'change' if count == 1 else 'changes'} {verdict}.")
        return
    with unit_of_work() as work:
        found = environments.get_environment(work, environment)
        row = comparisons.find_comparison(work, found, number)
        said = comparisons.said_in(work, found.project_id)
    listed = [
        (page["path"], page, word or "open", told, key)
        for page in row.pages
        for told, word, key in zip(
            _asked(page), said_of(page, said), signatures(page), strict=True
        )
    ]  # fmt: skip
    if as_json:
        say_json([
            {"page": path, "viewport": page["viewport"], "state": page.get("state", ""),
             "scheme": page.get("scheme", "light"), "said": word, "what": told, "id": key}
            for path, page, word, told, key in listed
        ])  # fmt: skip
        return
    rows = [(path, describe_view(page), *more) for path, page, *more in listed]
    say_table(["page", "width", "said", "what", "id"], rows, "Nothing differs.")


def _asked(page: Mapping[str, Any]) -> list[str]:
    """Say what people are asked about a page, in the order of its fingerprints."""
    if page["verdict"] in ("new", "gone"):
        return [str(page["verdict"])]
    if page["verdict"] != "changed":
        return []
    more = [f"{page['left_out']} more"] if page.get("left_out") else []
    return [*(describe_change(one) for one in page["changes"]), *more]


@click.command()
@click.argument("environment")
@click.option("--selector", default="", help="An element: `.ticker`, `#map`.")
@click.option("--box", type=Box(), help="A place in pixels of the picture.")
@click.option("--page", default="*", metavar="PATH", help="On these pages only: `/shop/*`.")
@click.option("--viewport", default="", help="At this width only: `phone`.")
@click.option("--heed", "heeded", type=click.UUID, metavar="ID", help="Let this one count again.")
@json_option
@command
def ignore(
    environment: str, selector: str, box: tuple[int, ...] | None, page: str, viewport: str,
    heeded: uuid.UUID | None, as_json: bool,
) -> None:  # fmt: skip
    """Let a part of the pages of ENVIRONMENT's project count no longer; without options: list them.

    It holds from the next comparison on, for every environment of the project. What
    `compare.ignore` in greenroom.yaml names is listed there.
    """
    if heeded and (selector or box):
        raise click.UsageError("--heed lets a part count again: say it alone.")
    if (page != "*" or viewport) and not (selector or box):
        raise click.UsageError("Say what does not count there: --selector or --box.")
    if heeded:
        heed_part(environment, heeded, actor=actor())
        say_done("It counts again from the next comparison on.", as_json)
        return
    if selector or box:
        made = ignore_part(
            environment, page=page, viewport=viewport, selector=selector, box=box, actor=actor()
        )
        say_done("It does not count from the next comparison on.", as_json, id=str(made))
        return
    with unit_of_work() as work:
        project_id = environments.get_environment(work, environment).project_id
        rows = comparisons.list_ignored(work, project_id)
    if as_json:
        say_json([{"id": row.id, **row.rule, "by": row.created_by} for row in rows])
        return
    told = [(describe_ignored(row.rule), row.created_by, row.id) for row in rows]
    say_table(["what", "by", "id"], told, "Everything counts.")


def _number(comparison_id: uuid.UUID) -> int:
    with unit_of_work() as work:
        return comparisons.get_comparison(work, comparison_id).number


def _wait(comparison_id: uuid.UUID) -> Comparison:
    while True:
        with unit_of_work() as work:
            row = comparisons.get_comparison(work, comparison_id)
        if row.status in comparisons.FINAL:
            return row
        time.sleep(POLL_SECONDS)


def _say(row: Comparison, pages: Sequence[dict[str, Any]]) -> None:
    if row.error:
        click.echo(f"ERROR ({row.error['error']}): {row.error['detail']}", err=True)
    say_table(
        ["page", "width", "verdict", "changes"],
        [(p["path"], describe_view(p), p["verdict"], _first(p)) for p in pages],
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
