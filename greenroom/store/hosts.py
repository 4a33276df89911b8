"""Queries about hosts elsewhere: a project's site there, and which releases it has."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from greenroom.errors import AlreadyExists, InvalidInput, NotFound
from greenroom.store.audit import record_audit
from greenroom.store.crypto import seal, unseal
from greenroom.store.models import (
    Environment,
    EnvironmentKind,
    EnvironmentLock,
    Instance,
    InstanceState,
    Project,
    ProjectHost,
    Release,
    SentRelease,
    now,
)
from greenroom.store.work import Work, unit_of_work

_TOKEN = "project_hosts.token"  # noqa: S105 - a purpose, not a secret


@dataclass(frozen=True)
class Place:
    """One release at one project's site, and where it stands."""

    project_id: uuid.UUID
    kind: str
    site: str
    team: str
    api_url: str
    artifact: str
    is_production: bool
    vendor_id: str
    """Empty: it was not sent yet."""
    was_published: bool
    token: str


def find_host(work: Work, project_id: uuid.UUID, kind: str) -> ProjectHost | None:
    """Find a project's site at a vendor."""
    return work.get(ProjectHost, (project_id, kind))


def get_host(work: Work, project: Project, kind: str) -> ProjectHost:
    """Get a project's site at a vendor.

    Errors: InvalidInput when none was named.
    """
    found = find_host(work, project.id, kind)
    if found is None:
        raise InvalidInput(
            f"{project.name} has no site at {kind}",
            hint=f"Name it: greenroom project set-host {project.name} {kind} <site>",
        )
    return found


def list_hosts(work: Work, project: Project) -> list[ProjectHost]:
    """List a project's sites at vendors."""
    query = select(ProjectHost).where(ProjectHost.project_id == project.id)
    return list(work.scalars(query.order_by(ProjectHost.kind)))


def set_host(
    work: Work, project: Project, kind: str, site: str, team: str, api_url: str, token: str | None,
    *, actor: str,
) -> None:  # fmt: skip
    """Name a project's site at a vendor; without a token, forget it.

    Errors: AlreadyExists when the site is another project's, NotFound.
    """
    found = find_host(work, project.id, kind)
    if token is None:
        if found is None:
            raise NotFound(f"{project.name} has no site at {kind}")
        shown = work.scalar(
            select(Environment.name)
            .join(Instance, Instance.environment_id == Environment.id)
            .where(
                Environment.project_id == project.id, Instance.runtime == kind,
                Instance.state != InstanceState.STOPPED,
            )
        )  # fmt: skip
        if shown is not None:
            raise InvalidInput(
                f"{project.name}/{shown} is shown at {kind}",
                hint="Destroy it, or deploy it with another runtime, first.",
            )
        work.execute(
            delete(SentRelease).where(
                SentRelease.project_id == project.id, SentRelease.kind == kind
            )
        )
        work.delete(found)
        record_audit(work, actor, "project.forget_host", project=project, kind=kind)
        return
    other = work.scalar(
        select(ProjectHost).where(
            ProjectHost.kind == kind, ProjectHost.site == site, ProjectHost.team == team,
            ProjectHost.project_id != project.id,
        )
    )  # fmt: skip
    if other is not None:
        raise AlreadyExists(
            f"{kind}'s {site} is another project's", hint="Make a site of its own for each project."
        )
    if found is None:
        found = ProjectHost(project_id=project.id, kind=kind, site=site, token=b"")
        work.add(found)
    found.site, found.team, found.api_url = site, team, api_url
    found.token = seal(token, _TOKEN)
    record_audit(work, actor, "project.set_host", project=project, kind=kind, site=site, team=team)


def host_token(host: ProjectHost) -> str:
    """Open a site's token."""
    return unseal(host.token, _TOKEN)


def place_of(name: str) -> Place:
    """Tell where the copy of a name stands, or shall.

    Errors: NotFound, InvalidInput.
    """
    with unit_of_work() as work:
        row = work.execute(
            select(Instance.runtime, Release.artifact, Environment)
            .join(Release, Release.id == Instance.release_id)
            .join(Environment, Environment.id == Instance.environment_id)
            .where(Instance.name == name)
        ).first()
        if row is None:
            raise NotFound(f"no copy is named {name}")
        kind, artifact, environment = row
        is_production = environment.kind == EnvironmentKind.PRODUCTION
        host = get_host(work, environment.project, kind)
        return _place(work, host, artifact, is_production=is_production)


def place_of_release(place: Place) -> Place:
    """Look a release's place up anew."""
    with unit_of_work() as work:
        host = work.get_one(ProjectHost, (place.project_id, place.kind))
        return _place(work, host, place.artifact, is_production=place.is_production)


def _place(work: Work, host: ProjectHost, artifact: str, *, is_production: bool = False) -> Place:
    sent = work.scalar(
        select(SentRelease).where(
            SentRelease.project_id == host.project_id, SentRelease.kind == host.kind,
            SentRelease.site == host.site, SentRelease.artifact == artifact,
        )
    )  # fmt: skip
    return Place(
        host.project_id, host.kind, host.site, host.team, host.api_url, artifact, is_production,
        sent.vendor_id if sent else "", bool(sent and sent.published_at), host_token(host),
    )  # fmt: skip


def record_sent(place: Place, vendor_id: str) -> None:
    """Record what the vendor calls a release."""
    with unit_of_work() as work:
        statement = insert(SentRelease).values(
            project_id=place.project_id, kind=place.kind, site=place.site,
            artifact=place.artifact, vendor_id=vendor_id,
        )  # fmt: skip
        work.execute(
            statement.on_conflict_do_update(
                index_elements=["project_id", "kind", "site", "artifact"],
                set_={"vendor_id": vendor_id, "published_at": None},
            )
        )


def _row(work: Work, place: Place) -> SentRelease | None:
    return work.scalar(
        select(SentRelease).where(
            SentRelease.project_id == place.project_id, SentRelease.kind == place.kind,
            SentRelease.site == place.site, SentRelease.artifact == place.artifact,
            SentRelease.vendor_id == place.vendor_id,
        )
    )  # fmt: skip


def record_published(place: Place) -> None:
    """Record that the site's own address shows a release now."""
    with unit_of_work() as work:
        row = _row(work, place)
        if row is not None:
            row.published_at = now()


def list_outshone() -> list[tuple[str, str]]:
    """List production's serving copies whose site shows another release: kind and name.

    Such a one is left where a run was killed between publishing and the switch. Production that a
    run works on is not among them.
    """
    newest = (
        select(func.max(SentRelease.published_at))
        .where(
            SentRelease.project_id == ProjectHost.project_id,
            SentRelease.kind == ProjectHost.kind, SentRelease.site == ProjectHost.site,
        )
        .correlate(ProjectHost)
        .scalar_subquery()
    )  # fmt: skip
    held = select(EnvironmentLock.environment_id).where(EnvironmentLock.held)
    with unit_of_work() as work:
        found = work.execute(
            select(Instance.runtime, Instance.name)
            .join(Environment, Environment.id == Instance.environment_id)
            .join(Release, Release.id == Instance.release_id)
            .join(
                ProjectHost,
                (ProjectHost.project_id == Environment.project_id)
                & (ProjectHost.kind == Instance.runtime),
            )
            .join(
                SentRelease,
                (SentRelease.project_id == ProjectHost.project_id)
                & (SentRelease.kind == ProjectHost.kind)
                & (SentRelease.site == ProjectHost.site)
                & (SentRelease.artifact == Release.artifact),
            )
            .where(
                Instance.state == InstanceState.SERVING,
                Environment.kind == EnvironmentKind.PRODUCTION,
                SentRelease.published_at.is_distinct_from(newest),
                Environment.id.not_in(held),
            )
        )  # fmt: skip
        return [(kind, name) for kind, name in found]


def forget_sent(place: Place) -> None:
    """Forget that a vendor has a release. Idempotent."""
    with unit_of_work() as work:
        row = _row(work, place)
        if row is not None:
            work.delete(row)


def list_unneeded(location: str, artifact: str, kind: str) -> list[Place]:
    """List what a vendor has of a release that goes, and of those that are gone.

    Those gone before are what the vendor would not delete then.
    """
    with unit_of_work() as work:
        projects = set(
            work.scalars(
                select(Release.project_id).where(
                    Release.location == location, Release.runtime == kind
                )
            )
        )
        kept = (
            select(Release.artifact)
            .where(
                Release.project_id == SentRelease.project_id,
                Release.runtime == SentRelease.kind,
                Release.removed_at.is_(None),
            )
            .correlate(SentRelease)
        )
        found = work.execute(
            select(ProjectHost, SentRelease.artifact)
            .join(
                SentRelease,
                (SentRelease.project_id == ProjectHost.project_id)
                & (SentRelease.kind == ProjectHost.kind)
                & (SentRelease.site == ProjectHost.site),
            )
            .where(
                ProjectHost.project_id.in_(projects), ProjectHost.kind == kind,
                or_(SentRelease.artifact == artifact, SentRelease.artifact.not_in(kept)),
            )
        )  # fmt: skip
        return [_place(work, host, gone) for host, gone in found.all()]
