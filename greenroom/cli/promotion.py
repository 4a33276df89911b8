"""``approve``, ``request-changes``, ``promote``, ``backup``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from greenroom import promotions
from greenroom.cli.deployments import follow
from greenroom.cli.main import actor
from greenroom.cli.output import ago, command, json_option, out, say_json, say_table
from greenroom.data.backup import open_backup
from greenroom.errors import AlreadyExists, InvalidInput
from greenroom.store import approvals, projects
from greenroom.store.states import Verdict
from greenroom.store.work import unit_of_work

page_option = click.option("--page", default="", help="Say it of one page, like /shop.")


def _say(reference: str, verdict: Verdict, note: str, page: str, as_json: bool) -> None:
    judgement = promotions.place_verdict(reference, verdict, note, page=page, actor=actor())
    if as_json:
        say_json({**judgement.__dict__, "is_open": judgement.is_open, "words": judgement.words})
        return
    out.print(f"Recorded. {judgement.words[:1].upper()}{judgement.words[1:]}.", markup=False)
    if judgement.is_open:
        out.print(f"It goes live with: greenroom promote {reference}", markup=False)


@click.command()
@click.argument("environment")
@click.option("--note", default="", help="What you say about it.")
@click.option("--withdraw", is_flag=True, help="Take back what you said before.")
@page_option
@json_option
@command
def approve(environment: str, note: str, withdraw: bool, page: str, as_json: bool) -> None:
    """Approve the very artifact that ENVIRONMENT shows now, or one page of it."""
    verdict = Verdict.WITHDRAWN if withdraw else Verdict.APPROVED
    _say(environment, verdict, note, page, as_json)


@click.command("request-changes")
@click.argument("environment")
@click.option("--note", required=True, help="What shall change.")
@page_option
@json_option
@command
def request_changes(environment: str, note: str, page: str, as_json: bool) -> None:
    """Say that what ENVIRONMENT shows must not go live as it is."""
    _say(environment, Verdict.CHANGES, note, page, as_json)


@click.command()
@click.argument("environment")
@click.option("--no-wait", is_flag=True, help="Return when it is ordered.")
@json_option
@command
def promote(environment: str, no_wait: bool, as_json: bool) -> None:
    """Bring the very artifact that ENVIRONMENT shows to production. Nothing is built.

    It needs the approvals that the project asks for: `greenroom project set-production`.
    """
    order = promotions.place_promotion(environment, actor=actor())
    follow(order, wait=not no_wait, as_json=as_json)


@click.group()
def backup() -> None:
    """Production's databases as they were before a promotion's release command; encrypted."""


@backup.command("list")
@click.argument("project_name")
@json_option
@command
def backup_list(project_name: str, as_json: bool) -> None:
    """List the backups of PROJECT_NAME's production."""
    with unit_of_work() as work:
        rows: list[dict[str, Any]] = [
            {
                "before": f"#{row.deployment.number}",
                "commit_hash": row.deployment.commit_hash,
                "created_at": row.created_at,
                "tables": row.tables,
                "size_bytes": row.size_bytes,
                "digest": row.digest,
            }
            for row in approvals.list_backups(work, projects.get_project(work, project_name))
        ]
    if as_json:
        say_json(rows)
        return
    say_table(
        ["before", "commit", "when", "tables", "bytes"],
        [
            (r["before"], str(r["commit_hash"])[:12], ago(r["created_at"]), r["tables"],
             f"{r['size_bytes']:,}")
            for r in rows
        ],
        "No backup yet: one is made before a promotion that has a release command.",
    )  # fmt: skip


@backup.command("write")
@click.argument("project_name")
@click.argument("deployment")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@command
def backup_write(project_name: str, deployment: str, file: Path) -> None:
    """Decrypt the backup from before production's DEPLOYMENT (#12) into FILE; - is the output.

    FILE is an archive for pg_restore. It holds people: delete it when it has served.
    """
    number = deployment.removeprefix("#")
    if not number.isdigit():
        raise InvalidInput(f"{deployment!r} is no deployment's number", hint="Say it like #12.")
    parts = open_backup(project_name, int(number), actor=actor())
    if str(file) == "-":
        for part in parts:
            sys.stdout.buffer.write(part)
        return
    if file.exists():
        raise AlreadyExists(f"{file} exists already")
    file.touch(mode=0o600)
    try:
        with file.open("wb") as target:
            for part in parts:
                target.write(part)
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    out.print(f"Wrote {file}. Restore it with: pg_restore --clean --dbname=<database> {file}")
