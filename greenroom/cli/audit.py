"""``audit``: who did what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import click

from greenroom.cli.output import ago, command, json_option, say_json, say_table
from greenroom.store import environments, projects
from greenroom.store.audit import list_audit
from greenroom.store.work import unit_of_work


@click.command()
@click.option("--project", "project_name", help="Only of this project.")
@click.option("--env", "environment", help="Only of this environment.")
@click.option("--by", "who", default="", help="Only of this person or token.")
@click.option("--act", default="", help="Only acts that begin so: deployment, link.create")
@click.option("--days", type=click.IntRange(1), help="Only of the last days.")
@click.option("--limit", type=click.IntRange(1, 5000), default=50, show_default=True)
@json_option
@command
def audit(
    project_name: str | None, environment: str | None, who: str, act: str, days: int | None,
    limit: int, as_json: bool,
) -> None:  # fmt: skip
    """Show who did what, the newest first."""
    with unit_of_work() as work:
        rows: list[dict[str, Any]] = [
            {
                "id": row.id, "at": row.at, "actor": row.actor, "act": row.action,
                "subject": row.subject, "detail": row.detail,
            }
            for row in list_audit(
                work, actor=who, action=act, limit=limit,
                environment_id=(
                    environments.get_environment(work, environment).id if environment else None
                ),
                project=projects.get_project(work, project_name) if project_name else None,
                since=datetime.now(UTC) - timedelta(days=days) if days else None,
            )
        ]  # fmt: skip
    if as_json:
        say_json(rows)
        return
    say_table(
        ["when", "who", "did", "what"],
        [(ago(r["at"]), r["actor"], r["act"], r["subject"]) for r in rows],
        "Nothing.",
    )
