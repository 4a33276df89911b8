"""Projects, secrets, users, webhooks and the trail against a real Postgres."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from greenroom.errors import (
    AlreadyExists,
    DatabaseUnavailable,
    InvalidInput,
    NotAllowed,
    NotFound,
)
from greenroom.store import audit, environments, projects, users, webhooks
from greenroom.store.migrate import migrate
from greenroom.store.models import (
    AuditEvent,
    Environment,
    Project,
)
from greenroom.store.work import Work, unit_of_work

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]
AtOnce = Callable[[int, Callable[[int], Any]], list[Any]]


def get(work: Work, environment_id: uuid.UUID) -> Environment:
    return work.get_one(Environment, environment_id)


def test_migrating_twice_at_once_and_again_changes_nothing(
    at_once: AtOnce, postgres_dsn: str
) -> None:
    revisions = at_once(3, lambda _: migrate(postgres_dsn))
    assert len(set(map(str, revisions))) == 1
    assert migrate(postgres_dsn) == revisions[0]


def test_the_models_are_what_was_migrated(store_url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    from greenroom.store.models import Base

    with unit_of_work() as work:
        context = MigrationContext.configure(work.connection())
        assert compare_metadata(context, Base.metadata) == []


def test_an_audit_event_shares_the_fate_of_what_it_tells(environment_id: uuid.UUID) -> None:
    with pytest.raises(RuntimeError), unit_of_work() as work:
        environments.request_destruction(work, get(work, environment_id), actor="eve")
        work.flush()
        raise RuntimeError
    with unit_of_work() as work:
        assert get(work, environment_id).destroy_requested_at is None
        events = audit.list_audit(work, environment_id=environment_id)
        assert [event.action for event in events] == ["environment.create"]
        environments.request_destruction(work, get(work, environment_id), actor="ada")
        environments.request_destruction(work, get(work, environment_id), actor="ada")
    with unit_of_work() as work:
        events = audit.list_audit(work, environment_id=environment_id)
        assert [(e.action, e.actor) for e in events] == [
            ("environment.destroy", "ada"), ("environment.create", "ada"),
        ]  # fmt: skip


SENTINEL = "sentinel-7f3b1c-äöü"


def test_secrets_cannot_be_read_in_the_tables(store_url: str, environment_id: uuid.UUID) -> None:
    url = f"postgresql://joe:{SENTINEL}@db/x"
    with unit_of_work() as work:
        environment = get(work, environment_id)
        project = environment.project
        projects.set_variable(work, project, "TOKEN", SENTINEL, actor="ada")
        projects.set_production_database_url(work, project, url, actor="ada")
        environments.record_database_url(environment, url)
        hook = projects.webhook_secret(project)
    with psycopg.connect(store_url) as connection:
        tables = [row[0] for row in connection.execute(
            "select table_name from information_schema.tables where table_schema = 'public'"
        )]  # fmt: skip
        dump = "".join(
            str(row)
            for table in tables
            for row in connection.execute(f'select t.*, t::text from "{table}" t')
        )
    for secret in (SENTINEL, SENTINEL.encode().hex(), hook, hook.encode().hex()):
        assert secret not in dump
    with unit_of_work() as work:
        environment = get(work, environment_id)
        assert projects.production_database_url(environment.project) == url
        assert environments.environment_database_url(environment) == url
        assert [v.value for v in projects.resolve_variables(environment)] == [SENTINEL]


def test_a_variable_of_the_environment_is_over_its_kinds_is_over_the_projects(
    environment_id: uuid.UUID,
) -> None:
    with unit_of_work() as work:
        environment = get(work, environment_id)
        project = environment.project
        for name in ("A", "B", "C"):
            projects.set_variable(work, project, name, "project", actor="ada")
        for name in ("B", "C"):
            projects.set_variable(work, project, name, "kind", kind="staging", actor="ada")
        projects.set_variable(work, project, "C", "own", environment=environment, actor="ada")
        projects.set_variable(work, project, "C", "new", environment=environment, actor="ada")
        projects.set_variable(work, project, "D", "no", kind="production", actor="ada")
        work.flush()
        found = {v.name: (v.value, v.scope) for v in projects.resolve_variables(environment)}
        assert found == {
            "A": ("project", "project"), "B": ("kind", "staging"), "C": ("new", "environment"),
        }  # fmt: skip
        projects.unset_variable(work, project, "C", environment=environment, actor="ada")
        with pytest.raises(NotFound):
            projects.unset_variable(work, project, "C", environment=environment, actor="ada")
        for name, value in (("1A", "x"), ("GREENROOM_X", "x"), ("Ä", "x"), ("A", "a\0b")):
            with pytest.raises(InvalidInput):
                projects.set_variable(work, project, name, value, actor="ada")


def test_one_environment_a_branch_and_one_production(at_once: AtOnce, store_url: str) -> None:
    with unit_of_work() as work:
        project = projects.add_project(work, "shop", "/srv/shop", actor="ada")
        with pytest.raises(AlreadyExists):
            projects.add_project(work, "shop", "/srv/other", actor="ada")

    def ensure(branch: str) -> str:
        with unit_of_work() as work:
            found = work.get_one(Project, project.id)
            return str(environments.ensure_environment(work, found, branch, actor="ada").id)

    assert len(set(at_once(5, lambda _: ensure("feature/a")))) == 1
    assert len({ensure("feature/a"), ensure("feature-a"), ensure("feature/a")}) == 2
    ensure("main")
    with unit_of_work() as work:
        found = environments.list_environments(work, work.get_one(Project, project.id))
        hosts = {e.host for e in found}
        assert len(hosts) == 3
        assert {"shop.localhost", "shop-feature-a.localhost"} < hosts
        assert environments.get_environment(work, "shop/production").host == "shop.localhost"
        assert environments.get_environment(work, "shop.localhost").kind == "production"
        with pytest.raises(NotFound, match="no environment 'nope'"):
            environments.get_environment(work, "nope")
        owner = work.get_one(Project, project.id)
        with pytest.raises(InvalidInput):
            environments.ensure_environment(work, owner, "x", name="production", actor="ada")
        with pytest.raises(AlreadyExists):
            environments.ensure_environment(work, owner, "x", name="feature-a", actor="ada")


def test_of_a_webhook_sent_twice_at_once_one_counts(
    at_once: AtOnce, environment_id: uuid.UUID
) -> None:
    with unit_of_work() as work:
        project_id = get(work, environment_id).project_id

    def deliver(number: int) -> bool:
        with unit_of_work() as work:
            seen = webhooks.record_delivery(work, "github", "d-1", project_id, "push")
            if seen is None:
                webhooks.record_outcome(work, "github", "d-1", project_id, {"number": number})
            return seen is None

    results = at_once(10, deliver)
    assert sorted(map(str, results)) == ["False"] * 9 + ["True"]
    with unit_of_work() as work:
        again = webhooks.record_delivery(work, "github", "d-1", project_id, "push")
        assert again == {"number": results.index(True)}
        assert webhooks.record_delivery(work, "gitlab", "d-1", project_id, "push") is None
        assert webhooks.prune_deliveries(work) == 0


def test_a_dead_server_is_told_as_such(monkeypatch: pytest.MonkeyPatch, store_url: str) -> None:
    with pytest.raises(DatabaseUnavailable), unit_of_work() as work:
        pid = work.connection().exec_driver_sql("select pg_backend_pid()").scalar_one()
        with psycopg.connect(store_url, autocommit=True) as other:
            other.execute("select pg_terminate_backend(%s)", (pid,))
        work.scalar(select(Project.id).limit(1))
    with unit_of_work() as work:  # the pool gives no dead connection twice
        assert projects.list_projects(work) == []
    for url in (
        "postgresql://nobody@127.0.0.1:1/none",
        "postgresql://nobody@127.0.0.1:1/none?host=/nonexistent",
    ):
        with pytest.raises(DatabaseUnavailable) as refused, unit_of_work(url) as work:
            projects.list_projects(work)
        assert refused.value.transient
        assert refused.value.hint


def test_logging_in(store_url: str) -> None:
    with unit_of_work() as work:
        password = users.ensure_admin(work)
        assert password is not None
        assert users.ensure_admin(work) is None
    with unit_of_work() as work:
        token = users.log_in(work, "admin", password)
        assert token is not None
        assert users.log_in(work, "admin", "wrong") is None
        assert users.log_in(work, "nobody", password) is None
    with unit_of_work() as work:
        user = users.find_session_user(work, token)
        assert user is not None
        assert user.must_change_password
        with pytest.raises(NotAllowed):
            users.change_password(work, user, "wrong", "a new long one")
        with pytest.raises(InvalidInput):
            users.change_password(work, user, password, "short")
        users.change_password(work, user, password, "a new long one")
        assert users.find_session_user(work, "guessed") is None
        users.log_out(work, token)
        users.log_out(work, token)
        assert users.find_session_user(work, token) is None
    for _ in range(users.LOCK_AFTER - 1):  # one was wrong before
        with unit_of_work() as work:
            assert users.log_in(work, "admin", "wrong") is None
    with pytest.raises(NotAllowed, match="too many"), unit_of_work() as work:
        users.log_in(work, "admin", "a new long one")
    with unit_of_work() as work:
        again = users.reset_password(work, "admin", actor="root")
        assert users.log_in(work, "admin", again)
        actions = set(work.scalars(select(AuditEvent.action)))
        assert {"user.add", "user.log_in", "user.locked", "user.reset_password"} <= actions


def test_what_an_error_of_the_store_says_holds_no_value(store_url: str) -> None:
    asked = text("select 1 / (length(cast(:value as text)) - length(cast(:value as text)))")
    with pytest.raises(DBAPIError, match="division by zero") as caught, unit_of_work() as work:
        work.execute(asked, {"value": "ada@home.test"})
    assert "ada@home.test" not in str(caught.value)
