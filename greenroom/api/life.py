"""An environment's life: how long, awake or asleep, whose code, by which domains."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Path
from pydantic import Field

from greenroom import domains, living
from greenroom.api.noun import Done, Environment, Given, Noun, Project, Shown, reference
from greenroom.rights import current_actor
from greenroom.store.life import Wishes

router = Noun("life")
_OF = "/projects/{project}/environments/{environment}"
Host = Annotated[str, Path(max_length=253, pattern=r"^[A-Za-z0-9.-]+$", examples=["www.shop.test"])]
Commit = Annotated[str, Field(pattern="^([0-9a-f]{40}|[0-9a-f]{64})$")]
_Seconds = Annotated[float | None, Field(ge=0, le=366 * 86_400)]


class Longer(Given):
    """How much longer."""

    days: float = Field(7, ge=0, le=366, description="0 is for good.")


class End(Shown):
    """When it goes."""

    ends_at: datetime | None


@router.writes("POST", _OF + "/extend", "environment.extend")
def extend_environment(
    project: Project, environment: Environment, given: Longer | None = None
) -> End:
    """Let an environment live longer."""
    days = (given or Longer()).days
    end = living.place_extend(reference(project, environment), days, actor=current_actor().name)
    return End(ends_at=end)


class Awake(Shown):
    """Where it answers."""

    url: str


@router.writes("POST", _OF + "/wake", "environment.wake")
def wake_environment(project: Project, environment: Environment) -> Awake:
    """Wake an environment that sleeps; the answer comes when it answers."""
    name = reference(project, environment)
    return Awake(url=living.wake_environment(name, actor=current_actor().name))


class ProjectWishes(Given):
    """What a project wants otherwise than its manifest; null is as the manifest says."""

    pause_seconds: _Seconds = None
    stop_seconds: _Seconds = None
    days: Annotated[float | None, Field(ge=0, le=366)] = None
    warn_hours: Annotated[float | None, Field(ge=0, le=8784)] = None


@router.writes("PUT", "/projects/{project}/life", "project.set_life")
def set_life(project: Project, given: ProjectWishes) -> Done:
    """Say when a project's environments sleep, and how long they live."""
    living.place_wishes(project, Wishes(**given.model_dump()), actor=current_actor().name)
    return Done(done="It is saved.")


class ForkCommit(Given):
    """One commit of a stranger's that somebody read."""

    commit: Commit
    with_secrets: bool = False


@router.writes("POST", _OF + "/approve-fork", "environment.approve_fork", status_code=202)
def approve_fork(project: Project, environment: Environment, given: ForkCommit) -> Done:
    """Deploy one commit of a fork: it and no other was read."""
    order = living.approve_fork(
        reference(project, environment), given.commit, with_secrets=given.with_secrets,
        actor=current_actor().name,
    )  # fmt: skip
    return Done(done=f"Deployment #{order.number} is on its way.")


class DomainShape(Shown):
    """A domain of one's own, and the record that proves it."""

    host: str
    record_name: str
    record_value: str
    verified_at: datetime | None

    @classmethod
    def of(cls, row: domains.OwnDomain) -> DomainShape:
        """Show a row."""
        return cls(
            host=row.host, record_name=row.record, record_value=row.value,
            verified_at=row.verified_at,
        )  # fmt: skip


@router.reads(_OF + "/domains")
def list_domains(project: Project, environment: Environment) -> list[DomainShape]:
    """List an environment's own domains."""
    rows = domains.list_domains(reference(project, environment))
    return [DomainShape.of(row) for row in rows]


@router.writes("PUT", _OF + "/domains/{host}", "domain.add")
def add_domain(project: Project, environment: Environment, host: Host) -> DomainShape:
    """Add a domain; the answer says which record its owner makes."""
    name = reference(project, environment)
    return DomainShape.of(domains.add_domain(name, host, actor=current_actor().name))


@router.writes("POST", _OF + "/domains/{host}/verify", "domain.verify")
def verify_domain(project: Project, environment: Environment, host: Host) -> DomainShape:
    """Look for the record; from then on the environment answers to the domain."""
    name = reference(project, environment)
    return DomainShape.of(domains.verify_domain(name, host, actor=current_actor().name))


@router.writes("DELETE", _OF + "/domains/{host}", "domain.remove")
def remove_domain(project: Project, environment: Environment, host: Host) -> Done:
    """Answer to a domain no more."""
    domains.remove_domain(reference(project, environment), host, actor=current_actor().name)
    return Done(done=f"{host} is answered to no more.")
