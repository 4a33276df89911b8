"""Taking a version back by itself, when what it answers is worse than what was there before."""

from __future__ import annotations

from uuid import UUID

from greenroom import orders
from greenroom.errors import GreenroomError, HealthCheckFailed
from greenroom.notices import note_failed
from greenroom.runs import Runs
from greenroom.store import deployments
from greenroom.store.models import (
    Deployment,
    DeploymentKind,
    DeploymentStatus,
    Environment,
    Instance,
    InstanceState,
)
from greenroom.store.work import unit_of_work

ACTOR = "watch"
LEAST_FAILURES = 5
"""Fewer may be chance."""
LEAST_RATIO = 0.1
RISE = 2.0
"""So many times the share of before, and ``LEAST_RATIO / 2`` on top, is a rise."""


def is_worse(before: tuple[int, int], after: tuple[int, int]) -> bool:
    """Whether failures rose between two counts of ``(answered, failed)``. Pure.

    >>> is_worse((100, 0), (20, 5)), is_worse((100, 50), (20, 10)), is_worse((0, 0), (4, 4))
    (True, False, False)
    """
    answered, failed = after
    if failed < LEAST_FAILURES:
        return False
    ratio, known = failed / answered, before[1] / before[0] if before[0] else 0.0
    return ratio >= LEAST_RATIO and ratio >= known * RISE + LEAST_RATIO / 2


def take_back(instance_id: UUID, reason: str, runs: Runs | None = None) -> str:
    """Order the return to the version before a copy's, and record why; say what was done.

    Nothing is done where it does not serve any more, or is itself a rollback. Pushes do not deploy
    the environment until somebody frees it. Idempotent.
    """
    with unit_of_work() as work:
        copy = work.get(Instance, instance_id)
        if copy is None or copy.state != InstanceState.SERVING:
            return "it serves no more"
        deployment = work.get_one(Deployment, copy.deployment_id, with_for_update=True)
        environment = work.get_one(Environment, copy.environment_id)
        is_new = deployment.kind != DeploymentKind.ROLLBACK and deployment.error is None
        if not is_new or deployment.status != DeploymentStatus.LIVE:
            return "it is left as it is"
        try:
            order = orders.record_rollback(work, environment, actor=ACTOR)
        except GreenroomError as error:
            return f"nothing to return to: {error.message}"
        taken = HealthCheckFailed(
            f"it was taken back: {reason}",
            hint="Pushes do not deploy this environment until it is freed: greenroom env free"
            f" {order.environment}",
        )
        deployment.error = {**taken.as_json(), "log_tail": ""}
        deployments.append_log(work, deployment.id, "watch", [f"taken back: {reason}"])
        note_failed(work, environment, deployment)
    try:
        orders.start_order(order, runs)
    except GreenroomError:
        return "its return is recorded, and starts within a minute"
    return f"it returns to {order.ref}"
