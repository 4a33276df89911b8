"""What follows a deployment: a comparison of what it shows with production."""

from __future__ import annotations

from prefect import get_run_logger

from greenroom.compare.installed import has_browser
from greenroom.comparing import AFTER_DEPLOYMENT, is_wanted_after_deployment, place_comparison
from greenroom.errors import GreenroomError
from greenroom.store import comparisons, deployments, environments
from greenroom.store.models import DeploymentStatus, Environment
from greenroom.store.work import unit_of_work
from tasks.policies import step
from tasks.values import DeployRequest


@step
def order_comparison(request: DeployRequest) -> None:
    """Order a comparison after a deployment, where the project wants one. Idempotent.

    What keeps it from being ordered is in the run's log: a deployment does not fail by it.
    """
    try:
        with unit_of_work() as work:
            environment = work.get_one(Environment, request.environment_id)
            deployment = deployments.get_deployment(work, request.deployment_id)
            if deployment.status != DeploymentStatus.LIVE:
                return
            if not is_wanted_after_deployment(work, environment):
                return
            if not has_browser():
                get_run_logger().warning(
                    "its pages are not compared with production's: there is no browser here;"
                    " 'playwright install chromium' gets one"
                )
                return
            is_waiting = any(
                row.environment_id == environment.id and row.status == "queued" and not row.paths
                for row in comparisons.list_unfinished(work)
            )
        if not is_waiting:  # one that waits will see what is shown when its turn comes
            place_comparison(request.environment, actor=AFTER_DEPLOYMENT)
    except GreenroomError as error:
        get_run_logger().warning("no comparison was ordered: %s", error.message)


@step
def order_comparisons(only: list[str]) -> int:
    """Order a comparison of every living staging environment, or of those named; give how many.

    One that cannot be ordered is told and does not stop the others.
    """
    with unit_of_work() as work:
        names = only or [
            f"{one.project.name}/{one.name}"
            for one in environments.list_environments(work)
            if is_wanted_after_deployment(work, one) and one.status == "active"
        ]
    count = 0
    for name in names:
        try:
            place_comparison(name, actor="schedule")
        except GreenroomError as error:
            get_run_logger().warning("%s: %s", name, error.message)
        else:
            count += 1
    return count
