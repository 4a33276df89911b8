"""Environments: production, and staging for each branch."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import Field

from greenroom import orders
from greenroom.api.noun import Done, Environment, Given, Noun, Project, Short, reference
from greenroom.api.shapes import EnvironmentShape, Ordered, is_started, ordered
from greenroom.errors import InvalidInput
from greenroom.rights import current_actor
from greenroom.sources import git
from greenroom.store import deployments, projects
from greenroom.store import environments as store
from greenroom.store.models import EnvironmentKind
from greenroom.store.work import unit_of_work

router = Noun("environments")


@router.reads("/environments")
def list_all_environments() -> list[EnvironmentShape]:
    """List the environments of every project that the token sees."""
    with unit_of_work() as work:
        last = deployments.latest_deployments(work)
        return [EnvironmentShape.of(e, last.get(e.id)) for e in store.list_environments(work)]


@router.reads("/projects/{project}/environments")
def list_environments(project: Project) -> list[EnvironmentShape]:
    """List a project's environments."""
    with unit_of_work() as work:
        owner = projects.get_project(work, project)
        last = deployments.latest_deployments(work)
        return [
            EnvironmentShape.of(e, last.get(e.id)) for e in store.list_environments(work, owner)
        ]


@router.reads("/projects/{project}/environments/{environment}")
def get_environment(project: Project, environment: Environment) -> EnvironmentShape:
    """Show an environment."""
    with unit_of_work() as work:
        found = store.get_environment(work, reference(project, environment))
        last = deployments.list_deployments(work, found.id, limit=1)
        return EnvironmentShape.of(found, last[0] if last else None)


class NewEnvironment(Given):
    """A branch to show."""

    branch: Short = Field(examples=["feature/cart"])
    name: Annotated[str, Field(max_length=48)] = Field("", description="Default: from the branch.")


@router.writes("POST", "/projects/{project}/environments", "environment.create", status_code=202)
def create_environment(project: Project, given: NewEnvironment) -> Ordered:
    """Create the environment of a branch, and deploy it."""
    with unit_of_work() as work:
        owner = projects.get_project(work, project)
        who = current_actor().name
        made = store.ensure_environment(
            work, owner, git.check_ref(given.branch), name=given.name or None, actor=who
        )
        order = orders.record_deploy(work, made, actor=who)
    return ordered(order)


@router.writes(
    "POST", "/projects/{project}/environments/{environment}/release-hold", "environment.free"
)
def release_hold(project: Project, environment: Environment) -> Done:
    """Let pushes deploy it again, which a rollback holds."""
    was_held = orders.place_free(reference(project, environment), actor=current_actor().name)
    return Done(done="Pushes deploy it again." if was_held else "It is not held.")


@router.writes(
    "DELETE", "/projects/{project}/environments/{environment}", "environment.destroy",
    status_code=202,
)  # fmt: skip
def destroy_environment(
    project: Project, environment: Environment,
    production: Annotated[bool, Query(description="Needed to destroy production.")] = False,
) -> Done:  # fmt: skip
    """Destroy an environment with its own database."""
    with unit_of_work() as work:
        found = store.get_environment(work, reference(project, environment))
        if found.kind == EnvironmentKind.PRODUCTION and not production:
            raise InvalidInput(f"{found.name} is production", hint="If you mean it: ?production=1")
        orders.record_destroy(work, found, actor=current_actor().name)
        key, name = found.id, reference(project, environment)
    is_on_its_way = is_started(lambda: orders.start_teardown(key, name))
    return Done(done="It is being destroyed." if is_on_its_way else "It will be destroyed.")
