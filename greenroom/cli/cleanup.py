"""``cleanup``."""

from __future__ import annotations

import time

import click

from greenroom import cleaning
from greenroom.cli.assets import octets
from greenroom.cli.main import actor
from greenroom.cli.output import command, json_option, out, printable, say_json, say_table, styled
from greenroom.store import cleanups
from greenroom.store.models import Cleanup, SyncStatus
from greenroom.store.work import unit_of_work

POLL_SECONDS = 0.4


@click.command()
@click.option("--dry-run", "is_plan", is_flag=True, help="Tell what would go; remove nothing.")
@click.option("--engine-cache", "with_engine_cache", is_flag=True,
              help="Also the engine's build cache, whoever built.")  # fmt: skip
@json_option
@command
def cleanup(is_plan: bool, with_engine_cache: bool, as_json: bool) -> None:
    """Remove what nobody needs any more: releases, images, logs, pictures, databases.

    What runs, and what any rollback or promotion needs, stays.
    """
    number = cleaning.place_cleanup(
        is_plan=is_plan, actor=actor(), with_engine_cache=with_engine_cache
    )
    while True:
        with unit_of_work() as work:
            row = cleanups.get_cleanup(work, number)
        if row.status in (SyncStatus.DONE, SyncStatus.FAILED):
            break
        time.sleep(POLL_SECONDS)
    if as_json:
        say_json(describe(row))
    else:
        _say(row)
    if row.status == SyncStatus.FAILED:
        raise SystemExit(1)


def describe(row: Cleanup) -> dict[str, object]:
    """Give a clearing for JSON."""
    names = ("number", "is_plan", "with_engine_cache", "status", "why", "requested_by",
             "requested_at", "completed_at", "freed_bytes", "report", "error")  # fmt: skip
    return {name: getattr(row, name) for name in names}


def _say(row: Cleanup) -> None:
    if row.error:
        out.print(styled(row.status))
        click.echo(f"ERROR ({row.error['error']}): {row.error['detail']}", err=True)
        return
    say_table(
        ["kind", "bytes", "what", "why", ""],
        [
            (item["kind"], octets(item["bytes"]), printable(item["name"]), item["why"],
             item["outcome"])
            for item in row.report["items"]
        ],
        "Nothing is left over.",
    )  # fmt: skip
    verb = "would be freed" if row.is_plan else "freed"
    free = octets(row.report["free_bytes"])
    out.print(f"{octets(row.freed_bytes)} {verb}; the disk has {free} free.")
    cache = row.report.get("engine_cache_bytes")
    if cache and not row.with_engine_cache:
        out.print(
            f"The engine's build cache holds {octets(cache)} that no build uses, of everybody who"
            " builds with it: greenroom cleanup --engine-cache clears it."
        )
