"""Giving an environment a fresh copy of the anonymized database, its migrations run on it first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import urlsplit
from uuid import UUID

from greenroom.data.clones import discard_copies, make_fresh, take_place
from greenroom.data.databases import DatabaseServer
from greenroom.data.place import discard_next
from greenroom.data.swap import beside
from greenroom.errors import GreenroomError, HostingError, ReleaseFailed
from greenroom.hosting.registry import runtime_for
from greenroom.names import database_name, role_name
from greenroom.store import deployments, environments
from greenroom.store.models import Environment
from greenroom.store.work import database_url, unit_of_work
from tasks.copies import copy_of
from tasks.hold import holding
from tasks.policies import step
from tasks.sync import place_of, template_of
from tasks.syncing import telling
from tasks.values import Held, Syncing


def refresh(sync: Syncing) -> None:
    """Bring a sync's data to the environment that it was asked for; nothing without one."""
    if sync.environment_id is None:
        return
    with holding(sync.environment_id, "refreshing its data") as held, fresh_copy(sync, held):
        release_fresh(sync, held)
        serve_fresh(sync, held)
    tidy_up(sync)


@contextmanager
def fresh_copy(sync: Syncing, held: Held) -> Iterator[None]:
    """Have a copy of the template beside the environment's database."""
    copy_template(sync, held)
    try:
        yield
    except GreenroomError:
        drop_fresh(held)
        raise
    except BaseException:
        drop_fresh.fn(held)
        raise


def _names(environment_id: UUID) -> tuple[str, str]:
    with unit_of_work() as work:
        environment = work.get_one(Environment, environment_id)
        names = (environment.project.name, environment.name, str(environment.id))
    return database_name(*names), role_name(*names)


@step
def copy_template(sync: Syncing, held: Held) -> None:
    """Copy the template beside the environment's database, for its role. Idempotent.

    Errors: SyncFailed.
    """
    database, role = _names(held.environment_id)
    with telling(sync.sync_id, "environment") as tell:
        _ensure_database(held, database, role)
        _, how = make_fresh(database_url(), template_of(sync), database, role)
        tell(f"copied for the environment ({how})")


def _ensure_database(held: Held, database: str, role: str) -> None:
    """Give an environment that has none a database and a role."""
    with unit_of_work() as work:
        if work.get_one(Environment, held.environment_id).database_url is not None:
            return
    url = DatabaseServer(database_url()).ensure_database(database, role)
    with unit_of_work() as work:
        environments.record_database_url(work.get_one(Environment, held.environment_id), url)


@step
def release_fresh(sync: Syncing, held: Held) -> None:
    """Run the serving version's release command on the fresh copy, before anybody uses it.

    The branch's migrations run on production's shape, as they will when it is promoted.

    Errors: ReleaseFailed.
    """
    with unit_of_work() as work:
        instance = environments.serving_instance(work, held.environment_id)
        copy = copy_of(work, instance) if instance else None
    command = copy.manifest.run.release.strip() if copy else ""
    if copy is None or instance is None or not command:
        return
    fresh = _fresh_url(held, copy.variables["DATABASE_URL"])
    copy = replace(copy, variables={**copy.variables, "DATABASE_URL": fresh})
    with telling(sync.sync_id, "release") as tell:
        for line in command.splitlines():
            tell(f"$ {line}")
        try:
            code = runtime_for(instance.runtime).run_command(
                copy, command, copy.manifest.run.release_timeout_seconds, tell, tell.check
            )
        except HostingError as error:
            raise ReleaseFailed(f"the release command failed: {error.message}") from error
        if code:
            raise ReleaseFailed(
                f"the release command ended with exit code {code} on the fresh data",
                hint="The environment keeps the data that it had. Read the sync's log.",
            )


def _fresh_url(held: Held, url: str) -> str:
    database, _ = _names(held.environment_id)
    parts = urlsplit(url)
    return parts._replace(path=f"/{beside(database, 'fresh')}").geturl()


@step
def serve_fresh(sync: Syncing, held: Held) -> None:
    """Put the fresh copy in the place of the environment's database. Idempotent.

    Errors: LockLost, SyncFailed.
    """
    database, _ = _names(held.environment_id)
    with telling(sync.sync_id, "environment") as tell:
        with unit_of_work() as work:
            deployments.check_lock(work, held.environment_id, held.token)
        take_place(database_url(), database)
        tell("the environment uses the fresh data")


@step
def drop_fresh(held: Held) -> None:
    """Drop a fresh copy that did not take its place. Idempotent."""
    discard_copies(database_url(), _names(held.environment_id)[0])


@step
def tidy_up(sync: Syncing) -> None:
    """Drop what was only filled for one environment. Idempotent."""
    if sync.tables:
        discard_next(place_of(sync))
