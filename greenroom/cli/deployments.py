"""``deploy``, ``rollback``, ``cancel``, ``logs``."""

from __future__ import annotations

import time
import uuid

import click

from greenroom import orders
from greenroom.cli.main import actor
from greenroom.cli.output import command, json_option, out, say_json, styled
from greenroom.errors import NotFound
from greenroom.hosting.registry import runtime_for
from greenroom.redaction import redactor_for
from greenroom.store import deployments, environments
from greenroom.store.models import Deployment, DeploymentLog, DeploymentStatus, Environment
from greenroom.store.work import unit_of_work

POLL_SECONDS = 0.4


def _print_lines(lines: list[DeploymentLog]) -> None:
    for row in lines:
        out.print(f"[bright_black]{row.section:>8}[/] ", end="")
        click.echo(row.line)


def watch(deployment_id: uuid.UUID, *, quiet: bool = False) -> Deployment:
    """Print a deployment's log as it grows, until it ends; give it."""
    last, has_ended = 0, False
    while True:
        with unit_of_work() as work:
            deployment = deployments.get_deployment(work, deployment_id)
            lines = deployments.read_log(work, deployment_id, after=last)
        if lines:
            last = lines[-1].id
            if not quiet:
                _print_lines(lines)
        elif has_ended:
            return deployment
        else:  # its last line is written right after its end: one more look
            has_ended = deployment.status in deployments.FINAL
            time.sleep(POLL_SECONDS)


def follow(order: orders.Order, *, wait: bool, as_json: bool) -> None:
    """Follow an order to its end and exit by how it ended."""
    if not as_json:
        out.print(f"[bold]{order.environment}[/] #{order.number}: {order.kind} {order.ref}")
    if not wait:
        if as_json:
            say_json(order.__dict__)
        return
    ended = watch(order.deployment_id, quiet=as_json)
    if as_json:
        say_json(
            {
                "environment": order.environment,
                "url": order.url,
                "number": ended.number,
                "status": ended.status,
                "commit_hash": ended.commit_hash,
                "phases": ended.phases,
                "error": ended.error,
            }
        )
    else:
        out.print(f"{styled(ended.status)}  {order.url}")
        if ended.error:
            click.echo(f"ERROR ({ended.error['error']}): {ended.error['detail']}", err=True)
            if ended.error["hint"]:
                click.echo(f"  {ended.error['hint']}", err=True)
    if ended.status == DeploymentStatus.FAILED:
        raise SystemExit(1)
    if ended.status == DeploymentStatus.CANCELLED:
        raise SystemExit(5)


@click.command()
@click.argument("environment")
@click.option("--ref", default="", help="Branch, tag or commit; default: its branch.")
@click.option("--no-wait", is_flag=True, help="Return when it is ordered.")
@json_option
@command
def deploy(environment: str, ref: str, no_wait: bool, as_json: bool) -> None:
    """Deploy ENVIRONMENT (<project>/<name>)."""
    order = orders.place_deploy_to(environment, ref=ref, actor=actor())
    follow(order, wait=not no_wait, as_json=as_json)


@click.command()
@click.argument("environment")
@click.option("--to", default="", help="Deployment to return to, like #3; default: the one before.")
@click.option("--no-wait", is_flag=True, help="Return when it is ordered.")
@json_option
@command
def rollback(environment: str, to: str, no_wait: bool, as_json: bool) -> None:
    """Return ENVIRONMENT to a release that served before. Migrations are not undone."""
    order = orders.place_rollback(environment, to=to, actor=actor())
    follow(order, wait=not no_wait, as_json=as_json)


@click.command()
@click.argument("environment")
@click.argument("deployment")
@command
def cancel(environment: str, deployment: str) -> None:
    """Stop DEPLOYMENT of ENVIRONMENT while it runs."""
    orders.place_cancel(environment, deployment, actor=actor())
    out.print("It is being stopped.")


def _find(reference: str) -> tuple[Environment, Deployment]:
    name, _, number = reference.partition("#")
    with unit_of_work() as work:
        try:
            environment = environments.get_environment(work, name)
        except NotFound:
            deployment = deployments.get_deployment(work, _uuid(reference))
            return work.get_one(Environment, deployment.environment_id), deployment
        if number:
            return environment, deployments.find_deployment(work, environment, number)
        newest = deployments.list_deployments(work, environment.id, limit=1)
        if not newest:
            raise NotFound(f"{name} has no deployment yet")
        return environment, newest[0]


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise NotFound(
            f"there is no environment or deployment {text!r}",
            hint="Say <project>/<environment>, <project>/<environment>#<number>, or an id.",
        ) from error


@click.command()
@click.argument("reference", metavar="ENVIRONMENT|DEPLOYMENT")
@click.option("-f", "--follow", "following", is_flag=True, help="Go on as it grows.")
@click.option("--app", is_flag=True, help="What the serving version itself writes.")
@json_option
@command
def logs(reference: str, following: bool, app: bool, as_json: bool) -> None:
    """Show the log of a deployment, by default an environment's newest."""
    environment, deployment = _find(reference)
    if app:
        _app_log(environment, following)
        return
    if following and not as_json:
        watch(deployment.id)
        return
    last, rows = 0, []
    while True:
        with unit_of_work() as work:
            part = deployments.read_log(work, deployment.id, after=last)
        if not part:
            break
        rows += part
        last = part[-1].id
    if as_json:
        say_json([{"at": r.at, "section": r.section, "line": r.line} for r in rows])
    elif rows:
        _print_lines(rows)
    else:
        click.echo(deployment.log_output)


def _app_log(environment: Environment, following: bool) -> None:
    with unit_of_work() as work:
        instance = environments.serving_instance(work, environment.id)
        redact = redactor_for(work, work.get_one(Environment, environment.id))
    if instance is None:
        raise NotFound(f"nothing serves {environment.name} now")
    for line in runtime_for(instance.runtime).read_log(instance.name, following):
        click.echo(redact(line))
