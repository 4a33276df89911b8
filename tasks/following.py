"""Follow what forges and git say now: reconcile's cure for webhooks that never came."""

from __future__ import annotations

from collections.abc import Collection

from prefect import get_run_logger
from sqlalchemy import select

from greenroom import intake, orders
from greenroom.errors import GreenroomError
from greenroom.sources import git
from greenroom.sources.clients import open_client
from greenroom.sources.level import Living, Pull, missed_events
from greenroom.sources.rules import Rules
from greenroom.store import deployments, environments, projects, webhooks
from greenroom.store.models import Deployment, DeploymentKind, Environment, Project
from greenroom.store.work import Work, unit_of_work
from tasks.policies import step

TIMEOUT_SECONDS = 5.0
BY_MACHINES = ("webhook:", "lifetime")
"""How those begin who destroy environments without a person."""


@step
def follow_sources() -> int:
    """Bring every project's environments to what its forge and git say now; give how many events.

    Idempotent. A forge or repository that does not answer is logged, and nothing is concluded.
    """
    with unit_of_work() as work:
        names = [project.name for project in projects.list_projects(work)]
    count = 0
    for name in names:
        try:
            count += _follow(name)
        except GreenroomError as error:
            get_run_logger().warning("%s was not followed: %s", name, error.message)
    return count


def _follow(name: str) -> int:
    with unit_of_work() as work:  # before the forge is asked: what is here now, it must know
        project = projects.get_project(work, name)
        rules = Rules.from_json(project.production_branch, project.previews)
        living = [_living(work, e) for e in environments.list_environments(work, project)]
        dropped = _dropped(work, project)
        url, connection = git.check_source_url(project.source_url), _connection(project)
        if connection is None and not webhooks.has_delivery(work, project.id):
            return 0  # nobody asked us to follow it: it is deployed by hand
    pulls = _pulls(*connection) if connection is not None else None
    branches = {ref.name: ref.commit for ref in git.list_refs(url) if ref.kind == "branch"} or None
    events = missed_events(pulls, branches, living, rules, dropped)
    for event in events:
        with unit_of_work() as work:
            accepted = intake.act_on(work, projects.get_project(work, name), event)
        get_run_logger().info("%s %s: %s", name, event.kind, accepted.outcome)
        try:
            if accepted.order is not None:
                orders.start_order(accepted.order)
            if accepted.teardown is not None:
                orders.start_teardown(*accepted.teardown)
        except GreenroomError:
            pass  # it is recorded: the next round starts it
    return len(events)


def _living(work: Work, environment: Environment) -> Living:
    newest: Deployment | None = next(
        iter(deployments.list_deployments(work, environment.id, limit=1)), None
    )
    follows = ""
    if newest is not None and newest.kind == DeploymentKind.DEPLOY and environment.held_at is None:
        is_head = newest.ref == environment.git_branch
        follows = newest.commit_hash if is_head and newest.status in deployments.FINAL else ""
    return Living(
        environment.git_branch, environment.pull_number, follows, environment.from_fork
    )  # fmt: skip


def _dropped(work: Work, project: Project) -> Collection[int]:
    """Give the pull requests whose last environment a person destroyed."""
    rows = work.scalars(
        select(Environment)
        .where(Environment.project_id == project.id, Environment.pull_number.is_not(None))
        .order_by(Environment.created_at)
    )
    newest = {row.pull_number: row.destroy_requested_by for row in rows}
    return {
        n for n, by in newest.items() if n is not None and by and not by.startswith(BY_MACHINES)
    }


def _connection(project: Project) -> tuple[str, str, str, str] | None:
    token = projects.forge_token(project)
    if not project.forge or token is None:
        return None
    return project.forge, project.forge_repository, token, project.forge_api_url


def _pulls(forge: str, repository: str, token: str, api_url: str) -> list[Pull] | None:
    client = open_client(forge, repository, token, api_url=api_url, timeout_seconds=TIMEOUT_SECONDS)
    try:
        return client.list_pulls()
    except GreenroomError as error:
        get_run_logger().warning("%s's pull requests are not known: %s", repository, error.message)
        return None
    finally:
        client.close()
