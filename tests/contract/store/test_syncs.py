"""Syncs, policies and keys in the store."""

import uuid
from typing import Any, cast

import psycopg
import pytest

from greenroom.data.repairs import Mend
from greenroom.errors import EnvironmentLocked, InvalidInput, NotFound, Overtaken
from greenroom.names import database_name
from greenroom.store import environments, policies, projects, syncs
from greenroom.store.models import Environment, Project, Sync, SyncStatus
from greenroom.store.work import Work, unit_of_work
from tasks import sync_repair
from tasks.sync import _policy_and_key
from tasks.syncing import begin_sync
from tasks.values import SyncRequest
from tests.conftest import database_on, on_server

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]
URL = "postgresql://reader:words@127.0.0.1:1/shop"


@pytest.fixture
def project_id(environment_id: uuid.UUID) -> uuid.UUID:
    with unit_of_work() as work:
        project = work.get_one(Environment, environment_id).project
        projects.set_production_database_url(work, project, URL, actor="test")
        return project.id


def project(work: Work, project_id: uuid.UUID) -> Project:
    return work.get_one(Project, project_id)


def test_of_a_project_one_sync_runs_at_a_time(project_id: uuid.UUID) -> None:
    with unit_of_work() as work:
        of = project(work, project_id)
        first = syncs.create_sync(work, of, None, requested_by="a").id
        second = syncs.create_sync(work, of, None, requested_by="b").id
    with unit_of_work() as work:
        assert syncs.begin(work, first, "here", "1:1", None).attempts == 1
    with pytest.raises(EnvironmentLocked), unit_of_work() as work:
        syncs.begin(work, second, "here", "2:1", None)
    with unit_of_work() as work:
        assert syncs.begin(work, first, "here", "3:1", None).attempts == 2
        syncs.finish(work.get_one(Sync, first), SyncStatus.DONE)
    with unit_of_work() as work:
        assert syncs.begin(work, second, "here", "2:1", None).number == 2
        assert [s.number for s in syncs.list_unfinished(work)] == [2]
        last = syncs.last_done(work, project(work, project_id))
        assert last is not None
        assert last.number == 1


def test_a_cancelled_one_stops(project_id: uuid.UUID) -> None:
    with unit_of_work() as work:
        of = project(work, project_id)
        waiting = syncs.create_sync(work, of, None, requested_by="a")
        syncs.request_cancel(work, waiting, actor="a")
        assert waiting.status == SyncStatus.CANCELLED
        running = syncs.create_sync(work, of, None, requested_by="a")
        syncs.begin(work, running.id, "here", "1:1", None)
        syncs.request_cancel(work, running, actor="a")
        with pytest.raises(Overtaken):
            syncs.check_wanted(running)
        syncs.finish(running, SyncStatus.FAILED, {"error": "x", "detail": "", "hint": ""})
        assert running.status == SyncStatus.CANCELLED
        with pytest.raises(InvalidInput):
            syncs.request_cancel(work, running, actor="a")
        with pytest.raises(Overtaken):
            syncs.begin(work, waiting.id, "here", "1:1", None)


def test_what_cannot_be_synced_is_refused(project_id: uuid.UUID, environment_id: uuid.UUID) -> None:
    with unit_of_work() as work:
        of = project(work, project_id)
        production = environments.ensure_environment(work, of, of.production_branch, actor="a")
        with pytest.raises(InvalidInput, match="only ever read"):
            syncs.create_sync(work, of, production, requested_by="a")
        with pytest.raises(InvalidInput, match="one environment"):
            syncs.create_sync(work, of, None, tables=["public.a"], requested_by="a")
        with pytest.raises(NotFound):
            syncs.find_sync(work, of)
        of.production_database_url = None
        with pytest.raises(InvalidInput, match="no production database"):
            syncs.create_sync(work, of, None, requested_by="a")


def test_log_and_progress_grow(project_id: uuid.UUID) -> None:
    with unit_of_work() as work:
        made = syncs.create_sync(work, project(work, project_id), None, requested_by="a").id
        syncs.append_log(work, made, ["one", "two"])
        syncs.add_progress(work, made, {"public.a": {"rows": 1}, "public.b": {"rows": 2}})
    with unit_of_work() as work:
        syncs.append_log(work, made, ["three"])
        syncs.add_progress(work, made, {"public.a": {"rows": 5}})
    with unit_of_work() as work:
        found = syncs.get_sync(work, made)
        assert [line[9:] for line in found.log_output.splitlines()] == ["one", "two", "three"]
        assert found.progress == {"public.a": {"rows": 5}, "public.b": {"rows": 2}}


def test_the_newest_policy_is_in_force(project_id: uuid.UUID) -> None:
    with unit_of_work() as work:
        of = project(work, project_id)
        assert policies.current_policy(work, of) is None
        first = policies.record_policy(work, of, "version: 1\n", "f1", by="ada")
        assert policies.record_policy(work, of, "version: 1\n", "f1", by="bo") is first
        policies.record_policy(work, of, "version: 1\ntables: {}\n", "f2", by="bo")
        assert policies.current_policy(work, of) == "version: 1\ntables: {}\n"
        assert [p.number for p in policies.list_policies(work, of)] == [2, 1]


def test_a_sync_keeps_to_the_policy_that_was_in_force_when_it_began(project_id: uuid.UUID) -> None:
    with unit_of_work() as work:
        of = project(work, project_id)
        policies.record_policy(work, of, "one", "f1", by="ada")
        request = SyncRequest(syncs.create_sync(work, of, None, requested_by="a").id, of.name, 1)
    sync = begin_sync.fn(request)
    with unit_of_work() as work:
        policies.record_policy(work, project(work, project_id), "two", "f2", by="ada")
    assert _policy_and_key(sync)[0] == "one"
    again = begin_sync.fn(request)  # taken up by another process: by what is in force then
    assert (sync.policy_number, again.policy_number) == (1, 2)
    assert _policy_and_key(again)[0] == "two"


def test_a_key_stays_until_it_is_replaced(project_id: uuid.UUID, store_url: str) -> None:
    with unit_of_work() as work:
        of = project(work, project_id)
        first = policies.ensure_pseudonym_key(work, of, by="a")
        assert policies.ensure_pseudonym_key(work, of, by="a") == first
        second = policies.rotate_pseudonym_key(work, of, by="a")
        assert second != first
        assert policies.ensure_pseudonym_key(work, of, by="a") == second


def test_one_that_was_killed_too_often_leaves_its_environment_a_database(
    postgres_server: str, project_id: uuid.UUID, environment_id: uuid.UUID
) -> None:
    with unit_of_work() as work:
        environment = work.get_one(Environment, environment_id)
        name = database_name(environment.project.name, environment.name, str(environment_id))
        key = syncs.create_sync(work, project(work, project_id), environment, requested_by="a").id
        syncs.begin(work, key, "here", "1:1", None)
    on_server(postgres_server, "create database {name}", name=name)
    try:  # killed while the new database took the place of this one
        on_server(postgres_server, "alter database {name} allow_connections false", name=name)
        sync_repair._mend(key, Mend.END, cast(Any, None))
        psycopg.connect(database_on(postgres_server, name)).close()
    finally:
        on_server(postgres_server, "drop database {name} with (force)", name=name)
    with unit_of_work() as work:
        assert work.get_one(Sync, key).status == SyncStatus.FAILED
