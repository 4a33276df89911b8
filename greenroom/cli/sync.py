"""``sync``, and what is read and done about syncs: parts of the group ``data``."""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path
from typing import Any

import click

from greenroom import data_orders
from greenroom.cli.main import actor
from greenroom.cli.output import ago, command, json_option, out, say_json, say_table, styled
from greenroom.data.back import return_data
from greenroom.data.paper import render
from greenroom.data.report import is_signed, sign
from greenroom.errors import InvalidInput, NotFound
from greenroom.store import policies, projects, syncs
from greenroom.store.crypto import ensure_secret_key
from greenroom.store.models import Sync, SyncStatus
from greenroom.store.work import unit_of_work

POLL_SECONDS = 0.4


@click.command()
@click.argument("target", metavar="PROJECT|ENVIRONMENT")
@click.option("--tables", default="", help="Only these, with those they refer to; by comma.")
@click.option("--no-wait", is_flag=True, help="Return when it is ordered.")
@json_option
@command
def sync(target: str, tables: str, no_wait: bool, as_json: bool) -> None:
    """Copy production's data without its people: for an ENVIRONMENT, or for new ones of a PROJECT.

    Production is only read. The environment keeps its data until the new one is proved to hold no
    original, and its release command has run on it.
    """
    chosen = [name.strip() for name in tables.split(",") if name.strip()]
    order = data_orders.place_sync(target, tables=chosen, actor=actor())
    if no_wait:
        say_json(order.__dict__) if as_json else out.print(f"sync #{order.number} is ordered")
        return
    if not as_json:
        out.print(f"[bold]{order.environment or order.project}[/] sync #{order.number}")
    ended = watch(order.sync_id, quiet=as_json)
    _say_end(ended, as_json)


def watch(sync_id: uuid.UUID, *, quiet: bool = False) -> Sync:
    """Print a sync's log as it grows, until it ends; give it."""
    said = 0
    while True:
        with unit_of_work() as work:
            row = syncs.get_sync(work, sync_id)
        if not quiet and len(row.log_output) > said:
            click.echo(row.log_output[said:], nl=False)
            said = len(row.log_output)
        if row.status in syncs.FINAL:
            return row
        time.sleep(POLL_SECONDS)


def _say_end(ended: Sync, as_json: bool) -> None:
    if as_json:
        say_json(describe_sync(ended))
    else:
        out.print(styled(ended.status))
        if ended.error:
            click.echo(f"ERROR ({ended.error['error']}): {ended.error['detail']}", err=True)
            if ended.error["hint"]:
                click.echo(f"  {ended.error['hint']}", err=True)
        elif ended.status == SyncStatus.DONE:
            out.print(f"  Report   greenroom data report {ended.project.name}")
    if ended.status == SyncStatus.FAILED:
        raise SystemExit(1)
    if ended.status == SyncStatus.CANCELLED:
        raise SystemExit(5)


def describe_sync(row: Sync) -> dict[str, Any]:
    """Give a sync's row for JSON, without its log and report."""
    return {
        "id": str(row.id),
        "project": row.project.name,
        "environment": row.environment.name if row.environment else None,
        "number": row.number,
        "tables": row.tables,
        "status": row.status,
        "phase": row.phase,
        "requested_by": row.requested_by,
        "requested_at": row.requested_at,
        "started_at": row.started_at,
        "completed_at": row.completed_at,
        "snapshot_at": row.snapshot_at,
        "phases": row.phases,
        "progress": row.progress,
        "error": row.error,
    }


def _find(project: str, reference: str) -> Sync:
    with unit_of_work() as work:
        return syncs.find_sync(work, projects.get_project(work, project), reference)


@click.command("syncs")
@click.argument("project_name")
@json_option
@command
def data_syncs(project_name: str, as_json: bool) -> None:
    """List the syncs of a project."""
    with unit_of_work() as work:
        rows = syncs.list_syncs(work, projects.get_project(work, project_name))
        described = [describe_sync(row) for row in rows]
    if as_json:
        say_json(described)
        return
    say_table(
        ["#", "status", "for", "production as of", "rows", "by", "when"],
        [
            (
                row["number"],
                row["status"],
                row["environment"] or "new environments",
                f"{row['snapshot_at']:%Y-%m-%d %H:%M}" if row["snapshot_at"] else "-",
                f"{sum(int(t.get('rows', 0)) for t in row['progress'].values()):,}",
                row["requested_by"],
                ago(row["requested_at"]),
            )
            for row in described
        ],
        f"No sync yet. Start one: greenroom sync {project_name}",
    )


@click.command("log")
@click.argument("project_name")
@click.argument("reference", default="", metavar="[#NUMBER]")
@click.option("-f", "--follow", "following", is_flag=True, help="Go on as it grows.")
@json_option
@command
def data_log(project_name: str, reference: str, following: bool, as_json: bool) -> None:
    """Show what a sync does, table by table; by default the newest."""
    row = _find(project_name, reference)
    if following and not as_json:
        _say_end(watch(row.id), False)
        return
    if as_json:
        say_json({**describe_sync(row), "log": row.log_output.splitlines()})
        return
    click.echo(row.log_output, nl=False)
    say_table(
        ["table", "rows", "of about", "copied"],
        [
            (
                name,
                f"{t.get('rows', 0):,}",
                f"{t.get('estimated_rows', 0):,}",
                f"{t.get('octets', 0) / 1e6:,.1f} MB",
            )
            for name, t in sorted(row.progress.items())
        ],
        "No table is copied yet.",
    )
    _say_end(row, False)


@click.command("report")
@click.argument("project_name")
@click.argument("reference", default="", metavar="[#NUMBER]")
@click.option("--html", "page", type=click.Path(dir_okay=False, path_type=Path))
@json_option
@command
def data_report(project_name: str, reference: str, page: Path | None, as_json: bool) -> None:
    """Show the signed report of a sync; --html writes it as a page, --json as it is signed."""
    row = _find(project_name, reference)
    if row.report is None:
        raise NotFound(
            f"sync #{row.number} has no report: it is {row.status}",
            hint=f"greenroom data syncs {project_name}",
        )
    if page is not None:
        page.write_text(render(row.report, row.signature))
        out.print(f"Wrote {page}.")
    elif as_json:
        say_json({"report": row.report, "signature": row.signature})
    else:
        _say_report(row.report)


def _say_report(report: dict[str, Any]) -> None:
    proof = report["proof"]
    out.print(f"[bold]{report['project']}[/] sync #{report['sync']},", end=" ")
    out.print(f"production as of {report['production_as_of'][:19]}", markup=False)
    out.print(
        f"  {proof['patterns']:,} patterns looked for in {proof['scanned_octets']:,} bytes:"
        f" {proof['originals_found']} originals found"
    )
    rows = [
        (f"{t['table']}.{c['column']}", c.get("method", "-"),
         f"{c.get('distinct_in_production', ''):,}" if "distinct_in_production" in c else "",
         c.get("why", ""))
        for t in report["tables"] for c in t["columns"]
        if t["rows_wanted"] == "all" and c.get("method") not in ("keep", "generated")
    ]  # fmt: skip
    say_table(["masked column", "becomes", "distinct", "why"], rows, "No column is masked.")
    for text in report["risks"]:
        out.print(f"  • {text}", markup=False)


@click.command("verify")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@command
def data_verify(file: Path) -> None:
    """Check the signature of a report that `greenroom data report --json` wrote to FILE."""
    try:
        known = json.loads(file.read_text())
        report, signature = known["report"], known["signature"]
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(
            f"{file} is no report", hint="greenroom data report <project> --json > report.json"
        ) from error
    if not is_signed(report, signature):
        raise InvalidInput("the report was changed after it was signed")
    ours = sign(report, ensure_secret_key())["public_key"] == signature["public_key"]
    out.print("The signature fits." + ("" if ours else " It is another platform's key:"))
    if not ours:
        out.print(f"  {signature['public_key']}", markup=False)


@click.command("stop")
@click.argument("project_name")
@click.argument("reference", default="", metavar="[#NUMBER]")
@command
def data_stop(project_name: str, reference: str) -> None:
    """Stop a sync while it runs; by default the newest. Staging keeps what it has."""
    number = data_orders.place_cancel_sync(project_name, reference, actor=actor())
    out.print(f"sync #{number} is being stopped.")


@click.command("back")
@click.argument("project_name")
@command
def data_back(project_name: str) -> None:
    """Return to the anonymized data before the last sync; again, to the newer one."""
    return_data(project_name, actor=actor())
    out.print(f"New environments of {project_name} get the data of before; others keep theirs.")


@click.command("rotate-key")
@click.argument("project_name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@command
def data_rotate_key(project_name: str, yes: bool) -> None:
    """Make a new key: from the next sync on everybody is somebody else."""
    with unit_of_work() as work:
        project = projects.get_project(work, project_name)
    if not yes:
        click.confirm("Nobody can be traced from old copies to new ones then. Go on?", abort=True)
    with unit_of_work() as work:
        policies.rotate_pseudonym_key(work, project, by=actor())
    out.print("Made a new key; the old one is deleted.")


COMMANDS = (
    data_syncs, data_log, data_report, data_verify, data_stop, data_back, data_rotate_key,
)  # fmt: skip
"""What the group ``data`` has of syncs."""
