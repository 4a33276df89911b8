"""Queries about projects and their variables."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import object_session

from greenroom.errors import AlreadyExists, InvalidInput, NotFound
from greenroom.names import check_project_name, slug
from greenroom.rights import check_right, current_actor
from greenroom.secrets import generate_token
from greenroom.store.audit import record_audit
from greenroom.store.crypto import seal, unseal
from greenroom.store.models import Environment, Project, Variable
from greenroom.store.states import GivenAt, PreviewAccess
from greenroom.store.work import Work

_WEBHOOK_SECRET = "projects.webhook_secret"  # noqa: S105 - a purpose, not a secret
_PRODUCTION_DATABASE = "projects.production_database_url"
_FORGE_TOKEN = "projects.forge_token"  # noqa: S105 - a purpose, not a secret
_VARIABLE = "environment_variables.value"


def list_projects(work: Work) -> list[Project]:
    """List all projects by name."""
    return list(work.scalars(select(Project).order_by(Project.name)))


def find_project(work: Work, name: str) -> Project | None:
    """Find a project by its name."""
    return work.scalar(select(Project).where(Project.name == name))


def get_project(work: Work, name: str) -> Project:
    """Get a project by its name.

    Errors: NotFound, with the names there are.
    """
    project = find_project(work, name)
    if project is None:
        names = ", ".join(p.name for p in list_projects(work)) or "none yet"
        raise NotFound(
            f"there is no project {name!r}",
            hint=f"Projects: {names}. Add one with `greenroom project add <git url or path>`.",
        )
    return project


def add_project(
    work: Work,
    name: str,
    source_url: str,
    *,
    production_branch: str = "main",
    runtime: str = "auto",
    production_database_url: str | None = None,
    actor: str,
) -> Project:
    """Add a project; its webhook secret is made here.

    Errors: InvalidInput, AlreadyExists.
    """
    check_project_name(name)
    if find_project(work, name) is not None:
        raise AlreadyExists(
            f"there is a project {name!r} already", hint="Choose another with --name."
        )
    project = Project(
        name=name,
        source_url=source_url,
        production_branch=production_branch,
        runtime=runtime,
        webhook_secret=seal(generate_token(), _WEBHOOK_SECRET),
        production_database_url=(
            seal(production_database_url, _PRODUCTION_DATABASE) if production_database_url else None
        ),
    )
    work.add(project)
    work.flush()
    record_audit(work, actor, "project.add", project=project, source=source_url)
    return project


def webhook_secret(project: Project) -> str:
    """Give the secret that the forge signs this project's webhooks with.

    Errors: NotAllowed.
    """
    check_right(current_actor(), "project.show_webhook_secret", project.id)
    return unseal(project.webhook_secret, _WEBHOOK_SECRET)


def production_database_url(project: Project) -> str | None:
    """Give the address of the project's production database, if it named one."""
    sealed = project.production_database_url
    return unseal(sealed, _PRODUCTION_DATABASE) if sealed else None


def set_production_database_url(work: Work, project: Project, url: str, *, actor: str) -> None:
    """Name the project's production database."""
    project.production_database_url = seal(url, _PRODUCTION_DATABASE)
    record_audit(work, actor, "project.set_production_database", project=project)


def forge_token(project: Project) -> str | None:
    """Give the token that the project's forge is spoken to with."""
    return unseal(project.forge_token, _FORGE_TOKEN) if project.forge_token else None


def set_forge(
    work: Work, project: Project, forge: str, repository: str, api_url: str, token: str | None,
    *, actor: str,
) -> None:  # fmt: skip
    """Say whom a project's deployments are reported to; without a token, nobody."""
    project.forge, project.forge_repository, project.forge_api_url = forge, repository, api_url
    project.forge_token = seal(token, _FORGE_TOKEN) if token else None
    record_audit(
        work, actor, "project.set_forge", project=project, forge=forge, repository=repository
    )


def set_previews(work: Work, project: Project, rules: dict[str, Any], *, actor: str) -> None:
    """Say which events make environments, as plain data."""
    project.previews = rules
    record_audit(work, actor, "project.set_previews", project=project, **rules)


def set_preview_access(work: Work, project: Project, access: PreviewAccess, *, actor: str) -> None:
    """Say who sees the environments that are not production."""
    project.preview_access = access
    record_audit(work, actor, "project.set_access", project=project, access=str(access))


@dataclass(frozen=True)
class ResolvedVariable:
    """One variable as an environment gets it."""

    name: str
    value: str
    is_secret: bool
    scope: str
    """``project``, ``staging``/``production``, or ``environment``: where it is set."""
    given_at: str = GivenAt.BOTH


def set_variable(
    work: Work,
    project: Project,
    name: str,
    value: str,
    *,
    kind: str | None = None,
    environment: Environment | None = None,
    is_secret: bool = True,
    given_at: GivenAt = GivenAt.BOTH,
    actor: str,
) -> Variable:
    """Set a variable of a project, of one kind of its environments, or of one environment.

    Errors: InvalidInput.
    """
    if not name.isidentifier() or not name.isascii() or name.startswith("GREENROOM_"):
        raise InvalidInput(
            f"{name!r} cannot name a variable",
            hint="Use letters, digits and '_', not starting with a digit; GREENROOM_… is ours.",
        )
    if "\0" in value:
        raise InvalidInput(f"the value of {name} contains a NUL octet")
    found = _find_variable(work, project.id, name, kind, environment)
    if found is None:
        found = Variable(
            project_id=project.id,
            kind=kind,
            environment_id=environment.id if environment else None,
            name=name,
        )
        work.add(found)
    found.value, found.is_secret = seal(value, _VARIABLE), is_secret
    found.given_at = given_at
    record_audit(
        work, actor, "variable.set", project=project, environment=environment, subject=name
    )
    return found


def unset_variable(
    work: Work,
    project: Project,
    name: str,
    *,
    kind: str | None = None,
    environment: Environment | None = None,
    actor: str,
) -> None:
    """Remove a variable from exactly that scope.

    Errors: NotFound.
    """
    found = _find_variable(work, project.id, name, kind, environment)
    if found is None:
        raise NotFound(f"{name} is not set there")
    work.delete(found)
    record_audit(
        work, actor, "variable.unset", project=project, environment=environment, subject=name
    )


def _find_variable(
    work: Work, project_id: uuid.UUID, name: str, kind: str | None, environment: Environment | None
) -> Variable | None:
    return work.scalar(
        select(Variable).where(
            Variable.project_id == project_id,
            Variable.name == name,
            Variable.kind == kind if kind else Variable.kind.is_(None),
            Variable.environment_id == environment.id
            if environment
            else Variable.environment_id.is_(None),
        )
    )


def resolve_variables(environment: Environment) -> list[ResolvedVariable]:
    """Resolve what an environment gets: its own over its kind's over the project's, by name."""
    work = object_session(environment)
    if work is None:
        raise RuntimeError("the environment must belong to a unit of work")
    rows = work.scalars(
        select(Variable).where(
            Variable.project_id == environment.project_id,
            or_(Variable.environment_id.is_(None), Variable.environment_id == environment.id),
            or_(Variable.kind.is_(None), Variable.kind == environment.kind),
        )
    )
    ranked = sorted(rows, key=lambda v: (v.environment_id is not None, v.kind is not None))
    resolved = {
        row.name: ResolvedVariable(
            row.name,
            unseal(row.value, _VARIABLE),
            row.is_secret,
            "environment" if row.environment_id else (row.kind or "project"),
            row.given_at,
        )
        for row in ranked
    }
    return [resolved[name] for name in sorted(resolved)]


def given_variables(
    environment: Environment, at: GivenAt, *, with_secrets: bool = True
) -> dict[str, str]:
    """Give the variables that builds, or running copies, of an environment get, by name.

    A stranger's code that nobody approved gets no secret.
    """
    may = with_secrets and not environment.is_guarded
    return {
        v.name: v.value
        for v in resolve_variables(environment)
        if v.given_at in (GivenAt.BOTH, at) and (may or not v.is_secret)
    }


def suggest_project_name(source_url: str) -> str:
    """Suggest a project's name from the last part of its URL or path."""
    last = source_url.rstrip("/").removesuffix(".git").replace(":", "/").rsplit("/", 1)[-1]
    return slug(last, 40)
