"""What a running copy is started with: its artifact, limits and variables, read from the store."""

from __future__ import annotations

from uuid import UUID

from greenroom.asset_orders import asset_variables
from greenroom.data.clones import Template, clone
from greenroom.data.databases import DatabaseServer, renamed_host, socket_address
from greenroom.egress import DATABASE_HOST, MAIL_HOST
from greenroom.guarding import Guard, installed_guard
from greenroom.hosting.base import Copy
from greenroom.mailing import mail_variables
from greenroom.manifest import Manifest
from greenroom.names import database_name, role_name, template_name
from greenroom.settings import load_settings
from greenroom.store import environments, projects, syncs
from greenroom.store.crypto import ensure_secret_key
from greenroom.store.models import (
    Deployment,
    Environment,
    EnvironmentKind,
    Instance,
    Release,
)
from greenroom.store.states import GivenAt
from greenroom.store.work import Work, database_url, unit_of_work
from greenroom.variables import built_in
from tasks.log import narrate
from tasks.policies import step
from tasks.values import Held


def database_server() -> DatabaseServer:
    """Give the server of the environments' databases."""
    return DatabaseServer(database_url())


@step
def ensure_database(held: Held, release_id: UUID) -> None:
    """Give an environment a database of its own, if its manifest asks for one.

    It is a copy of the project's anonymized data where there is any. Production keeps the one that
    the project named. Idempotent.
    """
    with unit_of_work() as work:
        environment = work.get_one(Environment, held.environment_id)
        project, manifest = environment.project, _manifest(work, release_id)
        wanted = manifest.database.engine == "postgres" and environment.database_url is None
        if environment.kind == EnvironmentKind.PRODUCTION and project.production_database_url:
            wanted = False
        names = (project.name, environment.name, str(environment.id))
        name = template_name(project.name, str(project.id))
        data = None if environment.is_guarded else syncs.last_done(work, project)
    if not wanted:
        return
    with narrate(held.deployment, "database", "database") as log:
        database, role = database_name(*names), role_name(*names)
        if data is None or data.snapshot_at is None:
            log("creating a database of its own, empty: there is no data that it may have")
            url = database_server().ensure_database(database, role)
        else:
            url, how = clone(database_url(), Template(name, name), database, role)
            moment = f"{data.snapshot_at:%Y-%m-%d %H:%M} UTC"
            log(f"copied the project's anonymized data of {moment} ({how})")
        with unit_of_work() as work:
            environments.record_database_url(work.get_one(Environment, held.environment_id), url)


def _manifest(work: Work, release_id: UUID) -> Manifest:
    return Manifest.from_json(work.get_one(Release, release_id).manifest)


def database_url_of(environment: Environment, runtime: str, machine: str = "") -> str | None:
    """Give the DATABASE_URL of an environment's copies at a host."""
    named = projects.production_database_url(environment.project)
    if environment.kind == EnvironmentKind.PRODUCTION and named:
        return named
    known = environments.environment_database_url(environment)
    own = database_server().readdress(known) if known is not None else None
    if own is None or runtime != "docker" or machine:
        return own
    if load_settings().database_url is None:
        from greenroom.hosting.engine import SOCKET_FOLDER

        return socket_address(own, SOCKET_FOLDER)
    return renamed_host(own, DATABASE_HOST) if guard_of(environment, runtime, machine) else own


def guard_of(environment: Environment, runtime: str, machine: str) -> Guard | None:
    """Give the guard that keeps an environment's containers; None where it runs unguarded.

    It is the firewall of this machine: at a host elsewhere there is none.
    """
    if environment.kind == EnvironmentKind.PRODUCTION or runtime != "docker" or machine:
        return None
    return installed_guard(load_settings())


def copy_of(work: Work, instance: Instance) -> Copy:
    """Describe a running copy as it shall be started."""
    environment = work.get_one(Environment, instance.environment_id)
    release = work.get_one(Release, instance.release_id)
    deployment = work.get_one(Deployment, instance.deployment_id)
    manifest = Manifest.from_json(release.manifest)
    variables = dict(manifest.variables) | asset_variables(work, environment)
    database = database_url_of(environment, instance.runtime, instance.machine)
    if database:
        variables["DATABASE_URL"] = database
    variables |= projects.given_variables(environment, GivenAt.RUN)
    guard = guard_of(environment, instance.runtime, instance.machine)
    is_staging = environment.kind != EnvironmentKind.PRODUCTION
    if is_staging and (guard or instance.runtime == "process"):
        host = MAIL_HOST if guard else ""
        more, key = manifest.mail.variables, ensure_secret_key()
        variables |= mail_variables(load_settings(), environment.id, key, host, more)
    variables |= built_in(environment, release.commit_hash or deployment.commit_hash)
    return Copy(
        name=instance.name,
        environment_id=str(environment.id),
        artifact=release.artifact,
        location=release.location,
        manifest=manifest,
        variables=variables,
        is_guarded=guard is not None,
    )
