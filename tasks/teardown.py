"""Taking an environment away, with everything that is only its."""

from __future__ import annotations

import shutil
from uuid import UUID

from greenroom.data.clones import discard_copies
from greenroom.errors import GreenroomError
from greenroom.hosting.registry import has_engine
from greenroom.names import database_name, role_name, work_queue_name
from greenroom.runs import Runs
from greenroom.settings import load_settings
from greenroom.store import deployments, domains, environments, machines, mails, networks
from greenroom.store.audit import record_audit
from greenroom.store.models import (
    DeploymentStatus,
    Environment,
    EnvironmentStatus,
    Instance,
)
from greenroom.store.work import database_url, unit_of_work
from tasks.copies import database_server
from tasks.hold import end_deployment
from tasks.placing import remove_surroundings
from tasks.policies import step
from tasks.traffic import prune_releases, stop_copy
from tasks.values import Held


@step
def close_routes(held: Held) -> bool:
    """Mark an environment destroyed, so that the gateway stops sending to it; False if it was.

    Idempotent.
    """
    with unit_of_work() as work:
        deployments.check_lock(work, held.environment_id, held.token)
        environment = work.get_one(Environment, held.environment_id)
        if environment.status == EnvironmentStatus.DESTROYED:
            return False
        for deployment in deployments.list_unfinished(work, environment.id):
            end_deployment(work, deployment.id, DeploymentStatus.CANCELLED)
        environments.set_status(environment, EnvironmentStatus.DESTROYED, "destroyed")
        record_audit(work, "teardown", "environment.destroyed", environment=environment)
        return True


@step
def stop_copies(held: Held) -> int:
    """Stop every copy of an environment; give how many. Idempotent."""
    with unit_of_work() as work:
        found: list[Instance] = environments.list_instances(work, held.environment_id)
    for instance in found:
        stop_copy(instance)
    return len(found)


@step
def drop_own_database(held: Held) -> None:
    """Drop the environment's own database and role, never the project's. Idempotent."""
    with unit_of_work() as work:
        environment = work.get_one(Environment, held.environment_id)
        if environment.database_url is None:
            return
        names = (environment.project.name, environment.name, str(environment.id))
    discard_copies(database_url(), database_name(*names))
    database_server().drop_database(database_name(*names), role_name(*names))
    with unit_of_work() as work:
        environments.record_database_url(work.get_one(Environment, held.environment_id), None)


@step
def remove_leftovers(held: Held) -> None:
    """Remove network, services, folders, artifacts that are only the environment's. Idempotent."""
    settings = load_settings()
    with unit_of_work() as work:
        places = machines.machines_of(work, held.environment_id)
    for machine in places:
        if machine or has_engine(settings):
            remove_surroundings(held.environment_id, machine)
    with unit_of_work() as work:
        history = deployments.list_deployments(work, held.environment_id, limit=1000)
        networks.forget_network(work, held.environment_id)
        gone = work.get_one(Environment, held.environment_id)
        mails.delete_mails(work, gone)
        domains.delete_domains(work, gone)
    for deployment in history:
        shutil.rmtree(settings.path("sources", str(deployment.id)), ignore_errors=True)
    prune_releases(held)


def remove_queue(environment_id: UUID) -> None:
    """Delete the environment's queue at Prefect; one that is still in use goes next time."""
    try:
        Runs().remove_queue(work_queue_name(str(environment_id)))
    except GreenroomError:
        pass
