"""``assets``: production's files in staging."""

from __future__ import annotations

import time
import uuid
from typing import Any

import click

from greenroom import asset_orders
from greenroom.cli.main import actor
from greenroom.cli.output import (
    ago,
    command,
    json_option,
    out,
    printable,
    say_json,
    say_table,
    styled,
)
from greenroom.store import assets as rows_of
from greenroom.store import projects
from greenroom.store.models import AssetSync, SyncStatus
from greenroom.store.syncs import FINAL
from greenroom.store.work import unit_of_work

POLL_SECONDS = 0.5


@click.group()
def assets() -> None:
    """Files outside the code: images, uploads, in buckets and folders."""


@assets.command("plan")
@click.argument("project_name")
@click.option("--delete/--keep", "deletes", default=None, help="Whether extras would be deleted.")
@json_option
@command
def assets_plan(project_name: str, deletes: bool | None, as_json: bool) -> None:
    """List both sides and tell what a sync would do; nothing is changed."""
    order = asset_orders.place_asset_sync(
        project_name, is_plan=True, deletes=deletes, actor=actor()
    )
    _end(watch(order.sync_id, quiet=True), as_json)


@assets.command("sync")
@click.argument("project_name")
@click.option(
    "--delete/--keep", "deletes", default=None,
    help="Delete from staging what production has no more; else as the rules say.",
)  # fmt: skip
@click.option("--no-wait", is_flag=True, help="Return when it is ordered.")
@json_option
@command
def assets_sync(project_name: str, deletes: bool | None, no_wait: bool, as_json: bool) -> None:
    """Bring what differs of production's files to staging. Production is only read."""
    order = asset_orders.place_asset_sync(project_name, deletes=deletes, actor=actor())
    if no_wait:
        said = f"sync of files #{order.number} is ordered"
        say_json(order.__dict__) if as_json else out.print(said)
        return
    _end(watch(order.sync_id, quiet=as_json), as_json)


@assets.command("stop")
@click.argument("project_name")
@command
def assets_stop(project_name: str) -> None:
    """Stop the newest sync of files; what has arrived stays."""
    number = asset_orders.place_cancel_assets(project_name, actor=actor())
    out.print(f"sync of files #{number} is being stopped.")


@assets.command("list")
@click.argument("project_name")
@json_option
@command
def assets_list(project_name: str, as_json: bool) -> None:
    """List the syncs of a project's files."""
    with unit_of_work() as work:
        project = projects.get_project(work, project_name)
        found = [describe(row) for row in rows_of.list_asset_syncs(work, project)]
    if as_json:
        say_json(found)
        return
    say_table(
        ["#", "what", "status", "files", "copied", "bytes", "database of", "by", "when"],
        [
            (
                row["number"], "plan" if row["is_plan"] else "sync", row["status"],
                f"{row['totals'].get('listed', 0):,}",
                f"{row['progress'].get('done_files', 0):,}",
                octets(row["progress"].get("done_bytes", 0)),
                f"{row['snapshot_at']:%Y-%m-%d %H:%M}" if row["snapshot_at"] else "-",
                row["requested_by"], ago(row["requested_at"]),
            )
            for row in found
        ],
        f"No sync of files yet. Start one: greenroom assets sync {project_name}",
    )  # fmt: skip


@assets.command("cdn")
@click.argument("project_name")
@command
def assets_cdn(project_name: str) -> None:
    """Make staging's CDN cache nothing and keep search engines away; say what is left to do."""
    from greenroom.edge.cdn import open_cdn
    from greenroom.errors import InvalidInput

    with unit_of_work() as work:
        setting = rows_of.get_setting(work, projects.get_project(work, project_name))
        options, kept = dict(setting.cdn), rows_of.credentials_of(setting).get("cdn", {})
    if not options:
        raise InvalidInput("the project names no CDN", hint="greenroom project set-assets --cdn …")
    out.print(open_cdn(options, kept).prepare(), markup=False)


def watch(sync_id: uuid.UUID, *, quiet: bool) -> AssetSync:
    """Print how far a sync is, until it ends; give it."""
    said = ""
    while True:
        with unit_of_work() as work:
            row = rows_of.get_asset_sync(work, sync_id)
        line = progress_line(row)
        if not quiet and line != said:
            click.echo(line)
            said = line
        if row.status in FINAL:
            return row
        time.sleep(POLL_SECONDS)


def progress_line(row: AssetSync) -> str:
    """Say in a line how far a sync is."""
    if row.phase != "copy" or not row.progress:
        return {"": "waiting for the worker", "list": "listing both sides"}.get(
            row.phase, "the CDN forgets what was changed" if row.phase == "cdn" else row.phase
        )
    at = row.progress
    left = at.get("seconds_left")
    words = (
        f"{at['done_files']:,} of {at['files']:,} files,"
        f" {octets(at['done_bytes'])} of {octets(at['bytes'])}"
    )
    return words + (f", about {left:,.0f} s left" if left else "")


def octets(count: int) -> str:
    """Say a number of octets."""
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"


def describe(row: AssetSync) -> dict[str, Any]:
    """Give a sync's row for JSON."""
    names = (
        "number", "is_plan", "deletes", "status", "phase", "requested_by", "requested_at",
        "started_at", "completed_at", "listed_at", "snapshot_at", "totals", "progress", "error",
    )  # fmt: skip
    found = {name: getattr(row, name) for name in names}
    return {**found, "report": {k: v for k, v in row.report.items() if k != "changed"}}


def _end(row: AssetSync, as_json: bool) -> None:
    if as_json:
        say_json(describe(row))
    else:
        _say(row)
    if row.status == SyncStatus.FAILED:
        raise SystemExit(1)
    if row.status == SyncStatus.CANCELLED:
        raise SystemExit(5)


def _say(row: AssetSync) -> None:
    out.print(styled(row.status))
    if row.error:
        click.echo(f"ERROR ({row.error['error']}): {row.error['detail']}", err=True)
        click.echo(f"  {row.error['hint']}", err=True)
    of = row.totals
    if of:
        out.print(
            f"  {of['listed']:,} files of production, {octets(of['listed_bytes'])};"
            f" {of['same']:,} are the same"
        )
        verb = "to copy" if row.is_plan else "copied"
        done = of["copies"] if row.is_plan else row.progress.get("done_files", 0)
        size = of["copy_bytes"] if row.is_plan else row.progress.get("done_bytes", 0)
        out.print(f"  {done:,} {verb}, {octets(size)}")
        if of["extras"]:
            word = "to delete" if row.is_plan else "deleted"
            gone = of["deletes"] if row.is_plan else row.progress.get("deleted", 0)
            out.print(f"  {of['extras']:,} that production has no more, {gone:,} {word}")
    if row.is_plan:
        for act, key, size in row.report.get("sample", [])[:20]:
            click.echo(f"    {act:8} {octets(size):>10}  {printable(key)}")
    if of and of.get("strange"):
        click.echo(f"  {of['strange']:,} not copied: no text in UTF-8 names them", err=True)
        for name in row.report.get("strange", []):
            click.echo(f"    {printable(name)}", err=True)
    for line in row.report.get("refused", []):
        click.echo(f"  not copied: {printable(line)}", err=True)
