"""Queries about environments, their instances and their routes."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from greenroom import names
from greenroom.errors import AlreadyExists, InvalidInput, NotFound
from greenroom.settings import Settings, load_settings
from greenroom.store.audit import record_audit
from greenroom.store.crypto import seal, unseal
from greenroom.store.life import Life, life_of
from greenroom.store.models import (
    Domain,
    Environment,
    EnvironmentKind,
    EnvironmentStatus,
    Instance,
    InstanceState,
    Project,
    Release,
    now,
)
from greenroom.store.states import PreviewAccess
from greenroom.store.transitions import check_transition
from greenroom.store.work import Work, ask_right

_DATABASE_URL = "environments.database_url"


def list_environments(
    work: Work, project: Project | None = None, *, destroyed: bool = False
) -> list[Environment]:
    """List environments, production first, then by name."""
    query = select(Environment).options(
        joinedload(Environment.project), joinedload(Environment.release)
    )
    if project is not None:
        query = query.where(Environment.project_id == project.id)
    if not destroyed:
        query = query.where(Environment.status != EnvironmentStatus.DESTROYED)
    return list(work.scalars(query.order_by(Environment.kind, Environment.name)))


def find_environment(work: Work, project: Project, name: str) -> Environment | None:
    """Find a living environment of a project by its name."""
    return work.scalar(
        select(Environment)
        .options(joinedload(Environment.project), joinedload(Environment.release))
        .where(
            Environment.project_id == project.id,
            Environment.name == name,
            Environment.status != EnvironmentStatus.DESTROYED,
        )
    )


def get_environment(work: Work, reference: str) -> Environment:
    """Get a living environment by ``<project>/<name>``, host, id, or a name that is unique.

    Errors: NotFound, InvalidInput when a bare name is ambiguous.
    """
    query = (
        select(Environment)
        .join(Environment.project)
        .options(joinedload(Environment.project), joinedload(Environment.release))
        .where(Environment.status != EnvironmentStatus.DESTROYED)
    )
    project, slash, name = reference.partition("/")
    if slash:
        query = query.where(Project.name == project, Environment.name == name)
    elif _is_uuid(reference):
        query = query.where(Environment.id == uuid.UUID(reference))
    elif "." in reference:
        query = query.where(Environment.host == reference)
    else:
        query = query.where(Environment.name == reference)
    found = list(work.scalars(query))
    if not found:
        known = ", ".join(f"{e.project.name}/{e.name}" for e in list_environments(work)[:20])
        raise NotFound(
            f"there is no environment {reference!r}",
            hint=f"Environments: {known or 'none yet'}. Name one as <project>/<environment>.",
        )
    if len(found) > 1:
        choices = ", ".join(f"{e.project.name}/{e.name}" for e in found)
        raise InvalidInput(
            f"{reference!r} names several environments", hint=f"Say one of: {choices}."
        )
    return found[0]


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return len(text) == 36


def ensure_environment(
    work: Work,
    project: Project,
    branch: str,
    *,
    name: str | None = None,
    actor: str,
    settings: Settings | None = None,
) -> Environment:
    """Give the environment of ``branch``, creating it if missing.

    The production branch's environment is production, named ``production``; another branch's is
    staging, named after the branch. Idempotent.

    Errors: AlreadyExists when that name is another branch's.
    """
    production = branch == project.production_branch
    wanted = name or ("production" if production else names.environment_name(branch))
    if production != (wanted == "production"):
        raise InvalidInput(
            f"{wanted!r} cannot be the environment of branch {branch!r}",
            hint=f"'production' is the environment of {project.production_branch!r}, and only its.",
        )
    work.scalar(select(Project).where(Project.id == project.id).with_for_update())
    found = find_environment(work, project, wanted)
    if found is None and name is None:
        distinct = names.distinct_slug(branch, 48)
        found = find_environment(work, project, distinct)
    if found is not None and found.git_branch != branch:
        if name is not None:
            raise AlreadyExists(
                f"environment {wanted!r} belongs to branch {found.git_branch!r}",
                hint="Choose another --name.",
            )
        wanted, found = names.distinct_slug(branch, 48), None
    if found is not None:
        return found
    return _create(work, project, branch, wanted, production, actor, settings or load_settings())


def _create(
    work: Work,
    project: Project,
    branch: str,
    name: str,
    production: bool,
    actor: str,
    settings: Settings,
) -> Environment:
    names.slug(name)
    label = names.host_label(project.name, name, production=production)
    host = f"{label}.{settings.base_domain}"
    taken = select(Environment.id).where(
        Environment.host == host, Environment.status != EnvironmentStatus.DESTROYED
    )
    if work.scalar(taken) is not None:
        host = f"{names.distinct_host_label(project.name, name)}.{settings.base_domain}"
    environment = Environment(
        project=project,
        name=name,
        kind=EnvironmentKind.PRODUCTION if production else EnvironmentKind.STAGING,
        host=host,
        url=settings.environment_url(host),
        git_branch=branch,
        status=EnvironmentStatus.BUILDING,
        status_reason="created; nothing is deployed yet",
    )
    work.add(environment)
    work.flush()
    record_audit(work, actor, "environment.create", environment=environment, branch=branch)
    return environment


def set_status(environment: Environment, status: EnvironmentStatus, reason: str = "") -> None:
    """Move an environment through its state machine.

    Errors: InvalidTransition.
    """
    environment.status = check_transition(environment.status, status)
    environment.status_reason = reason
    if status is EnvironmentStatus.DESTROYED:
        environment.destroyed_at = now()


def request_destruction(work: Work, environment: Environment, *, actor: str) -> None:
    """Record that an environment shall go; teardown, or reconcile, then does it. Idempotent."""
    if environment.kind == EnvironmentKind.PRODUCTION:
        ask_right(work, "production.destroy", environment.project_id)
    if environment.destroy_requested_at is None:
        environment.destroy_requested_at, environment.destroy_requested_by = now(), actor
        record_audit(work, actor, "environment.destroy", environment=environment)


def refresh_urls(work: Work, settings: Settings) -> None:
    """Write the addresses anew, after the gateway's port or scheme has changed. Idempotent."""
    for environment in list_environments(work):
        wanted = settings.environment_url(environment.host)
        if environment.url != wanted:
            environment.url = wanted


def environment_database_url(environment: Environment) -> str | None:
    """Give the address of the environment's own database, with its password."""
    sealed = environment.database_url
    return unseal(sealed, _DATABASE_URL) if sealed else None


def record_database_url(environment: Environment, url: str | None) -> None:
    """Keep the address of the environment's own database."""
    environment.database_url = seal(url, _DATABASE_URL) if url else None


@dataclass(frozen=True)
class Route:
    """Where the gateway sends the requests of one host."""

    host: str
    environment_id: uuid.UUID
    project: str
    environment: str
    kind: str
    status: str
    address: str | None
    """``http://host:port``, ``file:///folder``, or None while nothing serves."""
    instance_id: uuid.UUID | None
    reason: str
    access: str = PreviewAccess.AUTO
    """Who sees it, as its project says."""
    release_id: uuid.UUID | None = None
    """What it shows."""
    life: Life | None = None
    """How the copy that serves lives; None where nothing runs."""


def list_routes(work: Work) -> list[Route]:
    """List the routes of all living environments, by their own domains, too."""
    rows = work.execute(
        select(
            Environment, Project.name, Project.preview_access, Project.life, Instance,
            Release.manifest,
        )
        .join(Project, Project.id == Environment.project_id)
        .outerjoin(
            Instance,
            (Instance.environment_id == Environment.id) & (Instance.state == InstanceState.SERVING),
        )
        .outerjoin(Release, Release.id == Instance.release_id)
        .where(Environment.status != EnvironmentStatus.DESTROYED)
    )  # fmt: skip
    routes = [
        Route(
            host=environment.host,
            environment_id=environment.id,
            project=project,
            environment=environment.name,
            kind=environment.kind,
            status=environment.status,
            address=instance.address if instance else None,
            instance_id=instance.id if instance else None,
            reason=environment.status_reason,
            access=access,
            release_id=environment.release_id,
            life=life_of(environment.kind, wishes, instance, manifest) if instance else None,
        )
        for environment, project, access, wishes, instance, manifest in rows
    ]
    by_environment = {route.environment_id: route for route in routes}
    own = work.execute(
        select(Domain.host, Domain.environment_id).where(Domain.verified_at.is_not(None))
    )
    return routes + [
        replace(by_environment[key], host=host) for host, key in own if key in by_environment
    ]


def list_instances(
    work: Work, environment_id: uuid.UUID | None = None, *states: InstanceState
) -> list[Instance]:
    """List instances, oldest first; all states but ``stopped`` unless ``states`` are given."""
    query = select(Instance).order_by(Instance.created_at)
    if environment_id is not None:
        query = query.where(Instance.environment_id == environment_id)
    wanted: Sequence[str] = states or (
        InstanceState.STARTING,
        InstanceState.SERVING,
        InstanceState.DRAINING,
        InstanceState.KEPT,
    )
    return list(work.scalars(query.where(Instance.state.in_(wanted))))


def serving_instance(work: Work, environment_id: uuid.UUID) -> Instance | None:
    """Give the instance that serves an environment now."""
    return work.scalar(
        select(Instance).where(
            Instance.environment_id == environment_id, Instance.state == InstanceState.SERVING
        )
    )
