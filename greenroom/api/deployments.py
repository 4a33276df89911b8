"""Deployments: deploy, cancel, roll back, promote, approve."""

from __future__ import annotations

from pydantic import Field

from greenroom import orders, promotions
from greenroom.api.noun import (
    Done,
    Environment,
    Given,
    Limit,
    Noun,
    Number,
    Project,
    Short,
    Text,
    reference,
)
from greenroom.api.shapes import DeploymentShape, Ordered, ReviewShape, ordered
from greenroom.errors import OrchestratorUnavailable
from greenroom.rights import current_actor
from greenroom.sources import git
from greenroom.store import deployments as store
from greenroom.store import environments
from greenroom.store.states import Verdict
from greenroom.store.work import unit_of_work

router = Noun("deployments")
_OF = "/projects/{project}/environments/{environment}"


@router.reads(_OF + "/deployments")
def list_deployments(
    project: Project, environment: Environment, limit: Limit = 50
) -> list[DeploymentShape]:
    """List an environment's deployments, the newest first."""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference(project, environment))
        return [
            DeploymentShape.of(row) for row in store.list_deployments(work, found.id, limit=limit)
        ]


@router.reads(_OF + "/deployments/{number}")
def get_deployment(project: Project, environment: Environment, number: Number) -> DeploymentShape:
    """Show a deployment."""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference(project, environment))
        return DeploymentShape.of(store.find_deployment(work, found, f"#{number}"))


class Wish(Given):
    """What shall be deployed."""

    ref: Short = Field("", description="Branch, tag or commit; default: its branch.")


@router.writes("POST", _OF + "/deployments", "deployment.deploy", status_code=202)
def deploy(project: Project, environment: Environment, given: Wish | None = None) -> Ordered:
    """Deploy an environment."""
    ref = git.check_ref(given.ref) if given and given.ref else ""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference(project, environment))
        order = orders.record_deploy(work, found, ref=ref, actor=current_actor().name)
    return ordered(order)


@router.writes("POST", _OF + "/deployments/{number}/cancel", "deployment.cancel", status_code=202)
def cancel(project: Project, environment: Environment, number: Number) -> Done:
    """Stop a deployment while it runs."""
    try:
        orders.place_cancel(
            reference(project, environment), f"#{number}", actor=current_actor().name
        )
    except OrchestratorUnavailable:
        pass  # recorded: its first step sees the wish
    return Done(done="It is being stopped.")


class Return(Given):
    """Where to return to."""

    to: int | None = Field(None, ge=1, le=2_000_000_000, description="Default: the one before.")


@router.writes("POST", _OF + "/rollback", "deployment.rollback", status_code=202)
def roll_back(project: Project, environment: Environment, given: Return | None = None) -> Ordered:
    """Return to a release that served before. Migrations are not undone."""
    to = f"#{given.to}" if given and given.to else ""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference(project, environment))
        order = orders.record_rollback(work, found, to=to, actor=current_actor().name)
    return ordered(order)


@router.writes("POST", _OF + "/promote", "deployment.promote", status_code=202)
def promote(project: Project, environment: Environment) -> Ordered:
    """Bring the very artifact that it shows to production, if the approvals are there."""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference(project, environment))
        order = promotions.record_promotion(work, found, actor=current_actor().name)
    return ordered(order)


@router.reads(_OF + "/review")
def get_review(project: Project, environment: Environment) -> ReviewShape | None:
    """Show whether what it shows may go live, and what is missing."""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference(project, environment))
        judgement = promotions.judge_environment(work, found)
        return ReviewShape.of(judgement) if judgement else None


class Word(Given):
    """What somebody says about what an environment shows."""

    verdict: Verdict
    note: Text = ""
    page: Short = Field("", description="The page it is about; default: the whole.")


@router.writes("POST", _OF + "/review", "release.approved")
def say_verdict(project: Project, environment: Environment, given: Word) -> ReviewShape:
    """Approve the very artifact that it shows, ask for changes, or take it back."""
    found = promotions.place_verdict(
        reference(project, environment), given.verdict, given.note, page=given.page,
        actor=current_actor().name,
    )  # fmt: skip
    return ReviewShape.of(found)
