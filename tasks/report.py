"""How a deployment ended, for whoever watches Prefect."""

from __future__ import annotations

from typing import Any

from prefect.client.schemas.objects import State
from prefect.states import Cancelled

from greenroom.store import deployments
from greenroom.store.models import DeploymentStatus, Environment
from greenroom.store.work import unit_of_work
from tasks.policies import step
from tasks.values import DeployRequest, Outcome


@step
def outcome(request: DeployRequest) -> Outcome:
    """Read how a deployment ended. Idempotent."""
    with unit_of_work() as work:
        deployment = deployments.get_deployment(work, request.deployment_id)
        environment = work.get_one(Environment, request.environment_id)
        ended, begun = deployment.completed_at, deployment.requested_at
        return Outcome(
            environment=request.environment,
            url=environment.url,
            number=deployment.number,
            status=deployment.status,
            commit=deployment.commit_hash,
            seconds=(ended - begun).total_seconds() if ended else 0.0,
        )


def report(request: DeployRequest) -> Outcome | State[Any]:
    """Give a flow's result: one that was overtaken ends *cancelled*, not *failed*."""
    result = outcome(request)
    if result.status == DeploymentStatus.CANCELLED:
        return Cancelled(message=f"deployment #{result.number} was overtaken or cancelled")
    return result
