"""``env``: environments."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from greenroom import orders, promotions
from greenroom.cli.deployments import follow
from greenroom.cli.life import env_approve_fork, env_extend, env_wake
from greenroom.cli.main import actor
from greenroom.cli.output import ago, command, json_option, out, say_json, say_table, styled
from greenroom.errors import InvalidInput
from greenroom.store import deployments, environments, projects
from greenroom.store.life import describe_copy
from greenroom.store.models import Deployment, Environment, EnvironmentKind
from greenroom.store.work import unit_of_work
from greenroom.variables import given_to


@click.group()
def env() -> None:
    """Environments: production, and staging for each branch."""


env.add_command(env_extend)
env.add_command(env_wake)
env.add_command(env_approve_fork)


def describe_environment(found: Environment, last: Deployment | None) -> dict[str, Any]:
    """Give an environment's row for JSON."""
    return {
        "id": str(found.id),
        "project": found.project.name,
        "name": found.name,
        "kind": found.kind,
        "url": found.url,
        "status": found.status,
        "reason": found.status_reason,
        "git_branch": found.git_branch,
        "last_deployed_commit": found.last_deployed_commit,
        "created_at": found.created_at,
        "expires_at": found.expires_at,
        "last_deployment": describe_deployment(last) if last else None,
    }


def describe_deployment(row: Deployment) -> dict[str, Any]:
    """Give a deployment's row for JSON, without its log."""
    return {
        "id": str(row.id),
        "number": row.number,
        "kind": row.kind,
        "ref": row.ref,
        "commit_hash": row.commit_hash,
        "status": row.status,
        "deployed_by": row.deployed_by,
        "requested_at": row.requested_at,
        "started_at": row.started_at,
        "completed_at": row.completed_at,
        "phases": row.phases,
        "error": row.error,
    }


@env.command("create")
@click.argument("project_name")
@click.argument("branch")
@click.option("--name", help="Default: from the branch.")
@click.option("--no-wait", is_flag=True, help="Return when it is ordered.")
@json_option
@command
def env_create(
    project_name: str, branch: str, name: str | None, no_wait: bool, as_json: bool
) -> None:
    """Create the environment of BRANCH and deploy it."""
    order = orders.place_deploy(project_name, branch, name=name, actor=actor())
    follow(order, wait=not no_wait, as_json=as_json)


@env.command("list")
@click.option("--project", "project_name")
@json_option
@command
def env_list(project_name: str | None, as_json: bool) -> None:
    """List environments."""
    with unit_of_work() as work:
        owner = projects.get_project(work, project_name) if project_name else None
        last = deployments.latest_deployments(work)
        rows = [(e, last.get(e.id)) for e in environments.list_environments(work, owner)]
    if as_json:
        say_json([describe_environment(e, d) for e, d in rows])
        return
    say_table(
        ["environment", "status", "branch", "commit", "last deployment", "address"],
        [
            (
                f"{e.project.name}/{e.name}",
                e.status,
                e.git_branch,
                (e.last_deployed_commit or "-")[:12],
                f"#{d.number} {d.status}, {ago(d.requested_at)}" if d else "-",
                e.url,
            )
            for e, d in rows
        ],
        "No environment yet. Create one: greenroom env create <project> <branch>",
    )


@env.command("show")
@click.argument("environment")
@json_option
@command
def env_show(environment: str, as_json: bool) -> None:
    """Show one environment and its deployments."""
    from greenroom.deltas import find_deltas  # numpy: a fifth of a second, which only this pays

    with unit_of_work() as work:
        found = environments.get_environment(work, environment)
        history = deployments.list_deployments(work, found.id, limit=20)
        variables = given_to(work, found)
        serving = environments.serving_instance(work, found.id)
        judgement = promotions.judge_environment(work, found)
        deltas = find_deltas(work, found, found.last_deployed_commit or "")
    if as_json:
        shown = describe_environment(found, history[0] if history else None)
        shown["deployments"] = [describe_deployment(d) for d in history]
        shown["held_by"] = found.held_by
        shown["used"] = serving.used if serving else None
        shown["review"] = {**judgement.__dict__, "words": judgement.words} if judgement else None
        shown["deltas"] = [asdict(delta) for delta in deltas]
        shown["variables"] = [
            {"name": v.name, "value": v.value, "scope": v.scope, "given_at": v.given_at}
            for v in variables
        ]
        say_json(shown)
        return
    out.print(f"[bold]{found.project.name}/{found.name}[/]  {styled(found.status)}  {found.url}")
    if found.status_reason:
        out.print(f"  {found.status_reason}", markup=False)
    if found.held_at is not None:
        out.print(
            f"  held since the rollback by {found.held_by} {ago(found.held_at)}: pushes do not"
            f" deploy it; greenroom env free {environment}", markup=False,
        )  # fmt: skip
    if found.expires_at is not None:
        out.print(
            f"  goes on {found.expires_at:%Y-%m-%d %H:%M} UTC; greenroom env extend {environment}",
            markup=False,
        )
    if serving is not None and serving.used:
        out.print(f"  {describe_copy(serving, found.kind)}", markup=False)
    if judgement is not None:
        out.print(f"  review: {judgement.words}", markup=False)
    for delta in deltas:
        out.print(f"  {delta.title.lower()}: {delta.said}", markup=False)
    commit = (found.last_deployed_commit or "nothing deployed")[:12]
    out.print(
        f"  branch {found.git_branch} at {commit}, {len(variables)} variables\n", markup=False
    )
    say_table(
        ["#", "kind", "ref", "commit", "status", "by", "when", "seconds"],
        [
            (
                d.number,
                d.kind,
                d.ref,
                d.commit_hash[:12],
                d.status,
                d.deployed_by,
                ago(d.requested_at),
                f"{(d.completed_at - d.requested_at).total_seconds():.1f}"
                if d.completed_at
                else "",
            )
            for d in history
        ],
        "No deployment yet.",
    )


@env.command("free")
@click.argument("environment")
@command
def env_free(environment: str) -> None:
    """Let pushes deploy ENVIRONMENT again, which a rollback holds."""
    was_held = orders.place_free(environment, actor=actor())
    out.print("Pushes deploy it again." if was_held else "It is not held.")


@env.command("destroy")
@click.argument("environment")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--production", is_flag=True, help="Needed to destroy production.")
@command
def env_destroy(environment: str, yes: bool, production: bool) -> None:
    """Destroy ENVIRONMENT with its own database. A database that the project named stays."""
    with unit_of_work() as work:
        found = environments.get_environment(work, environment)
        name, kind = f"{found.project.name}/{found.name}", found.kind
    if kind == EnvironmentKind.PRODUCTION and not production:
        raise InvalidInput(f"{name} is production", hint="If you mean it, add --production.")
    if not yes:
        click.confirm(f"Destroy {name} and its own database?", abort=True)
    orders.place_destroy(name, actor=actor())
    out.print(f"{name} is being destroyed.")
