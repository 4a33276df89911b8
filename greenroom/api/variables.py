"""Variables given to a project's own processes. Values can be set, and never be read."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path
from pydantic import Field, SecretStr

from greenroom.api.noun import Done, Environment, Given, Noun, Project, Short, Shown, reference
from greenroom.errors import InvalidInput
from greenroom.rights import current_actor
from greenroom.store import environments, projects
from greenroom.store.states import GivenAt
from greenroom.store.work import unit_of_work
from greenroom.variables import list_given

router = Noun("variables")
MAX_VALUE = 64 * 1024
Name = Annotated[str, Path(max_length=200, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class VariableShape(Shown):
    """A variable, as an environment gets it; never its value."""

    name: str
    scope: str
    is_secret: bool
    given_at: str = Field(description="`build`, `run` or `both`.")
    is_withheld: bool = Field(description="A stranger's code does not get this secret.")


@router.reads("/projects/{project}/environments/{environment}/variables")
def list_variables(project: Project, environment: Environment) -> list[VariableShape]:
    """List what an environment gets: yours, the manifest's, and what is built in."""
    rows = list_given(reference(project, environment))
    return [VariableShape.model_validate(row) for row in rows]


class Value(Given):
    """A variable's value, and for what it is."""

    value: SecretStr = Field(description="Kept encrypted, never shown.")
    kind: Literal["staging", "production"] | None = Field(None, description="Default: both.")
    environment: Short = Field("", description="Only for this environment.")
    is_secret: bool = True
    given_at: Literal["build", "run", "both"] = "both"


@router.writes("PUT", "/projects/{project}/variables/{name}", "variable.set")
def set_variable(project: Project, name: Name, given: Value) -> Done:
    """Set a variable; the next deployment gets it."""
    value = given.value.get_secret_value()
    if len(value) > MAX_VALUE:
        raise InvalidInput(f"a value has at most {MAX_VALUE:,} characters")
    if given.kind and given.environment:
        raise InvalidInput("a variable is for a kind, or for one environment")
    with unit_of_work() as work:
        owner = projects.get_project(work, project)
        found = None
        if given.environment:
            found = environments.get_environment(work, reference(project, given.environment))
        projects.set_variable(
            work, owner, name, value, kind=given.kind, environment=found,
            is_secret=given.is_secret, given_at=GivenAt(given.given_at), actor=current_actor().name,
        )  # fmt: skip
    return Done(done=f"{name} is set.")


@router.writes("DELETE", "/projects/{project}/variables/{name}", "variable.unset")
def unset_variable(
    project: Project, name: Name, kind: Literal["staging", "production"] | None = None,
    environment: Annotated[str, Field(max_length=100)] = "",
) -> Done:  # fmt: skip
    """Remove a variable from exactly that scope."""
    with unit_of_work() as work:
        owner = projects.get_project(work, project)
        found = None
        if environment:
            found = environments.get_environment(work, reference(project, environment))
        projects.unset_variable(
            work, owner, name, kind=kind, environment=found, actor=current_actor().name
        )
    return Done(done=f"{name} is removed.")
