"""What an event from outside leads to: decided by the project's rules, recorded in the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from greenroom import orders
from greenroom.errors import AlreadyExists
from greenroom.sources.events import Event
from greenroom.sources.rules import Action, Decision, Rules, decide
from greenroom.store import deployments, environments
from greenroom.store.models import (
    DeploymentKind,
    DeploymentStatus,
    Environment,
    EnvironmentStatus,
    Project,
)
from greenroom.store.work import Work

WAITS = "a stranger's code waits for a member: greenroom env approve-fork"


@dataclass(frozen=True)
class Accepted:
    """What an event led to, and what is to be started for it."""

    outcome: dict[str, Any]
    is_repeated: bool = False
    order: orders.Order | None = None
    teardown: tuple[Any, str] | None = None
    also: tuple[Accepted, ...] = ()
    """What the further events of the same delivery led to."""


def act_on(work: Work, project: Project, event: Event) -> Accepted:
    """Decide what an event leads to, and record that."""
    living = environments.list_environments(work, project)
    branches = frozenset(e.git_branch for e in living)
    rules = Rules.from_json(project.production_branch, project.previews)
    decision = decide(event, rules, branches)
    outcome: dict[str, Any] = {"action": decision.action, "reason": decision.reason}
    actor = f"webhook:{event.author or 'unknown'}"
    match decision.action:
        case Action.DEPLOY:
            environment = environments.ensure_environment(
                work, project, decision.branch, actor=actor
            )
            if event.number is not None:
                environment.pull_number = event.number
            why = orders.why_not_deployed(environment) or _why_held(environment)
            if why:
                return Accepted({"action": Action.NOTHING, "reason": why})
            known = _known(work, environment, decision.commit)
            order = known or orders.record_deploy(
                work, environment, commit=decision.commit, actor=actor
            )
            outcome |= {
                "environment": order.environment,
                "url": order.url,
                "deployment": order.number,
            }
            return Accepted(outcome, order=None if known else order)
        case Action.ASK:
            environment = _ask_first(work, project, event, decision, actor)
            outcome |= {
                "environment": f"{project.name}/{environment.name}", "url": environment.url,
            }  # fmt: skip
        case Action.TEARDOWN:
            environment = next(e for e in living if e.git_branch == decision.branch)
            orders.record_destroy(work, environment, actor=actor)
            name = f"{project.name}/{environment.name}"
            return Accepted({**outcome, "environment": name}, teardown=(environment.id, name))
    return Accepted(outcome)


def _known(work: Work, environment: Environment, commit: str) -> orders.Order | None:
    """Give the newest order if it is for this very commit, and stands.

    A push is told by its webhook, by the pull request's, and by ``reconcile`` that looks itself.
    """
    newest = next(iter(deployments.list_deployments(work, environment.id, limit=1)), None)
    if newest is None or not commit or newest.commit_hash != commit:
        return None
    if newest.kind != DeploymentKind.DEPLOY or newest.cancel_requested_at is not None:
        return None
    stands = newest.status not in deployments.FINAL or newest.status == DeploymentStatus.LIVE
    return orders.order_of(environment, newest) if stands else None


def _ask_first(
    work: Work, project: Project, event: Event, decision: Decision, actor: str
) -> Environment:
    """Give the environment of a stranger's pull request; it waits until a member says yes.

    A new commit is a new question: what was approved was the one before.
    """
    number = event.number or 0
    try:
        environment = environments.ensure_environment(
            work, project, decision.branch, name=f"pr-{number}", actor=actor
        )
    except AlreadyExists:
        environment = environments.ensure_environment(work, project, decision.branch, actor=actor)
    environment.from_fork, environment.pull_number = True, event.number
    environment.fork_approved_by = ""
    if environment.status == EnvironmentStatus.BUILDING and environment.release_id is None:
        environment.status_reason = WAITS
    return environment


def _why_held(environment: Environment) -> str:
    if environment.held_at is None:
        return ""
    return f"held since the rollback by {environment.held_by}; somebody must free it"
