"""Orders: what people and webhooks ask for, recorded in the store and started at Prefect.

First the order is committed, then its run is started with the order's id as idempotency key. A
death in between loses nothing: ``reconcile`` starts recorded orders that have no run.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from greenroom.errors import GreenroomError, InvalidInput, NotAllowed, NotFound
from greenroom.names import work_queue_name
from greenroom.runs import Runs
from greenroom.store import deployments, environments
from greenroom.store.audit import record_audit
from greenroom.store.models import (
    Deployment,
    DeploymentKind,
    DeploymentStatus,
    Environment,
    EnvironmentKind,
    Project,
    Release,
    now,
)
from greenroom.store.states import ProductionBy
from greenroom.store.work import Work, platform_work, unit_of_work

TEARDOWN = "teardown/on-demand"
_VERBS = {
    DeploymentKind.DEPLOY: "deploy/on-demand",
    DeploymentKind.ROLLBACK: "rollback/on-demand",
    DeploymentKind.PROMOTE: "promote/on-demand",
}


@dataclass(frozen=True)
class Order:
    """A recorded order."""

    environment_id: uuid.UUID
    environment: str
    """``<project>/<name>``"""
    url: str
    deployment_id: uuid.UUID
    number: int
    kind: str
    ref: str


def order_of(environment: Environment, deployment: Deployment) -> Order:
    """Give a recorded deployment as what is to be started."""
    return Order(
        environment.id,
        f"{environment.project.name}/{environment.name}",
        environment.url,
        deployment.id,
        deployment.number,
        deployment.kind,
        deployment.ref,
    )


def record_deploy(
    work: Work, environment: Environment, *, ref: str = "", commit: str = "", actor: str
) -> Order:
    """Record that ``environment`` shall be brought to ``ref`` (default: its branch's head).

    Older unfinished deployments of it are asked to stop: the newest wish wins.

    What a person asks for frees an environment that is held since a rollback.

    Errors: InvalidInput while the environment is being destroyed, NotAllowed where production only
    changes by promotion.
    """
    if environment.destroy_requested_at is not None:
        raise InvalidInput(
            f"{environment.name} is being destroyed", hint="Create it again when it is gone."
        )
    why = why_not_deployed(environment)
    if why:
        raise NotAllowed(
            why, hint="greenroom promote <environment> brings what was approved to production."
        )
    free(work, environment, actor=actor)
    deployment = deployments.create_deployment(
        work, environment, ref=ref or environment.git_branch, commit_hash=commit, deployed_by=actor
    )
    deployments.supersede_older(work, deployment)
    return order_of(environment, deployment)


def why_not_deployed(environment: Environment) -> str:
    """Say why an environment takes no deployment; nothing when it does. Pure.

    The first one of a production goes through: there is nothing to promote to yet.
    """
    is_guarded = environment.project.production_by == ProductionBy.PROMOTION
    if environment.kind == EnvironmentKind.PRODUCTION and is_guarded and environment.release_id:
        return f"production of {environment.project.name} changes by promotion only"
    return ""


def free(work: Work, environment: Environment, *, actor: str) -> bool:
    """Let pushes deploy an environment again that is held since a rollback. Idempotent."""
    if environment.held_at is None:
        return False
    environment.held_at, environment.held_by = None, ""
    record_audit(work, actor, "environment.free", environment=environment)
    return True


def record_kept_release(
    work: Work, environment: Environment, release: Release, *, kind: DeploymentKind, ref: str,
    actor: str,
) -> Order:  # fmt: skip
    """Record that ``environment`` shall show a release that is kept; the newest wish wins."""
    deployment = deployments.create_deployment(
        work, environment, ref=ref, commit_hash=release.commit_hash, kind=kind,
        deployed_by=actor, release_id=release.id,
    )  # fmt: skip
    deployments.supersede_older(work, deployment)
    if kind is DeploymentKind.ROLLBACK:
        environment.held_at, environment.held_by = now(), actor
    else:
        free(work, environment, actor=actor)
    return order_of(environment, deployment)


def record_rollback(work: Work, environment: Environment, *, to: str = "", actor: str) -> Order:
    """Record that ``environment`` shall return to an earlier deployment's release.

    Pushes do not deploy it any more until somebody deploys, promotes or frees it.

    Errors: NotFound, InvalidInput (nothing to return to, or its release is gone).
    """
    history = deployments.list_deployments(work, environment.id, limit=1000)
    target = (
        deployments.find_deployment(work, environment, to)
        if to
        else pick_rollback_target(history, environment.release_id)
    )
    if target is None:
        raise NotFound(
            f"{environment.name} has no earlier release to return to",
            hint="A rollback needs two successful deployments of different releases.",
        )
    if not target.was_live or target.release is None:
        raise InvalidInput(
            f"deployment #{target.number} never served ({target.status})",
            hint="Roll back to one that did: `greenroom env show` lists them.",
        )
    if target.release.removed_at is not None:
        raise InvalidInput(
            f"the release of deployment #{target.number} was cleaned up",
            hint=f"Deploy its commit anew: --ref {target.commit_hash}",
        )
    return record_kept_release(
        work, environment, target.release, kind=DeploymentKind.ROLLBACK, ref=f"#{target.number}",
        actor=actor,
    )  # fmt: skip


def pick_rollback_target(
    history: Sequence[Deployment], serving: uuid.UUID | None
) -> Deployment | None:
    """Pick the newest earlier deployment whose release is kept and is not the one that serves.

    Pure. ``history`` is newest first. After a rollback to #3 from #5, the next goes to below #3.
    """
    current = next((d for d in history if d.status == DeploymentStatus.LIVE), None)
    below = current.number if current else None
    if current is not None and current.kind == DeploymentKind.ROLLBACK:
        origin = current.ref.removeprefix("#")
        below = int(origin) if origin.isdigit() else below
    for deployment in history:
        if below is not None and deployment.number >= below:
            continue
        release = deployment.release
        if (
            deployment.was_live
            and release is not None
            and release.removed_at is None
            and release.id != serving
        ):
            return deployment
    return None


def record_destroy(work: Work, environment: Environment, *, actor: str) -> None:
    """Record that ``environment`` shall go, and ask its unfinished deployments to stop."""
    environments.request_destruction(work, environment, actor=actor)
    for deployment in deployments.list_unfinished(work, environment.id):
        _ask_to_stop(deployment)


def record_cancel(work: Work, deployment: Deployment, *, actor: str) -> None:
    """Record that a deployment shall stop. Idempotent.

    Errors: InvalidInput when it has ended.
    """
    if deployment.status in deployments.FINAL:
        raise InvalidInput(f"deployment #{deployment.number} has ended: {deployment.status}")
    _ask_to_stop(deployment)
    environment = work.get_one(Environment, deployment.environment_id)
    record_audit(
        work, actor, "deployment.cancel", environment=environment, subject=f"#{deployment.number}"
    )


def _ask_to_stop(deployment: Deployment) -> None:
    deployment.cancel_requested_at = deployment.cancel_requested_at or now()
    if deployment.status == DeploymentStatus.QUEUED:
        deployment.status, deployment.completed_at = DeploymentStatus.CANCELLED, now()


def start_order(
    order: Order, runs: Runs | None = None, *, lost: uuid.UUID | None = None
) -> uuid.UUID:
    """Start the run of a recorded order, or another for one that was lost. Idempotent.

    Errors: OrchestratorUnavailable; the order stays recorded, and ``reconcile`` starts it later.
    """
    runs = runs or Runs()
    request = {
        "deployment_id": str(order.deployment_id),
        "environment_id": str(order.environment_id),
        "environment": order.environment,
        "ref": order.ref,
    }
    run_id = runs.start(
        _VERBS[DeploymentKind(order.kind)],
        {"request": request},
        idempotency_key=f"{order.deployment_id}" + (f"-{lost}" if lost else ""),
        queue=work_queue_name(str(order.environment_id)),
        tags=[order.environment],
    )
    with platform_work() as work:
        deployments.get_deployment(work, order.deployment_id).flow_run_id = run_id
    return run_id


def start_teardown(
    environment_id: uuid.UUID, name: str, key: str = "", runs: Runs | None = None
) -> uuid.UUID:
    """Start the run that destroys an environment. Idempotent by ``key``."""
    runs = runs or Runs()
    request = {"environment_id": str(environment_id), "environment": name}
    return runs.start(
        TEARDOWN,
        {"request": request},
        idempotency_key=f"teardown-{environment_id}-{key}",
        queue=work_queue_name(str(environment_id)),
        tags=[name],
    )


def place_deploy(
    project: str,
    branch: str,
    *,
    name: str | None = None,
    ref: str = "",
    commit: str = "",
    actor: str,
    runs: Runs | None = None,
) -> Order:
    """Record and start a deployment of ``branch``, its environment made if missing."""
    from greenroom.store.projects import get_project

    with unit_of_work() as work:
        owner: Project = get_project(work, project)
        environment = environments.ensure_environment(work, owner, branch, name=name, actor=actor)
        order = record_deploy(work, environment, ref=ref, commit=commit, actor=actor)
    start_order(order, runs)
    return order


def place_deploy_to(
    reference: str, *, ref: str = "", actor: str, runs: Runs | None = None
) -> Order:
    """Record and start a deployment of a living environment."""
    with unit_of_work() as work:
        environment = environments.get_environment(work, reference)
        order = record_deploy(work, environment, ref=ref, actor=actor)
    start_order(order, runs)
    return order


def place_rollback(reference: str, *, to: str = "", actor: str, runs: Runs | None = None) -> Order:
    """Record and start a rollback."""
    with unit_of_work() as work:
        environment = environments.get_environment(work, reference)
        order = record_rollback(work, environment, to=to, actor=actor)
    start_order(order, runs)
    return order


def place_destroy(reference: str, *, actor: str, runs: Runs | None = None) -> uuid.UUID:
    """Record and start an environment's destruction; give the environment's id."""
    with unit_of_work() as work:
        environment = environments.get_environment(work, reference)
        record_destroy(work, environment, actor=actor)
        key, name = environment.id, f"{environment.project.name}/{environment.name}"
    start_teardown(key, name, runs=runs)
    return key


def place_free(reference: str, *, actor: str) -> bool:
    """Let pushes deploy an environment again; False when it was not held."""
    with unit_of_work() as work:
        return free(work, environments.get_environment(work, reference), actor=actor)


def place_cancel(reference: str, number: str, *, actor: str, runs: Runs | None = None) -> None:
    """Record that a deployment shall stop; one that only waits is ended at Prefect, too."""
    runs = runs or Runs()
    with unit_of_work() as work:
        environment = environments.get_environment(work, reference)
        deployment = deployments.find_deployment(work, environment, number)
        record_cancel(work, deployment, actor=actor)
        run_id, waits = deployment.flow_run_id, deployment.status == DeploymentStatus.CANCELLED
    if run_id is not None and waits:
        try:
            runs.cancel(run_id)
        except GreenroomError:
            pass  # its first step sees the wish
